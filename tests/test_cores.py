"""What mixes the frames in encoder and decoder, and the ways between the two frame rates: the same tests for all."""

from itertools import product

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from vc.checkpoint import load_model, save_model
from vc.config import Config, load_config
from vc.cores import CORES, make_core
from vc.cores.transformer import REACH
from vc.errors import ConfigError
from vc.layers import frame_mask, instance_norm
from vc.model import AutoEncoder
from vc.rates import DOWN, UP, make_down, make_up

SMALL = dict(width=16, encoder_blocks=2, decoder_blocks=2, kernel=3, content_dims=5, speaker_dims=7)
KINDS = [dict(encoder_core=core, decoder_core=core) for core in CORES] + [
    dict(encoder_core="gru", decoder_core="convolution"),
    *(dict(down=down) for down in DOWN if down != "strided"), *(dict(up=up) for up in UP if up != "shuffled")]
NAMES = ["-".join(kind.values()) for kind in KINDS]


def small_model(**changes):
    torch.manual_seed(0)
    return AutoEncoder(Config(model=SMALL | changes))


def some_f0(batch, frames):
    """Contours in Hz (batch, frames), unvoiced in every third frame."""
    f0 = 100 + 200 * torch.rand(batch, frames)
    f0[:, ::3] = 0
    return f0


def rebuilt(model, log_mel, f0, lengths=None):
    embedding = model.encode(log_mel, lengths)
    return model.decode(embedding.content, embedding.speaker, f0, lengths)


# Cores


@pytest.mark.parametrize("frames", [1, 2, 3, 17])
@pytest.mark.parametrize("core", CORES)
def test_a_core_keeps_the_length(core, frames):
    assert make_core(core, 6, 3)(torch.randn(2, 6, frames)).shape == (2, 6, frames)


@pytest.mark.parametrize("core", CORES)
def test_a_core_hears_nothing_behind_the_mask(core):
    torch.manual_seed(0)
    block, x, lengths = make_core(core, 8, 3), torch.randn(3, 8, 45), torch.tensor([45, 1, 40])
    masked = block(x, frame_mask(lengths, 45))
    for i, length in enumerate(lengths):
        torch.testing.assert_close(masked[i, :, :length], block(x[i:i + 1, :, :length])[0], atol=1e-5, rtol=1e-4)


def heard_by(core, frame, frames=90):
    """The frames that a core's output at `frame` depends on."""
    torch.manual_seed(0)
    x = torch.randn(1, 8, frames, requires_grad=True)
    make_core(core, 8, 3)(x)[0, :, frame].sum().backward()
    return x.grad[0].abs().sum(0).nonzero().squeeze(1).tolist()


def test_what_a_frame_hears():
    assert heard_by("convolution", 50) == [48, 49, 50, 51, 52]
    assert heard_by("lstm", 50) == list(range(51))
    assert heard_by("gru", 50) == list(range(90))
    assert heard_by("transformer", 50) == list(range(50 - REACH, 50 + REACH + 1))


def test_attention_knows_distances_and_no_places():
    """A frame of a long window comes out as in a short one that holds all it can hear."""
    torch.manual_seed(0)
    block, x = make_core("transformer", 8, 3), torch.randn(1, 8, 900)
    short = block(x[:, :, 800 - REACH:801 + REACH])
    torch.testing.assert_close(block(x)[:, :, 800], short[:, :, REACH], atol=1e-5, rtol=1e-4)
    # Order counts all the same.
    assert (block(x[:, :, :9].flip(2)).flip(2) - block(x[:, :, :9])).abs().max() > 1e-3


def test_attention_is_added_to_its_input():
    first, x = make_core("transformer", 8, 3).first, torch.randn(1, 8, 5)
    torch.nn.init.zeros_(first.joined.weight), torch.nn.init.zeros_(first.joined.bias)
    assert torch.equal(first(x), x)


# Ways between the frame rates


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 31])
def test_the_ways_meet(frames, stride):
    for down in DOWN:
        assert make_down(down, 6, 4, stride)(torch.randn(2, 6, frames)).shape == (2, 4, -(-frames // stride))
    for up in UP:
        assert make_up(up, 4, stride)(torch.randn(2, 4, -(-frames // stride)), frames).shape == (2, 4, frames)


def test_pooling_takes_the_largest_of_a_window():
    torch.manual_seed(0)
    pooled, x = make_down("pooled", 3, 2, 2), torch.randn(1, 3, 5)
    full = F.conv1d(x, pooled.weight, pooled.bias, padding=2)[0]
    torch.testing.assert_close(pooled(x)[0, :, 0], full[:, :2].amax(1))
    torch.testing.assert_close(pooled(x)[0, :, 2], full[:, 4])


def test_unpooling_repeats():
    unpooled, h = make_up("unpooled", 1, 2), torch.tensor([[[1.0, 5.0]]])
    with torch.no_grad():
        unpooled.weight.zero_()[:, :, 2] = 1.0  # the middle one: what is there stays
        unpooled.bias.zero_()
    assert unpooled(h, 3).tolist() == [[[1.0, 1.0, 5.0]]]


def test_neighbours_overlap_in_the_transposed_convolution():
    transposed, h = make_up("transposed", 1, 2), torch.tensor([[[1.0, 5.0, 2.0]]])
    with torch.no_grad():
        transposed.weight.fill_(1.0)
        transposed.bias.zero_()
    assert transposed(h, 6).tolist() == [[[1.0, 6.0, 6.0, 7.0, 7.0, 2.0]]]


# Whole models


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_shapes_at_odd_lengths(kind):
    for stride, frames in product([1, 2, 3], [1, 2, 3, 7]):
        model = small_model(stride=stride, **kind)
        assert rebuilt(model, torch.randn(2, 128, frames), some_f0(2, frames)).shape == (2, 128, frames)


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
@pytest.mark.parametrize("stride", [2, 3])
def test_padding_changes_nothing(kind, stride):
    model = small_model(stride=stride, **kind).eval()
    log_mel, f0, lengths = torch.randn(3, 128, 30), some_f0(3, 30), torch.tensor([30, 17, 5])
    whole = rebuilt(model, log_mel, f0, lengths)
    for i, length in enumerate(lengths):
        alone = rebuilt(model, log_mel[i:i + 1, :, :length], f0[i:i + 1, :length])
        torch.testing.assert_close(whole[i, :, :length], alone[0], atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_a_batch_item_equals_the_single_item(kind):
    model, log_mel, f0 = small_model(**kind).eval(), torch.randn(3, 128, 21), some_f0(3, 21)
    single = rebuilt(model, log_mel[1:2], f0[1:2])
    torch.testing.assert_close(rebuilt(model, log_mel, f0)[1], single[0], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_every_parameter_gets_a_gradient(kind):
    model = small_model(**kind)
    rebuilt(model, torch.randn(2, 128, 20), some_f0(2, 20), torch.tensor([20, 13])).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("core", CORES)
def test_the_speaker_sets_the_decoder(core):
    model, f0 = small_model(decoder_core=core), some_f0(1, 20)
    content, speaker = torch.randn(1, 5, 10), torch.eye(7)
    ours, theirs = model.decode(content, speaker[:1], f0), model.decode(content, speaker[1:2], f0)
    assert (ours - theirs).abs().max() > 1e-3


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_one_batch_is_overfitted(kind):
    """From noise of few degrees of freedom; the mean squared error falls by 90 %."""
    torch.manual_seed(0)
    model = AutoEncoder(Config(model=SMALL | dict(encoder_blocks=1, decoder_blocks=1, content_dims=16) | kind))
    target = instance_norm(torch.einsum("bkt,mk->bmt", torch.randn(2, 4, 12), torch.randn(128, 4))).x
    f0, losses = torch.zeros(2, 12), []
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(60):
        loss = F.mse_loss(rebuilt(model, target, f0), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.1 * losses[0], (losses[0], losses[-1])


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_a_model_file_says_what_it_is_made_of(kind, tmp_path):
    model, log_mel, f0 = small_model(**kind).eval().requires_grad_(False), torch.randn(1, 128, 9), some_f0(1, 9)
    save_model(tmp_path / "model.safetensors", model, step=0, dtype=torch.float32)
    again, _ = load_model(tmp_path / "model.safetensors")
    assert torch.equal(rebuilt(again, log_mel, f0), rebuilt(model, log_mel, f0))


# Names and configs


@pytest.mark.parametrize("setting, message", [
    ("encoder_core", "unknown core 'thing'; choose one of convolution, lstm, gru, transformer"),
    ("decoder_core", "unknown core 'thing'"),
    ("down", "unknown way down 'thing'; choose one of strided, pooled"),
    ("up", "unknown way up 'thing'; choose one of shuffled, transposed, unpooled"),
])
def test_unknown_names_are_refused(setting, message):
    with pytest.raises(ConfigError, match=message):
        small_model(**{setting: "thing"})


def test_two_directions_need_an_even_width():
    with pytest.raises(ConfigError, match="model.width: got 15; a gru gives each direction half of it"):
        small_model(width=15, encoder_core="gru")


@pytest.mark.parametrize("name", ["lstm", "gru", "transformer", "pooled", "transposed"])
def test_a_member_differs_from_the_small_model_in_its_idea_alone(name, repository):
    folder = repository / "configs" / "autoencoders"
    member, small = (load_config(folder / f"{file}.yaml").model_dump() for file in (name, "small"))
    differing = {key for key in small["model"] if member["model"][key] != small["model"][key]}
    sizes = {"encoder_blocks", "decoder_blocks"} if name == "gru" else set()  # its steps are slow on a CPU
    assert differing - sizes and differing - sizes <= {"encoder_core", "decoder_core", "down", "up"}
    assert {**member, "model": None} == {**small, "model": None}


# Exporting


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
def test_an_exported_model_says_the_same(kind, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime", reason="needs onnxruntime; pip install vc[export]")
    pytest.importorskip("onnx", reason="needs onnx; pip install vc[export]")
    from vc.export import export_converter

    model = small_model(**kind).eval().requires_grad_(False)
    paths = export_converter(model, tmp_path / "model")
    encoder, decoder = (onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]) for path in paths)
    for frames in (7, 24, 91):
        log_mel, f0 = torch.randn(1, 128, frames), some_f0(1, frames)
        embedding = model.encode(log_mel)
        content, speaker = encoder.run(None, {"log_mel": log_mel.numpy()})
        np.testing.assert_allclose(content, embedding.content.numpy(), atol=1e-4)
        np.testing.assert_allclose(speaker, embedding.speaker.numpy(), atol=1e-4)
        decoded, = decoder.run(None, {"content": content, "speaker": speaker, "f0": f0.numpy()})
        np.testing.assert_allclose(decoded, model.decode(embedding.content, embedding.speaker, f0).numpy(), atol=1e-3)
