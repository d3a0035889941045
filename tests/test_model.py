"""The auto-encoder: shapes, the two halves, padding, gradients."""

import pytest
import torch

from vc.bottlenecks import BOTTLENECKS, make_bottleneck
from vc.config import Config, ModelConfig
from vc.errors import ConfigError
from vc.model import AutoEncoder

SMALL = dict(width=16, encoder_blocks=2, decoder_blocks=2, kernel=3, content_dims=5, speaker_dims=7)


def small_model(**changes):
    torch.manual_seed(0)
    return AutoEncoder(Config(model=ModelConfig(**(SMALL | changes))))


def some_f0(batch, frames):
    """Contours in Hz (batch, frames), unvoiced in every third frame."""
    f0 = 100 + 200 * torch.rand(batch, frames)
    f0[:, ::3] = 0
    return f0


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("frames", [1, 2, 3, 4, 5, 8, 31])
def test_shapes_at_odd_lengths(frames, stride):
    model = small_model(stride=stride)
    embedding = model.encode(torch.randn(2, 128, frames))
    assert embedding.content.shape == (2, 5, -(-frames // stride))
    assert embedding.speaker.shape == (2, 7)
    assert model.decode(embedding.content, embedding.speaker, some_f0(2, frames)).shape == (2, 128, frames)


def test_the_speaker_half_has_unit_length():
    speaker = small_model().encode(torch.randn(3, 128, 20)).speaker
    torch.testing.assert_close(speaker.norm(dim=1), torch.ones(3))


def test_content_carries_no_mean_and_no_scale():
    content = small_model(bottleneck="plain").encode(torch.randn(2, 128, 40)).content
    torch.testing.assert_close(content.mean(2), torch.zeros(2, 5), atol=1e-5, rtol=0)
    torch.testing.assert_close(content.std(2, correction=0), torch.ones(2, 5), atol=1e-2, rtol=0)


def test_without_instance_norm_the_mean_stays():
    content = small_model(bottleneck="plain", instance_norm=False).encode(torch.randn(2, 128, 40)).content
    assert content.mean(2).abs().max() > 0.01


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_padding_changes_nothing(stride):
    model = small_model(stride=stride).eval()
    log_mel = torch.randn(2, 128, 30)
    lengths = torch.tensor([30, 17])
    padded = model.encode(log_mel, lengths)
    alone = model.encode(log_mel[1:, :, :17])
    frames = alone.content.shape[2]
    torch.testing.assert_close(padded.content[1, :, :frames], alone.content[0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(padded.speaker[1], alone.speaker[0], atol=1e-4, rtol=1e-4)
    f0 = some_f0(2, 30)
    decoded = model.decode(padded.content, padded.speaker, f0, lengths)
    expected = model.decode(alone.content, alone.speaker, f0[1:, :17])
    torch.testing.assert_close(decoded[1, :, :17], expected[0], atol=1e-3, rtol=1e-3)


def test_a_batch_item_equals_the_single_item():
    model, log_mel = small_model().eval(), torch.randn(3, 128, 21)
    whole, single = model.encode(log_mel), model.encode(log_mel[1:2])
    torch.testing.assert_close(whole.content[1], single.content[0], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(whole.speaker[1], single.speaker[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("bottleneck", BOTTLENECKS)
def test_every_parameter_gets_a_gradient(bottleneck):
    model = small_model(bottleneck=bottleneck)
    source, reference = torch.randn(2, 128, 20), torch.randn(2, 128, 20)
    decoded = model.decode(model.encode(source).content, model.encode(reference).speaker, some_f0(2, 20))
    decoded.square().mean().backward()
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        # A bias before an instance normalisation is taken out again; rounding leaves it next to nothing.
        assert parameter.grad.abs().max() > 0, name


def test_a_model_without_pitch_does_not_hear_it():
    with_pitch, without = small_model(), small_model(pitch=False)
    embedding = with_pitch.encode(torch.randn(1, 128, 20))
    halves = embedding.content, embedding.speaker
    low, high = torch.full((1, 20), 100.0), torch.full((1, 20), 300.0)
    assert torch.equal(without.decode(*halves, low), without.decode(*halves, high))
    assert (with_pitch.decode(*halves, low) - with_pitch.decode(*halves, high)).abs().max() > 0.01


def test_the_band_statistics_standardise():
    model = small_model()
    log_mel = torch.randn(1, 128, 12)
    before = model.encode(log_mel).content
    model.band_mean.fill_(3.0)
    model.band_std.fill_(2.0)
    torch.testing.assert_close(model.encode(log_mel * 2 + 3).content, before, atol=1e-4, rtol=1e-4)


def test_bottlenecks_by_hand():
    x = torch.tensor([[[-1.0, 0.0, 2.0]]])
    assert torch.equal(make_bottleneck("plain", 1, {})(x).z, x)
    torch.testing.assert_close(make_bottleneck("sigmoid", 1, {})(x).z, torch.tensor([[[0.26894, 0.5, 0.88080]]]),
                               atol=1e-4, rtol=0)
    assert torch.equal(make_bottleneck("binary", 1, {})(x).z, torch.tensor([[[-1.0, -1.0, 1.0]]]))


def test_wrong_bottlenecks_are_refused():
    with pytest.raises(ConfigError, match="unknown bottleneck 'thin'; choose one of plain, sigmoid, vae, vq"):
        make_bottleneck("thin", 1, {})
    with pytest.raises(ConfigError, match="unknown setting 'width' of bottleneck plain; known: none"):
        make_bottleneck("plain", 1, {"width": 3})
