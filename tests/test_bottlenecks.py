"""Bottlenecks: values by hand, gradients, what is learnt without one, codes that look up to the last bit."""

import math
import os

import pytest
import torch
from helpers import save_untrained
from torch import nn

from vc.bottlenecks import make_bottleneck
from vc.bottlenecks.base import count_uses, perplexity, straight_through
from vc.bottlenecks.quantised import nearest
from vc.bottlenecks.variational import divergence
from vc.checkpoint import Checkpoint, load_checkpoint, load_weights, save_checkpoint
from vc.config import Config
from vc.encoder import Encoder
from vc.errors import ConfigError
from vc.layers import frame_mask, instance_norm

DISCRETE = [("binary", {}), ("one_hot", {"groups": 3, "categories": 5}), ("one_hot", {"hard": False}),
            ("vq", {"codes": 20}), ("vq", {"codes": 20, "codebooks": 3}),
            ("vq", {"codes": 20, "codebooks": 4, "form": "grouped"})]
EVERY = [*DISCRETE, ("plain", {}), ("sigmoid", {}), ("vae", {})]


def bottleneck(name, settings, dims=8):
    torch.manual_seed(0)
    return make_bottleneck(name, dims, settings)


def frames(batch=4, dims=8, length=30, seed=1):
    """What an encoder gives: (batch, dims, length), normalised over time."""
    return instance_norm(torch.randn(batch, dims, length, generator=torch.Generator().manual_seed(seed))).x


def set_codebooks(quantised, *books):
    quantised.codebooks = torch.tensor(books, dtype=torch.float)


@pytest.mark.parametrize("name, settings", EVERY)
def test_shapes_at_odd_lengths(name, settings):
    for length in (1, 2, 7):
        squeezed = bottleneck(name, settings)(torch.randn(2, 8, length))
        assert squeezed.z.shape == (2, 8, length) and squeezed.z.dtype == torch.float32


@pytest.mark.parametrize("name, settings", DISCRETE)
def test_codes_look_up_to_the_last_bit(name, settings):
    """Also in training, where z carries a gradient, and after a learning step; codes are whole numbers in bounds."""
    squeezer, x = bottleneck(name, settings), frames()
    squeezer.learn(x, squeezer(x))
    for mode in (True, False):
        squeezed = squeezer.train(mode)(x)
        assert squeezed.codes.dtype == torch.long and squeezed.codes.shape == (4, len(squeezer.cardinalities), 30)
        assert (squeezed.codes >= 0).all()
        assert (squeezed.codes.amax((0, 2)) < torch.tensor(squeezer.cardinalities)).all()
        if not (mode and name == "one_hot"):  # in training its choice is drawn
            assert torch.equal(squeezer.look_up(squeezed.codes), squeezed.z)
    assert squeezed.codes.unique().numel() > 1


@pytest.mark.parametrize("name, settings", EVERY)
def test_it_is_deterministic_once_trained_and_forward_changes_nothing(name, settings):
    squeezer, x = bottleneck(name, settings), frames()
    before = {key: value.clone() for key, value in squeezer.state_dict().items()}
    squeezer(x)
    assert all(torch.equal(value, before[key]) for key, value in squeezer.state_dict().items())
    squeezer.eval()
    assert torch.equal(squeezer(x).z, squeezer(x).z)


@pytest.mark.parametrize("name, settings", EVERY)
def test_a_padded_item_equals_the_single_one(name, settings):
    torch.manual_seed(0)
    encoder = Encoder(bands=20, width=16, blocks=2, kernel=3, stride=2, content_dims=8, speaker_dims=6,
                      bottleneck=name, bottleneck_settings=settings).eval()
    x, mask = torch.randn(2, 20, 30), frame_mask(torch.tensor([30, 17]), 30)
    alone, padded = encoder(x[1:, :, :17]).squeezed, encoder(x, mask).squeezed
    torch.testing.assert_close(padded.z[1, :, :9], alone.z[0], atol=1e-5, rtol=1e-5)
    assert alone.codes is None or torch.equal(padded.codes[1, :, :9], alone.codes[0])


@pytest.mark.parametrize("name, settings", EVERY)
def test_half_precision_around_it_changes_nothing(name, settings):
    squeezer, x = bottleneck(name, settings), frames()
    torch.manual_seed(2)
    plain = squeezer(x)
    torch.manual_seed(2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = squeezer(x)
    assert torch.equal(plain.z, mixed.z)


@pytest.mark.parametrize("name, settings", EVERY)
def test_a_gradient_comes_through(name, settings):
    squeezer, x = bottleneck(name, settings), frames().requires_grad_(True)
    squeezed = squeezer(x)
    (squeezed.z * torch.randn(squeezed.z.shape)).sum().backward()
    for tensor in (x, *squeezer.parameters()):
        assert torch.isfinite(tensor.grad).all() and tensor.grad.abs().max() > 0


def test_straight_through_by_hand():
    soft = torch.tensor([0.3, -2.0], requires_grad=True)
    through = straight_through(torch.tensor([1.0, 5.0]), soft * 3)
    assert through.tolist() == [1.0, 5.0]
    (through * torch.tensor([1.0, 2.0])).sum().backward()
    assert soft.grad.tolist() == [3.0, 6.0]


def test_bits_stop_pushing_beyond_one():
    x = torch.tensor([[[-1.5, -0.5, 0.5, 1.5]]], requires_grad=True)
    squeezed = make_bottleneck("binary", 1, {})(x)
    squeezed.z.sum().backward()
    assert squeezed.z.tolist() == [[[-1, -1, 1, 1]]] and squeezed.codes.tolist() == [[[0, 0, 1, 1]]]
    assert x.grad.tolist() == [[[0, 1, 1, 0]]]


def test_a_sigmoid_by_hand():
    x = torch.tensor([[[0.0, 1.0]]])
    torch.testing.assert_close(make_bottleneck("sigmoid", 1, {})(x).z, torch.tensor([[[0.5, 1 / (1 + math.exp(-1))]]]))
    sigmoid = make_bottleneck("sigmoid", 1, {"affine": True, "offset": -2.0})
    torch.testing.assert_close(sigmoid(x).z, torch.sigmoid(x - 2))
    with torch.no_grad():
        sigmoid.scale.fill_(3)
    torch.testing.assert_close(sigmoid(x).z, torch.sigmoid(3 * x - 2))


def test_divergence_by_hand():
    zero, two = torch.zeros(()), torch.tensor(2.0)
    assert divergence(zero, zero) == 0
    assert divergence(two, zero) == 2
    assert divergence(zero, torch.tensor(4.0).log()).item() == pytest.approx((3 - math.log(4)) / 2)
    normal = torch.distributions.Normal(0.7, 0.4)
    expected = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0)).item()
    assert divergence(torch.tensor(0.7), torch.tensor(0.16).log()).item() == pytest.approx(expected, rel=1e-5)


def test_the_variational_penalty_leaves_free_bits_and_its_weight_is_annealed():
    vae = bottleneck("vae", {"weight": 0.5, "free_bits": 3.0, "anneal_steps": 10}, dims=2)
    with torch.no_grad():  # whatever comes in: a mean of (0, 4), a variance of 1; so a divergence of (0, 8)
        vae.to_normal.weight.zero_()
        vae.to_normal.bias.copy_(torch.tensor([0.0, 4.0, 0.0, 0.0]))
    for step, share in ((0, 0), (5, 0.5), (10, 1), (99, 1)):
        vae.step.fill_(step)
        squeezed = vae(frames(dims=2))
        assert squeezed.penalty.item() == 3 + 8 and squeezed.weight.item() == pytest.approx(0.5 * share)
    assert squeezed.metrics["kl"] == 8 and squeezed.metrics["active"] == 0
    squeezed.penalty.backward()
    assert vae.to_normal.bias.grad[0] == 0 and vae.to_normal.bias.grad[1] == pytest.approx(4)
    assert bottleneck("vae", {})(frames()).metrics["active"] == 8


def test_free_bits_are_of_the_mean_divergence():
    """A dimension that says 8 nats in every other frame says 4, whatever it says in the others."""
    vae = bottleneck("vae", {"free_bits": 3.0}, dims=1)
    with torch.no_grad():
        vae.to_normal.weight.copy_(torch.tensor([4.0, 0.0]).view(2, 1, 1))
        vae.to_normal.bias.zero_()
    assert vae(torch.tensor([[[0.0, 1.0, 0.0, 1.0]]])).penalty.item() == 4


@pytest.mark.parametrize("log_variance", [-1e4, 1e4])
def test_the_variational_code_stays_finite(log_variance):
    vae = bottleneck("vae", {})
    with torch.no_grad():
        vae.to_normal.bias[8:] = log_variance
    squeezed = vae(frames())
    assert squeezed.z.isfinite().all() and squeezed.penalty.isfinite()


def test_the_variational_code_is_drawn_in_training_and_the_mean_otherwise():
    vae = bottleneck("vae", {}, dims=1)
    with torch.no_grad():
        vae.to_normal.weight.zero_()
        vae.to_normal.bias.copy_(torch.tensor([3.0, math.log(0.25)]))
    drawn = vae(torch.zeros(1, 1, 20000)).z
    assert drawn.mean().item() == pytest.approx(3, abs=0.02) and drawn.std().item() == pytest.approx(0.5, abs=0.02)
    assert (vae.eval()(torch.zeros(1, 1, 5)).z == 3).all()


def test_the_nearest_entry_against_plain_loops():
    book, points = torch.randn(6, 3), torch.randn(5, 3)
    expected = [min(range(6), key=lambda i: sum((point - book[i]) ** 2)) for point in points]
    assert nearest(points, book).tolist() == expected


def test_a_codebook_by_hand():
    vq = bottleneck("vq", {"codes": 2, "commitment": 0.5}, dims=2)
    set_codebooks(vq, [[1, 1], [-1, 0]])
    x = torch.tensor([[[0.8, -3.0], [0.6, 0.0]]], requires_grad=True)  # two frames: (0.8, 0.6) and (-3, 0)
    squeezed = vq(x)
    assert squeezed.codes.tolist() == [[[0, 1]]] and squeezed.z.tolist() == [[[1, -1], [1, 0]]]
    assert squeezed.penalty.item() == pytest.approx((0.2**2 + 2**2 + 0.4**2) / 4) and squeezed.weight == 0.5
    (3 * squeezed.z.sum()).backward(retain_graph=True)
    assert (x.grad == 3).all()
    x.grad = None
    squeezed.penalty.backward()
    torch.testing.assert_close(x.grad, 2 / 4 * torch.tensor([[[-0.2, -2.0], [-0.4, 0.0]]]))


def test_residual_codebooks_by_hand():
    vq = bottleneck("vq", {"codes": 2, "codebooks": 2}, dims=1)
    set_codebooks(vq, [[4], [0]], [[1], [-1]])
    squeezed = vq(torch.tensor([[[5.2, 2.5, 0.1, -3.0]]]))
    assert squeezed.codes.tolist() == [[[0, 0, 1, 1], [0, 1, 0, 1]]]
    assert squeezed.z.tolist() == [[[5, 3, 1, -1]]]


def test_grouped_codebooks_by_hand():
    vq = bottleneck("vq", {"codes": 2, "codebooks": 2, "form": "grouped"}, dims=2)
    set_codebooks(vq, [[0], [1]], [[0], [10]])
    squeezed = vq(torch.tensor([[[0.9, 0.2], [1.0, 8.0]]]))
    assert squeezed.codes.tolist() == [[[1, 0], [0, 1]]] and squeezed.z.tolist() == [[[1, 0], [0, 10]]]


def test_entries_follow_the_mean_of_their_frames():
    """The running mean of appendix A by hand: (decay * uses * entry + (1 - decay) * sum of frames) / new uses."""
    vq = bottleneck("vq", {"codes": 3, "decay": 0.75, "revive_below": 0.0}, dims=1)
    set_codebooks(vq, [[0], [10], [99]])
    vq.uses = torch.tensor([[2.0, 4.0, 8.0]])
    x = torch.tensor([[[1.0, 2.0, 12.0]]])
    vq.learn(x, None)
    torch.testing.assert_close(vq.uses, torch.tensor([[2.0, 3.25, 6.0]]))
    torch.testing.assert_close(vq.codebooks, torch.tensor([[[0.75 / 2], [(30 + 3) / 3.25], [99.0]]]))
    for _ in range(60):
        vq.learn(x, None)
    torch.testing.assert_close(vq.codebooks[0, :2], torch.tensor([[1.5], [12.0]]))


@pytest.mark.parametrize("form", ["residual", "grouped"])
def test_the_first_entries_are_frames(form):
    vq, x = bottleneck("vq", {"codes": 6, "codebooks": 2, "form": form}), frames()
    vq.learn(x, vq(x))
    rows = x.transpose(1, 2).flatten(0, 1)[:, :vq.codebooks.shape[2]]
    assert all((rows == entry).all(1).any() for entry in vq.codebooks[0])
    assert vq.revived == 1 and (vq.uses == 120 / 6).all()
    again = bottleneck("vq", {"codes": 6, "codebooks": 2, "form": form})
    again.learn(x, again(x))
    assert torch.equal(vq.codebooks, again.codebooks)


def test_a_second_codebook_learns_from_what_the_first_leaves_over():
    """Its first entries are frames less their nearest entry of the first codebook, as this one has become."""
    vq, x = bottleneck("vq", {"codes": 6, "codebooks": 2}), frames()
    vq.learn(x, None)
    first, second = vq.codebooks
    rows = x.transpose(1, 2).flatten(0, 1)
    left = torch.stack([row - min(first, key=lambda entry: (row - entry).square().sum()) for row in rows])
    assert all((left - entry).abs().amax(1).min() < 1e-6 for entry in second)


def test_dead_entries_are_revived_and_the_others_stay():
    vq, x = bottleneck("vq", {"codes": 4, "decay": 0.9, "revive_below": 0.1}), frames()
    vq.learn(x, vq(x))
    far = torch.full((8,), 50.0)
    vq.codebooks[0, 2] = far
    steps = 0
    while torch.equal(vq.codebooks[0, 2], far):
        vq.learn(x, None)
        steps += 1
    assert steps == math.ceil(math.log(0.1) / math.log(0.9)) and vq.revived == vq(x).metrics["revived"] == 0.25
    assert (x.transpose(1, 2).flatten(0, 1) == vq.codebooks[0, 2]).all(1).any()


def test_a_collapsed_codebook_recovers():
    """All entries in one place: one is taken, the others die and come back where frames lie."""
    vq, x = bottleneck("vq", {"codes": 16, "decay": 0.9, "revive_below": 0.1}), frames()
    vq.learn(x, None)
    vq.codebooks = torch.zeros_like(vq.codebooks)
    assert vq(x).metrics["perplexity_1"] == 1 and vq(x).metrics["unused"] == 15 / 16
    for _ in range(40):
        vq.learn(x, None)
    assert vq(x).metrics["perplexity_1"] > 10


def test_a_second_codebook_says_what_the_first_leaves_over():
    x, errors = frames(batch=20), {}
    for codebooks in (1, 2, 4):
        vq = bottleneck("vq", {"codes": 16, "codebooks": codebooks})
        for _ in range(100):
            vq.learn(x, None)
        errors[codebooks] = (x - vq.eval()(x).z).square().mean().item()
    assert errors[4] < 0.8 * errors[2] < 0.8 * 0.8 * errors[1]


def test_uses_and_perplexity_by_hand():
    assert count_uses(torch.tensor([[0, 2], [2, 2]]), 4).tolist() == [1, 0, 3, 0]
    assert perplexity(torch.tensor([5.0, 0, 0])).item() == 1
    assert perplexity(torch.tensor([5.0, 5, 0, 5, 5])).item() == pytest.approx(4)
    assert perplexity(torch.tensor([1.0, 3.0])).item() == pytest.approx(4 / 3**0.75)


def test_temperature_falls():
    one_hot = bottleneck("one_hot", {"temperature_from": 4.0, "temperature_to": 1.0, "anneal_steps": 10})
    temperatures = []
    for step in (0, 5, 10, 50):
        one_hot.step.fill_(step)
        temperatures.append(one_hot.temperature().item())
    assert temperatures == pytest.approx([4, 2, 1, 1])


def test_choices_are_drawn_by_their_probability():
    """Logits of log 1, log 2 and log 5 take the categories so often; hard ones wholly, soft ones never."""
    for hard in (True, False):
        one_hot = bottleneck("one_hot", {"groups": 1, "categories": 3, "hard": hard}, dims=3)
        with torch.no_grad():
            one_hot.to_logits.weight.zero_()
            one_hot.to_logits.bias.copy_(torch.tensor([1.0, 2.0, 5.0]).log())
            one_hot.meaning.copy_(torch.eye(3)[None])
        squeezed = one_hot(torch.zeros(1, 3, 8000))
        drawn = squeezed.z
        if hard:
            assert torch.equal(drawn.sum(1), torch.ones(1, 8000)) and set(drawn.unique().tolist()) == {0, 1}
        assert (drawn.amax(1) == 1).all() == hard
        uses = count_uses(drawn.argmax(1), 3) / 8000
        torch.testing.assert_close(uses, torch.tensor([0.125, 0.25, 0.625]), atol=0.02, rtol=0)
        assert squeezed.metrics["likeliest_drawn"].item() == pytest.approx(uses[2].item())
        assert squeezed.metrics["confidence"].item() == pytest.approx(0.625)
    assert torch.equal(one_hot.eval()(torch.zeros(1, 3, 1)).z[0, :, 0], torch.tensor([0.0, 0, 1]))


def test_the_temperature_changes_no_hard_choice():
    one_hot, drawn = bottleneck("one_hot", {"temperature_from": 50.0, "temperature_to": 0.05, "anneal_steps": 1}), []
    for step in (0, 1):
        one_hot.step.fill_(step)
        torch.manual_seed(0)
        drawn.append(one_hot(frames()))
    torch.testing.assert_close(drawn[0].z, drawn[1].z)
    assert drawn[0].metrics["likeliest_drawn"] == drawn[1].metrics["likeliest_drawn"] < 0.5


@pytest.mark.parametrize("name, settings, message", [
    ("vae", {"weight": -0.1}, "setting weight: got -0.1, expected at least 0"),
    ("vae", {"free_bits": math.nan}, "setting free_bits: got nan, expected at least 0"),
    ("vae", {"anneal_steps": 0}, "setting anneal_steps: got 0, expected at least 1"),
    ("vq", {"codes": 1}, "setting codes: got 1, expected at least 2"),
    ("vq", {"codebooks": 0}, "setting codebooks: got 0, expected 1 to 65536"),
    ("vq", {"commitment": math.inf}, "setting commitment: got inf, expected at least 0"),
    ("vq", {"decay": 1.0}, "setting decay: got 1.0, expected 0 to 0.9999"),
    ("vq", {"revive_below": 0.7}, "setting revive_below: got 0.7, expected 0 to 0.5"),
    ("vq", {"form": "stacked"}, "setting form: got 'stacked', expected one of residual, grouped"),
    ("vq", {"form": "grouped", "codebooks": 3}, "setting codebooks: got 3 groups for 8 dimensions"),
    ("vq", {"size": 3}, "unknown setting 'size' of bottleneck vq; known: codes, codebooks, form"),
    ("one_hot", {"groups": 0}, "setting groups: got 0, expected 1 to 65536"),
    ("one_hot", {"categories": 1}, "setting categories: got 1, expected at least 2"),
    ("one_hot", {"temperature_to": 0.0}, "setting temperature_to: got 0.0, expected 0.01 to 100"),
    ("one_hot", {"temperature_from": 200.0}, "setting temperature_from: got 200.0, expected 0.01 to 100"),
    ("one_hot", {"anneal_steps": 0}, "setting anneal_steps: got 0, expected at least 1"),
    ("binary", {"bits": 3}, "unknown setting 'bits' of bottleneck binary; known: none"),
])
def test_wrong_settings_are_refused(name, settings, message):
    with pytest.raises(ConfigError) as refusal:
        make_bottleneck(name, 8, settings)
    assert message in str(refusal.value)


@pytest.mark.parametrize("name, settings", EVERY)
def test_a_checkpoint_holds_all_that_decides_the_code(name, settings, tmp_path):
    """Also what was learnt without a gradient."""
    squeezer, x = bottleneck(name, settings), frames()
    fresh = squeezer.eval()(x).z
    squeezer.learn(x, squeezer(x))
    learnt = squeezer(x).z
    path = tmp_path / "squeezer.safetensors"
    save_checkpoint(path, Checkpoint("model", Config(), 0, {}, squeezer.state_dict()))
    torch.manual_seed(1)
    again = make_bottleneck(name, 8, settings)
    load_weights(again, load_checkpoint(path).tensors, path)
    assert torch.equal(again.eval()(x).z, learnt) and torch.equal(fresh, learnt) == (name != "vq")
    for goes_on in (squeezer, again):  # a resumed run learns as the uninterrupted one
        torch.manual_seed(2)
        goes_on.learn(x, None)
    assert torch.equal(again(x).z, squeezer(x).z)


def test_info_tells_the_bottleneck(call, repository, tmp_path):
    path = save_untrained(tmp_path / "model.safetensors", repository, "model.bottleneck=vq",
                          "model.bottleneck_settings={codebooks: 2, codes: 64}")
    said = call("info", path)
    assert said.code == 0 and ("content half 8 dims, vq codes=64 codebooks=2 form=residual commitment=0.05 decay=0.97 "
                               "revive_below=0.1, 40 frames a second, 480 bits a second\n") in said.out, said


@pytest.mark.parametrize("name, settings, bits", [
    ("plain", {}, math.inf), ("vae", {}, math.inf), ("binary", {}, 8), ("one_hot", {"groups": 3, "categories": 8}, 9),
    ("vq", {"codes": 1024}, 10), ("vq", {"codes": 16, "codebooks": 4, "form": "grouped"}, 16)])
def test_bits_a_frame(name, settings, bits):
    assert bottleneck(name, settings).bits_per_frame == bits


@pytest.mark.skipif("VC_COMPILE" not in os.environ, reason="VC_COMPILE=1 runs it: the compiler takes long to load")
@pytest.mark.parametrize("name", ["vq", "one_hot", "vae"])
def test_what_is_compiled_learns_the_same(name):
    """With the graph taken apart as a compiler does, which may keep the codebook itself for the backward pass."""
    def gradients(compiled):
        squeezer, mix = bottleneck(name, {}), nn.Conv1d(8, 8, 1)
        nn.init.dirac_(mix.weight)
        part = nn.Sequential(mix, squeezer)
        forward = torch.compile(part, backend="aot_eager_decomp_partition") if compiled else part
        for seed in range(2):
            torch.manual_seed(seed)
            squeezed = forward(frames(seed=seed))
            squeezer.learn(frames(seed=seed), squeezed)
            (squeezed.z.square().sum() + (0 if squeezed.penalty is None else squeezed.penalty)).backward()
        return mix.weight.grad

    torch.testing.assert_close(gradients(True), gradients(False), rtol=1e-4, atol=1e-4)
