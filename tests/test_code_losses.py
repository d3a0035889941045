"""Code losses: values by hand, the gradients they should have, and that each can be learnt."""

import math

import pytest
import torch
from torch import nn

from vc import bounds
from vc.checkpoint import load_checkpoint
from vc.code_losses import CODE_LOSSES, Coding, make_code_losses
from vc.config import load_config
from vc.data.batches import Batch
from vc.data.store import StoreWriter
from vc.errors import ConfigError
from vc.objective import Objective
from vc.training import Trainer, train
from helpers import add_unvoiced

BOTTLENECK = {"sparse_l1": ["model.bottleneck=plain"], "invariance": ["model.bottleneck=plain"],
              "sparse_kl": ["model.bottleneck_settings.affine=true", "model.bottleneck_settings.offset=-2.0"]}


def loss_of(name, content_dims=2, bands=3, bottleneck="sigmoid", **settings):
    return make_code_losses({name: {"weight": 1.0, **settings}}, bands, content_dims, bottleneck)[name]


def coded(content):
    """A coding of which only the content matters."""
    return Coding(None, None, content, None)


@pytest.fixture
def objective(repository):
    """Makes an Objective of configs/tiny.yaml with one code loss."""
    def make(name, *overrides):
        torch.manual_seed(0)
        return Objective(load_config(repository / "configs" / "tiny.yaml", [
            f"code_losses.{name}.weight=1", "train.consistency_from=1000000", *BOTTLENECK.get(name, []),
            *overrides]), 4)
    return make


@pytest.fixture
def batch():
    """Four items of half a second, each a noise that comes and goes in its own time."""
    generator = torch.Generator().manual_seed(0)
    rise = torch.sin(torch.arange(8000) * torch.tensor([[1], [2], [3], [4]]) / 800).relu()
    waves = 0.1 * rise * torch.randn(4, 8000, generator=generator)
    f0 = torch.full((4, 41), 120.0)
    return Batch(waves, waves, torch.arange(4), f0, f0)


# Values by hand


def test_the_absolute_value_by_hand():
    assert loss_of("sparse_l1", bottleneck="plain")(coded(torch.tensor([[[1.0, -3.0], [0.0, 2.0]]]))).item() == 1.5


def test_the_divergence_of_rates_by_hand():
    content = torch.tensor([[[0.2, 0.4], [0.1, 0.1]], [[0.0, 0.2], [0.1, 0.1]]])  # means 0.2 and 0.1
    expected = (0.1 * math.log(0.1 / 0.2) + 0.9 * math.log(0.9 / 0.8)) / 2
    assert loss_of("sparse_kl", rate=0.1)(coded(content)).item() == pytest.approx(expected, abs=1e-6)


def test_a_dimension_that_never_fires_has_a_finite_loss():
    assert 0 < loss_of("sparse_kl")(coded(torch.zeros(1, 2, 3))).item() < math.inf


def test_invariance_by_hand():
    heard, recorded = torch.tensor([[[1.0, 0.0], [0.0, 2.0]]]), torch.tensor([[[2.0, 0.0], [0.0, -3.0]]])
    coding = Coding(None, "clean", heard, {"clean": recorded}.get)
    assert loss_of("invariance", bottleneck="plain")(coding).item() == pytest.approx((0 + 2) / 2)


def test_invariance_moves_both_codes():
    heard, recorded = torch.randn(2, 1, 3, 4, requires_grad=True)
    loss = loss_of("invariance", bottleneck="plain")(Coding(None, None, heard, lambda clean: recorded))
    assert all(gradient.abs().max() > 0 for gradient in torch.autograd.grad(loss, [heard, recorded]))


def test_a_loud_frame_does_not_hide_the_others():
    """What an encoder could cheat the distance by: nearly all of the deviation in one frame that never changes."""
    torch.manual_seed(0)
    heard, recorded = torch.randn(2, 1, 4, 40)
    heard[..., -1] = recorded[..., -1] = 1000
    coding = Coding(None, None, heard / heard.std(), lambda clean: recorded / recorded.std())
    assert loss_of("invariance", bottleneck="plain")(coding).item() > 0.8


class Linear(nn.Module):
    """An encoder whose Jacobian is its matrix, frame by frame."""

    def __init__(self, bands, dims):
        super().__init__()
        self.matrix = nn.Parameter(torch.randn(dims, bands))

    def forward(self, inputs):
        return self.matrix @ inputs


def test_the_jacobian_norm_of_a_linear_encoder():
    torch.manual_seed(0)
    encoder, inputs = Linear(5, 3), torch.randn(2, 5, 7)
    coding, loss = Coding(inputs, inputs, encoder(inputs), encoder), loss_of("contractive", 3, 5)
    exact = encoder.matrix.square().sum().item() / 3  # each code number sees its own frame by one row of the matrix
    drawn = torch.stack([loss(coding) for _ in range(400)])
    assert drawn.std() > 0.05 * exact  # it is an estimate,
    assert drawn.mean().item() == pytest.approx(exact, rel=0.04)  # without a bias


def test_one_number_of_code_has_an_exact_norm_and_gradient():
    """With a single code number its random sign is squared away: |w|^2, whose gradient is 2 w."""
    encoder, inputs = Linear(5, 1), torch.randn(1, 5, 1)
    loss = loss_of("contractive", 1, 5)(Coding(inputs, inputs, None, encoder))
    loss.backward()
    assert loss.item() == pytest.approx(encoder.matrix.square().sum().item(), rel=1e-5)
    assert torch.allclose(encoder.matrix.grad, 2 * encoder.matrix, rtol=1e-5)


def test_contraction_is_taken_of_so_many_items():
    encoder, inputs, seen = Linear(5, 1), torch.randn(6, 5, 1), []
    loss_of("contractive", 1, 5, items=2)(Coding(inputs, inputs, None, lambda x: seen.append(len(x)) or encoder(x)))
    assert seen == [2]


def test_bounds_by_hand():
    scores = torch.tensor([[2.0, 0.0], [1.0, 1.0]]).log()  # not symmetric
    scores[0, 1] = -math.inf
    assert bounds.info_nce(scores).tolist() == pytest.approx([math.log(2), 0.0])
    told = math.log(2) - (math.log(1.5) + 0) / 2  # softplus(-log 2) = log 1.5, and softplus(-inf) = 0
    assert bounds.divergence(scores).tolist() == pytest.approx([told, math.log(2) - (2 * math.log(2)) / 2])


def test_a_single_pair_tells_nothing():
    for bound in bounds.BOUNDS.values():
        assert bound(torch.tensor([[3.0]])).tolist() == [0.0]


def test_bounds_of_several_sets_are_those_of_each():
    scores = torch.randn(3, 5, 5)
    for bound in bounds.BOUNDS.values():
        assert torch.allclose(bound(scores), torch.stack([bound(one) for one in scores]))


@pytest.mark.parametrize("frames, stride", [(41, 2), (40, 2), (7, 2), (41, 8)])
def test_a_moment_is_the_speech_around_its_code(frames, stride):
    """Each content frame t is paired with mel frames from two before to one behind its place, the outermost held on;
    of the clean speech, whatever the encoder heard."""
    clean = torch.arange(frames, dtype=torch.float32).expand(1, 3, frames)
    times = torch.arange(-(-frames // stride))
    coding = Coding(torch.randn(1, 3, frames), clean, torch.zeros(1, 2, len(times)), None, stride)
    found = loss_of("information", frames=4)._speech_at(times, coding).view(-1, 3, 4)
    wanted = (stride * times[:, None] + torch.arange(-2, 2)).clamp(0, frames - 1).float()
    assert torch.equal(found, wanted[:, None].expand(-1, 3, -1))


def test_moments_are_drawn_from_the_whole_utterance():
    """So many, each once, and what is said at each belongs to its code."""
    seen = []

    class Note(nn.Module):
        def forward(self, speech, codes):
            seen.append((speech[0, :, 0], codes[0, :, 0]))
            return torch.zeros(1, 5, 5)

    loss = loss_of("information", content_dims=1, bands=1, moments=5, frames=1)
    loss.critic = Note()
    for _ in range(40):
        loss(Coding(None, torch.arange(60.0)[None, None], torch.arange(30.0)[None, None], None, 2))
    assert all(torch.equal(speech, 2 * codes) and len(codes.unique()) == 5 for speech, codes in seen)
    assert set(torch.cat([codes for _, codes in seen]).tolist()) == set(range(30))


def test_the_ways_to_both_neighbours_count_half():
    class Know(nn.Module):
        def forward(self, stretches, wanted):
            return 50 * torch.eye(2)[None]

    class Guess(nn.Module):
        def forward(self, stretches, wanted):
            return torch.zeros(1, 2, 2)

    loss = loss_of("neighbours", content_dims=1, ahead=2, context=3)
    loss.next, loss.previous = Know(), Guess()
    assert loss(coded(torch.randn(1, 1, 6))).item() == pytest.approx(-math.log(2) / 2)


def test_neighbours_are_the_frames_ahead_and_behind():
    seen = []

    class Note(nn.Module):
        def forward(self, stretches, wanted):
            seen.append((stretches, wanted))
            return torch.zeros(1, 2, 2)

    loss = loss_of("neighbours", content_dims=1, ahead=2, context=3)
    loss.next, loss.previous = Note(), Note()
    loss(coded(torch.arange(6.0)[None, None]))
    assert [[part[0].tolist() for part in pair] for pair in seen] == [
        [[[0, 1, 2], [1, 2, 3]], [[4], [5]]], [[[5, 4, 3], [4, 3, 2]], [[1], [0]]]]


# Gradients and learning


@pytest.mark.parametrize("name", CODE_LOSSES)
def test_gradients_reach_the_encoder_and_the_losses_own_parameters(objective, batch, name):
    objective = objective(name)
    for parameter in objective.code_losses.parameters():
        nn.init.normal_(parameter, std=0.1)  # away from the zero scores of the start
    loss = objective(batch, 0, torch.Generator().manual_seed(0)).terms[name]
    loss.backward()
    reached = {part for part, parameter in objective.named_parameters()
               if parameter.grad is not None and parameter.grad.abs().sum() > 0}
    # An offset added to all scores changes no choice among them.
    own = {f"code_losses.{part}" for part, _ in objective.code_losses.named_parameters()
           if not (name == "neighbours" and part.endswith(("offset", "first_tower.4.bias")))}
    assert {"model.encoder.stem.weight", "model.encoder.to_content.weight"} | own <= reached
    assert not any(part.startswith(("model.decoder", "model.encoder.to_speaker")) for part in reached)
    assert all(torch.isfinite(parameter.grad).all() for parameter in objective.parameters()
               if parameter.grad is not None)


def test_losses_are_told_without_their_weights_and_count_with_them(objective, batch):
    """Twice the weights of all that has a weight of its own: the same readings, and a total that is theirs."""
    def outcome(factor):
        weights = {"code_losses.contractive.weight": 0.25, "adversary.weight": 0.125, "critic.weight": 0.5,
                   "realism.weight": 0.5, "model.bottleneck_settings.weight": 0.0625}
        made = objective("information", "model.bottleneck=vae", "adversary.form=alternating", "adversary.ramp_steps=1",
                         "train.consistency_from=0", "critic.from_step=0", "realism.from_step=0",
                         *(f"{name}={factor * weight}" for name, weight in weights.items()))
        torch.manual_seed(0)
        return made, made(batch, 1000, torch.Generator().manual_seed(0))

    (made, one), (_, two) = outcome(1), outcome(2)
    counted = {"contractive": 0.25, "adversarial": 0.125, "critic": 0.5, "realism": 0.5, "bottleneck": 0.0625}
    assert counted.keys() < one.terms.keys() == two.terms.keys()
    for name, term in one.terms.items():
        assert term.item() == pytest.approx(two.terms[name].item(), rel=1e-5), name
    rise = sum(weight * one.terms[name].item() for name, weight in counted.items())
    assert (two.total - one.total).item() == pytest.approx(rise, rel=1e-4)
    rest = sum(getattr(made.config.loss, name, 1.0) * one.terms[name].item() for name in one.terms.keys() - counted)
    assert one.total.item() == pytest.approx(rest + rise, rel=1e-5)


LEARNT = {"sparse_l1": 0.5, "sparse_kl": 0.1, "contractive": 0.03, "information": -0.3,
          "invariance": 0.02, "neighbours": -1.0}


@pytest.mark.parametrize("name", CODE_LOSSES)
def test_each_loss_is_learnt_from_one_batch(objective, batch, name):
    objective = objective(name)
    model, loss = objective.model, objective.code_losses[name]
    optimiser = torch.optim.Adam([*model.encoder.parameters(), *loss.parameters()], lr=1e-2)
    inputs = model.standardise(objective.log_mel(batch.source)) / 3
    clean = inputs.roll(5, 1) if name == "invariance" else inputs  # all sounds five bands higher
    torch.manual_seed(0)
    for _ in range(60):
        content = model.encoder(inputs).content
        value = loss(Coding(inputs, clean, content, lambda inputs: model.encoder(inputs).content,
                            model.config.model.stride))
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
    assert value.item() < LEARNT[name]


@pytest.mark.parametrize("bfloat16", [False, True])
def test_contraction_works_on_a_compiled_encoder(objective, batch, bfloat16):
    made, losses = objective("contractive", "model.encoder_blocks=1"), []
    for compiled in (False, True):
        if compiled:  # by what is as strict as the real compiler about gradients of gradients, and quick
            made.model.encoder.compile(backend="aot_eager")
        made.zero_grad()
        torch.manual_seed(1)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bfloat16):
            heard = made.log_mel(batch.source)
            term = made._shape(heard, heard, made.model.encode(heard).content)["contractive"]
        term.backward()
        losses.append((term.item(), made.model.encoder.stem.weight.grad.norm().item()))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5) and min(losses[0]) > 0


# Training runs


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A prepared corpus of four speakers of noise."""
    folder, generator = tmp_path_factory.mktemp("data"), torch.Generator().manual_seed(0)
    with StoreWriter(folder, 16000) as store:
        for number in range(8):
            samples = (3000 * torch.randn(12800, generator=generator)).to(torch.int16).numpy()
            add_unvoiced(store, f"s{number % 4}/{number}.wav", f"s{number % 4}", samples)
    return folder


def test_losses_with_parameters_resume_bit_for_bit(data, repository, tmp_path):
    settings = load_config(repository / "configs" / "tiny.yaml", [
        f"data.path={data}", "data.held_out_speakers=0", "train.steps=4", "train.batch=4", "train.save_every=2",
        "train.validate_every=100", "train.probe_every=100", "code_losses.information.weight=0.5",
        "code_losses.neighbours.weight=0.5"])
    train(settings, tmp_path / "whole", progress=False)
    begun = Trainer(settings, tmp_path / "halves", progress=False)
    for _ in range(2):
        begun.advance()
    begun.save()
    begun.close()
    train(settings, tmp_path / "halves", resume=True, progress=False)
    ours, theirs = (load_checkpoint(tmp_path / run / "last.safetensors", ("training",)).tensors
                    for run in ("whole", "halves"))
    assert {part.split(".")[2] for part in ours if part.startswith("objective.code_losses")} == {"information",
                                                                                                  "neighbours"}
    assert ours.keys() == theirs.keys() and [part for part in ours if not torch.equal(ours[part], theirs[part])] == []


# Refusals


@pytest.mark.parametrize("name, settings, message", [
    ("sparse_kl", {"rate": 1.0}, "code_losses.sparse_kl.rate: got 1.0, expected a target rate above 0 and below 1"),
    ("contractive", {"items": 0}, "code_losses.contractive.items: got 0, expected at least 1 item of the batch"),
    ("information", {"bound": "mine"}, "code_losses.information.bound: got 'mine', expected one of information, "
                                       "divergence"),
    ("information", {"moments": 1}, "code_losses.information.moments: got 1, expected at least 2 to exchange"),
    ("neighbours", {"ahead": 0}, "code_losses.neighbours.ahead: got 0, expected at least 1"),
    ("sparse_l1", {}, "code_losses.sparse_l1: has no meaning for the codes of model.bottleneck=sigmoid; expected "
                      "plain"),
    ("activation", {}, "unknown code loss 'activation'; choose one of sparse_l1, sparse_kl, contractive, information, "
                       "invariance, neighbours"),
    *(("contractive", {"weight": weight}, f"code_losses.contractive: got a weight of {weight!r}, expected one above 0; "
                                          "leave it out to have none") for weight in (0.0, "much", True)),
])
def test_what_makes_no_sense_is_refused(name, settings, message):
    with pytest.raises(ConfigError) as refusal:
        loss_of(name, **settings)
    assert str(refusal.value).removeprefix("setting ") == message


def test_rates_are_of_sigmoids_alone():
    with pytest.raises(ConfigError, match="sparse_kl: has no meaning for the codes of model.bottleneck=binary; "
                                          "expected sigmoid"):
        loss_of("sparse_kl", bottleneck="binary")


def test_a_segment_without_neighbours_is_refused(objective, batch):
    with pytest.raises(ConfigError, match="neighbours.ahead: got 17, expected with context=4 less than the segment's "
                                          "21 content frames"):
        objective("neighbours", "code_losses.neighbours.ahead=17")(batch, 0, torch.Generator())
