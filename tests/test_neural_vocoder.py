"""The neural vocoder: turns and phases against slow references, length, joints, silence, files that do not fit."""

import math

import pytest
import torch
from helpers import save_untrained_vocoder

from vc.audio import load_audio
from vc.checkpoint import load_model
from vc.config import MelConfig, load_config
from vc.conversion import Converter, load
from vc.errors import CheckpointError
from vc.features import LogMel
from vc.vocoders import GriffinLim, Neural, make_vocoder, neural, phases
from vc.vocoders.generator import MADE_ROUNDS, MADE_TURNS_SAY, TURNS_SAY, Generator, Prediction
from vc.vocoders.harmonic_turns import harmonic_turns
from vc.vocoders.phases import Turns, follow_turns, true_turns

MEL = MelConfig()


@pytest.fixture(scope="module")
def file(repository, tmp_path_factory):
    return save_untrained_vocoder(tmp_path_factory.mktemp("vocoder") / "vocoder.safetensors", repository)


@pytest.fixture(scope="module")
def vocoder(file):
    return make_vocoder(str(file), MEL)


@pytest.fixture(scope="module")
def wave(clips):
    wave = torch.from_numpy(load_audio(sorted(clips.rglob("*.flac"))[0], MEL.sample_rate_hz))
    return wave[:len(wave) // MEL.hop_samples * MEL.hop_samples]


def contour(frames):
    """F0 in Hz of a voice that pauses now and then: (frames,)."""
    return torch.linspace(90, 310, frames) * (torch.arange(frames) % 20 > 3)


@pytest.mark.parametrize("rounds, made", [(0, 0), (MADE_ROUNDS - 1, MADE_ROUNDS - 1), (MADE_ROUNDS + 9, MADE_ROUNDS)])
def test_what_a_model_made_takes_few_rounds(repository, rounds, made):
    """In which the turns count ever less."""
    generator = Generator(load_config(repository / "configs" / "vocoder-tiny.yaml", [f"vocoder.rounds={rounds}"]))
    for recorded, count, say in ((True, rounds, TURNS_SAY), (False, made, MADE_TURNS_SAY)):
        assert generator.shares(recorded) == pytest.approx([say * left / count for left in range(count, 0, -1)])


@pytest.mark.parametrize("frames", [*range(1, 12), 40, 101])
def test_exact_output_length(vocoder, frames):
    assert vocoder(torch.randn(128, frames)).shape == ((frames - 1) * MEL.hop_samples,)


def test_silence_is_silent(vocoder):
    assert vocoder(LogMel(MEL)(torch.zeros(1, 8000))[0]).abs().max() == 0


def test_silence_within_a_recording_is_silent(vocoder, wave):
    """Frames that lie on the mel's floor stay below -70 dBFS, next to speech as well."""
    gap = torch.zeros(16000)
    made = vocoder(LogMel(MEL)(torch.cat([wave[:16000], gap, wave[:16000]])[None])[0])
    within = made[16000 + 2000:32000 - 2000]
    assert within.square().mean().sqrt() < 10 ** (-70 / 20)


def test_chunks_do_not_matter(vocoder, wave):
    log_mel = LogMel(MEL)(wave[None])[0]
    f0, unvoiced = contour(log_mel.shape[1]), LogMel(MEL).spectrum(wave[None])[0]
    chunks = zip(log_mel.split(7, dim=1), f0.split(7), unvoiced.split(7, dim=1), strict=True)
    assert torch.equal(torch.cat(list(vocoder.stream(chunks))), vocoder(log_mel, f0, unvoiced=unvoiced))


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("recorded", [False, True])
def test_blocks_equal_the_whole(repository, tmp_path, monkeypatch, causal, recorded):
    """On short blocks and in one piece, the same sound. In double precision: where a direction is in doubt, rounding
    decides, and the frames after it go on from there."""
    file = save_untrained_vocoder(tmp_path / "vocoder.safetensors", repository, f"vocoder.causal={causal}")
    vocoder = make_vocoder(str(file), MEL)
    vocoder.generator.double()
    log_mel = torch.randn(128, 150, generator=torch.Generator().manual_seed(0)).double() - 2
    f0 = contour(150).double()
    noise = torch.randn(1, 149 * MEL.hop_samples, generator=torch.Generator().manual_seed(0)).double()
    unvoiced = LogMel(MEL).double().spectrum(noise)[0] * (f0 == 0)
    told = [None, True] if recorded else [f0[None], False, unvoiced[None]]
    whole = vocoder.generator.speak(vocoder.generator.predict(log_mel[None], *told), recorded)[0]
    monkeypatch.setattr(neural, "BLOCK_FRAMES", 24)
    torch.testing.assert_close(vocoder(log_mel, f0, recorded, unvoiced), whole, atol=1e-5, rtol=0)


def test_a_causal_network_sees_nothing_of_later_frames(repository, tmp_path):
    file = save_untrained_vocoder(tmp_path / "vocoder.safetensors", repository, "vocoder.causal=true")
    generator = make_vocoder(str(file), MEL).generator
    log_mel = torch.randn(1, 128, 30)
    changed = log_mel.clone()
    changed[:, :, 20:] += 1
    before, after = generator.predict(log_mel), generator.predict(changed)
    assert generator.network.context_frames[1] == 0
    assert torch.equal(before.turns.in_time[:, :, :20], after.turns.in_time[:, :, :20])
    assert not torch.equal(before.turns.in_time[:, :, 20], after.turns.in_time[:, :, 20])


def test_deterministic(vocoder, wave):
    log_mel = LogMel(MEL)(wave[None])[0, :, :60]
    assert torch.equal(vocoder(log_mel), vocoder(log_mel))


def test_true_turns_lead_back_to_the_recording(vocoder, wave):
    """With the recording's own magnitudes and turns, what comes out is the recording, but for its sign at the start."""
    generator = vocoder.generator
    spectrum = generator.spectrum(wave[None])
    followed = generator.follow(Prediction(spectrum.abs(), true_turns(spectrum, 0.25)))
    made = generator.short_time.wave(followed * generator.to_left_end)[0]
    turned = torch.nn.functional.cosine_similarity(made, wave, dim=0).abs()
    mel_error = (LogMel(MEL)(made[None]) - LogMel(MEL)(wave[None])).abs().mean()
    assert turned > 0.6 and mel_error < 0.15


def test_turns_by_hand():
    """A bin that turns on from frame to frame by a known angle, and one that leads its neighbour by another."""
    angle, lead, hop_share = 0.7, -0.4, 0.25
    bins, frames = torch.arange(3.0)[:, None], torch.arange(5.0)
    spectrum = torch.polar(torch.full((1, 3, 5), 2.0), (2 * math.pi * hop_share * bins + angle) * frames + lead * bins)
    turns = true_turns(spectrum, hop_share)
    torch.testing.assert_close(turns.in_time[:, :, 1:].angle(), torch.full((1, 3, 4), angle))
    torch.testing.assert_close(turns.in_frequency[..., 0].angle(), torch.full((1, 2), lead))


def test_following_turns_against_plain_loops():
    generator = torch.Generator().manual_seed(0)
    bins, frames, hop_share = 4, 3, 0.25

    def noise(*shape):
        return torch.complex(*torch.randn(2, *shape, generator=generator))

    magnitude = torch.rand(bins, frames, generator=generator)
    in_time, below = noise(bins, frames), noise(bins - 1, frames)
    last = noise(bins)
    directions = follow_turns(magnitude[None], Turns(in_time[None], below[None]), hop_share, last[None])[0]
    for t in range(frames):
        own = [complex(last[f]) * complex(in_time[f, t]) * 1j ** f + phases.TINY for f in range(bins)]
        x = [float(magnitude[f, t]) * own[f] / abs(own[f]) for f in range(bins)]
        for _ in range(phases.SWEEPS):
            drawn = list(own)
            for f in range(bins):
                if f > 0:
                    drawn[f] += complex(below[f - 1, t]) * x[f - 1]
                if f < bins - 1:
                    drawn[f] += complex(below[f, t]).conjugate() * x[f + 1]
            x = [float(magnitude[f, t]) * drawn[f] / abs(drawn[f]) for f in range(bins)]
        last = torch.tensor(x)
        torch.testing.assert_close(magnitude[:, t] * directions[:, t], last.to(directions.dtype), atol=1e-4, rtol=1e-4)


def test_neighbours_against_plain_loops():
    generator = torch.Generator().manual_seed(0)
    x, in_time, below = (torch.complex(*torch.randn(2, bins, 3, generator=generator)) for bins in (4, 4, 3))
    got = torch.zeros_like(x)
    phases.links_of(Turns(in_time[None], below[None]), 0.25).draw(got[None], x[None], 1.0)
    for f in range(4):
        for t in range(3):
            drawn = 0
            if t > 0:
                drawn += x[f, t - 1] * in_time[f, t] * 1j ** f
            if t < 2:
                drawn += x[f, t + 1] * (in_time[f, t + 1] * 1j ** f).conj()
            if f > 0:
                drawn += x[f - 1, t] * below[f - 1, t]
            if f < 3:
                drawn += x[f + 1, t] * below[f, t].conj()
            torch.testing.assert_close(got[f, t], drawn, atol=1e-5, rtol=1e-5)


def test_the_magnitude_is_held_near_what_the_mel_allows(vocoder, wave):
    """However sure the network is, it moves no magnitude by more than the limit."""
    from vc.vocoders.generator import GAIN_LIMIT

    generator, log_mel = vocoder.generator, LogMel(MEL)(wave[None])
    ratio = generator.predict(log_mel * 50, recorded=True).magnitude / generator.inverse(log_mel * 50)
    assert ratio[ratio.isfinite()].log().abs().max() <= GAIN_LIMIT + 1e-4


def test_magnitudes_are_corrected_in_recordings_only(vocoder, wave):
    """What a model made keeps the magnitudes that follow from its mel; in a batch, item by item."""
    generator, log_mel = vocoder.generator, LogMel(MEL)(wave[None])
    own = generator.inverse(log_mel)
    assert torch.equal(generator.predict(log_mel).magnitude, own)
    corrected = generator.predict(log_mel, recorded=True)
    assert not torch.allclose(corrected.magnitude, own, rtol=1e-3)
    torch.testing.assert_close(corrected.turns.in_time, generator.predict(log_mel).turns.in_time)
    mixed = generator.predict(log_mel.repeat(2, 1, 1), recorded=torch.tensor([True, False])).magnitude
    torch.testing.assert_close(mixed, torch.cat([corrected.magnitude, own]))


def test_a_known_pitch_has_a_say_in_what_a_model_made(vocoder, wave):
    """Turns move towards the harmonics' by as much as the network trusts; a recording's are the network's alone."""
    log_mel = LogMel(MEL)(wave[None])
    f0 = contour(log_mel.shape[2])[None]
    alone, told = vocoder.generator.predict(log_mel), vocoder.generator.predict(log_mel, f0)
    certainty, angle = harmonic_turns(f0, 401, MEL.sample_rate_hz, MEL.hop_samples)
    moved = (told.turns.in_time - alone.turns.in_time) / torch.polar(certainty.clamp(min=1e-3), angle)
    trust = torch.where(certainty > 0.01, moved.real, 0.5)
    assert 0 < trust.min() < 0.5 < trust.max() < 1  # it depends on frame and bin
    assert moved.imag[certainty > 0.01].abs().max() < 1e-3
    assert not torch.equal(vocoder(log_mel[0], f0[0]), vocoder(log_mel[0]))
    assert torch.equal(vocoder(log_mel[0], f0[0], recorded=True), vocoder(log_mel[0], recorded=True))


def test_where_nothing_is_voiced_the_turns_of_the_recording_are_added(vocoder, wave):
    """To the network's, from frame to frame only between two such frames; a recording's are the network's alone."""
    log_mel, spectrum = LogMel(MEL)(wave[None]), LogMel(MEL).spectrum(wave[None])
    f0 = contour(log_mel.shape[2])
    unvoiced = spectrum * (f0 == 0)
    alone, told = (vocoder.generator.predict(log_mel, f0[None], False, known).turns for known in (None, unvoiced))
    true = true_turns(vocoder.generator.spectrum(wave[None]), 0.25)
    followed = (f0 == 0) & (torch.cat([torch.ones(1), f0[:-1]]) == 0)
    torch.testing.assert_close(told.in_time - alone.in_time, true.in_time * followed, atol=1e-4, rtol=0)
    torch.testing.assert_close(told.in_frequency - alone.in_frequency, true.in_frequency * (f0 == 0), atol=1e-4, rtol=0)
    assert 0.05 < followed.float().mean() < 0.5
    assert not torch.equal(vocoder(log_mel[0], f0, unvoiced=unvoiced[0]), vocoder(log_mel[0], f0))
    assert torch.equal(vocoder(log_mel[0], recorded=True, unvoiced=unvoiced[0]), vocoder(log_mel[0], recorded=True))


@pytest.mark.parametrize("f0_hz", [80.0, 131.7, 290.0])
def test_the_turns_of_harmonics_are_those_of_pulses(vocoder, f0_hz):
    """At each of the first ten harmonics, by less than a twentieth of a turn."""
    time_s = torch.arange(16000, dtype=torch.float64) / 16000
    pulses = sum(torch.cos(2 * torch.pi * f0_hz * k * time_s) for k in range(1, int(8000 / f0_hz))).float()
    true = true_turns(vocoder.generator.spectrum(pulses[None]), 0.25).in_time[0, :, 40]
    certainty, angle = (part[0, :, 1] for part in
                        harmonic_turns(torch.full((1, 2), f0_hz), 401, MEL.sample_rate_hz, MEL.hop_samples))
    nearest = (f0_hz * torch.arange(1, 11) / 20).round().long()
    error = (true * torch.polar(torch.ones_like(angle), angle).conj()).angle()[nearest]
    assert error.abs().max() < 2 * math.pi / 20
    assert (certainty[nearest].diff() < 0).all() and certainty[nearest[0]] > 0.6


def test_nothing_is_certain_next_to_an_unvoiced_frame():
    certainty, angle = harmonic_turns(torch.tensor([[120.0, 120.0, 0.0, 120.0, 120.0]]), 401, 16000, 200)
    assert certainty.amax(dim=1)[0].gt(0).tolist() == [False, True, False, False, True]
    assert angle.isfinite().all()


def test_a_recording_is_resynthesised_as_one(vocoder, tiny_model, source, target, monkeypatch):
    told = []
    stream = vocoder.stream
    monkeypatch.setattr(vocoder, "stream", lambda chunks, recorded: told.append(recorded) or stream(chunks, recorded))
    converter = Converter(load_model(tiny_model)[0], vocoder)
    converter.resynthesise(source)
    converter.convert(source, target)
    assert told == [True, False]


def test_the_default_is_the_packages_where_it_knows_the_mel():
    """The name is chosen by the mel alone, so what ships must have the mel of a plain config."""
    default = make_vocoder(None, MelConfig())
    assert isinstance(default, Neural) and default.generator.config.mel == MelConfig()
    assert isinstance(make_vocoder(None, MelConfig(bands=80)), GriffinLim)


def test_a_vocoder_of_another_mel_is_refused(tmp_path, repository, tiny_model):
    other = save_untrained_vocoder(tmp_path / "other.safetensors", repository, "mel.hop_samples=160", "mel.bands=80")
    with pytest.raises(CheckpointError, match="got a mel with hop_samples=160, bands=80, expected hop_samples=200, "
                                              "bands=128"):
        load(tiny_model, vocoder=str(other))


def test_a_converter_is_no_vocoder_and_a_vocoder_no_converter(file, tiny_model):
    with pytest.raises(CheckpointError, match="holds a model, expected a vocoder or training"):
        make_vocoder(str(tiny_model), MEL)
    with pytest.raises(CheckpointError, match="holds a vocoder, expected a model or training"):
        load(file)


def test_convert_and_info_on_the_command_line(convert, call, file, source, target, tmp_path):
    from vc.audio import load_audio as read

    result = convert(source, "--target", target, "-o", tmp_path / "out.wav", "--vocoder", file)
    assert result.code == 0, result
    assert len(read(tmp_path / "out.wav", 16000)) == len(read(source, 16000))
    shown = call("info", file)
    assert shown.code == 0 and "generator" in shown.out and "2 blocks of 32 channels" in shown.out


def test_untrained_it_already_speaks(repository, wave):
    """The network's answer comes on top of the mel's own inverse: magnitudes are near from the first step on."""
    torch.manual_seed(0)
    generator = Generator(load_config(repository / "configs" / "vocoder-tiny.yaml")).eval()
    log_mel = LogMel(MEL)(wave[None])
    with torch.no_grad():
        made = generator(log_mel)
    assert (LogMel(MEL)(made) - log_mel).abs().mean() < 0.6
