"""The converter: lengths, windows, gate, voices. The sound itself is judged with the model that ships."""

import math
import os
import unicodedata
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from vc import conversion
from vc.audio import load_audio, save_audio
from vc.conversion import Converter, Frames, load
from vc.errors import AudioError, CheckpointError, ConfigError, VoiceError
from vc.features import LogMel
from vc.level import NOMINAL_LEVEL_DB, PEAK, at_level, speech_level_db, without_offset
from vc.pitch_range import move_pitch, pitch_range
from vc.spectrum import frame_levels_db
from vc.survey import Survey
from vc.voices import Voice, VoiceLibrary

RATE_HZ = 16000


@pytest.fixture(scope="module")
def clip(clips):
    return clips / "kathleen" / "aurora.flac"


@pytest.fixture
def long_clip(clips, tmp_path):
    """All clips one after the other, about 20 s."""
    audio = np.concatenate([load_audio(path, RATE_HZ) for path in sorted(clips.rglob("*.flac"))])
    save_audio(tmp_path / "long.wav", audio, RATE_HZ)
    return tmp_path / "long.wav"


@pytest.mark.parametrize("samples", [1600, 1601, 1799, 1800, 8001, 16111])
def test_the_result_is_as_long_as_the_source(converter, clip, tmp_path, samples):
    save_audio(tmp_path / "cut.wav", load_audio(clip, RATE_HZ)[4000:4000 + samples], RATE_HZ)
    assert converter.convert(tmp_path / "cut.wav", clip).shape == (samples,)
    assert converter.resynthesise(tmp_path / "cut.wav").shape == (samples,)


def test_convert_file_writes_what_convert_returns(converter, clip, tmp_path):
    seconds = converter.convert_file(clip, clip, tmp_path / "out.wav")
    written, returned = load_audio(tmp_path / "out.wav", RATE_HZ), converter.convert(clip, clip)
    assert seconds == pytest.approx(len(returned) / RATE_HZ)
    np.testing.assert_allclose(written, returned, atol=1 / 32768)


def test_windows_join_into_the_mel_of_the_whole(converter, long_clip, monkeypatch):
    """Twelve windows, cross-faded, give the very mel of the whole recording."""
    monkeypatch.setattr(conversion, "WINDOW_S", 2.0)
    monkeypatch.setattr(conversion, "OVERLAP_S", 0.5)
    audio = torch.from_numpy(load_audio(long_clip, RATE_HZ))
    audio = torch.nn.functional.pad(audio, (0, -len(audio) % converter.mel.hop_samples))
    contour = torch.linspace(80, 300, len(audio) // converter.mel.hop_samples + 1)
    survey = Survey(NOMINAL_LEVEL_DB, len(audio), contour)
    windows = [((frames.log_mel, frames.f0, frames.spectrum), is_last)
               for frames, is_last in converter.windows(long_clip, survey)]
    assert len(windows) > 8
    chunks = conversion._crossfaded(iter(windows), 8000 // converter.mel.hop_samples + 1)
    joined, f0, spectrum = (torch.cat(parts, dim=-1) for parts in zip(*chunks, strict=True))
    whole = LogMel(converter.mel)(audio[None])[0]
    torch.testing.assert_close(spectrum, LogMel(converter.mel).spectrum(audio[None])[0])
    assert joined.shape == whole.shape
    assert torch.equal(f0, contour)
    # A window's own edges see zeros instead of their neighbours; the cross-fade leaves them a small say.
    assert (joined - whole).abs().mean() < 0.01
    assert (joined - whole).abs().mean(0).max() < 0.35


def test_the_vocoder_is_given_each_frame_once(converter, long_clip, monkeypatch):
    monkeypatch.setattr(conversion, "WINDOW_S", 2.0)
    monkeypatch.setattr(conversion, "OVERLAP_S", 0.5)
    given = []

    def stream(chunks, recorded):
        for log_mel, f0, unvoiced in chunks:
            assert log_mel.shape[1] == len(f0) == unvoiced.shape[1]
            given.append(f0)
            yield torch.zeros(len(f0) * converter.mel.hop_samples)

    monkeypatch.setattr(converter.vocoder, "stream", stream)
    survey = converter.survey(long_clip)
    assert converter.resynthesise(long_clip).shape == (survey.samples,)
    assert len(given) > 8 and torch.equal(torch.cat(given)[:len(survey.f0)], survey.f0)
    assert sum(map(len, given)) == -(-survey.samples // converter.mel.hop_samples) + 1


def test_a_pause_of_the_source_stays_silent(converter, clip, tmp_path):
    speech = load_audio(clip, RATE_HZ)[4000:20000]
    pause = np.zeros(RATE_HZ, np.float32)
    save_audio(tmp_path / "pause.wav", np.concatenate([speech, pause, speech]), RATE_HZ)
    result = converter.convert(tmp_path / "pause.wav", clip)
    inner = result[len(speech) + 1600:len(speech) + RATE_HZ - 1600]
    assert 20 * math.log10(np.abs(inner).max() + 1e-9) < -70
    assert speech_level_db(result, RATE_HZ) > -60


def test_the_silence_of_a_silent_source_comes_in_blocks(converter):
    """An hour of it takes no more memory than an hour of speech."""
    for samples in (1, conversion.BLOCK_SAMPLES, 2 * conversion.BLOCK_SAMPLES + 1):
        survey = Survey(-math.inf, samples, torch.zeros(samples // converter.mel.hop_samples + 1))
        blocks = list(converter.vocoded(iter(()), survey))
        assert sum(map(len, blocks)) == samples and max(map(len, blocks)) <= conversion.BLOCK_SAMPLES
        assert not any(block.any() for block in blocks)


def test_the_half_empty_edges_of_a_window_do_not_matter(converter, clip):
    """What lies there is no sound, and to some decoders an occasion for a burst that drowns all speech."""
    log_mel = torch.randn(converter.mel.bands, 50, generator=torch.Generator().manual_seed(0)) - 4
    cut_off = log_mel.clone()
    cut_off[:, :2] = cut_off[:, -2:] = math.log(converter.mel.floor)  # the frames that reach beyond the ends
    level_db, f0, voice = torch.full((50,), NOMINAL_LEVEL_DB), torch.full((50,), 200.0), converter.voice_of(clip)
    results = [converter.say(converter.listen(Frames(mel, level_db, f0)), voice, pitch_range(f0))[0]
               for mel in (log_mel, cut_off)]
    assert results[0].shape == log_mel.shape
    torch.testing.assert_close(*results)


def test_the_vocoder_hears_at_what_pitch_a_mel_was_drawn(converter, clip, monkeypatch):
    """The source's in the target's range; nothing of a model that draws a pitch of its own."""
    log_mel = torch.randn(converter.mel.bands, 50, generator=torch.Generator().manual_seed(0)) - 4
    f0, voice = torch.linspace(100, 140, 50) * (torch.arange(50) > 9), converter.voice_of(clip)
    content = converter.listen(Frames(log_mel, torch.full((50,), NOMINAL_LEVEL_DB), f0))
    _, told, _ = converter.say(content, voice, pitch_range(f0))
    assert torch.equal(told, move_pitch(f0, pitch_range(f0), voice.pitch))
    assert told[9:11].gt(0).tolist() == [False, True]
    config = converter.model.config
    monkeypatch.setattr(converter.model, "config", config.model_copy(
        update={"model": config.model.model_copy(update={"pitch": False})}))
    assert not converter.say(content, voice, pitch_range(f0))[1].any()


def test_the_vocoder_hears_the_source_where_it_has_no_pitch(converter, clip):
    """And nothing of it where it has, or where it is not at hand, or where only the two halves shall speak."""
    survey, voice = converter.survey(clip), converter.voice_of(clip)
    frames, _ = next(converter.windows(clip, survey))
    voiced = (frames.f0 > 0) & (frames.level_db > conversion.GATE_OPEN_DBFS)
    assert 0.1 < voiced.float().mean() < 0.9
    *_, unvoiced = converter.say(converter.listen(frames), voice, voice.pitch)
    assert torch.equal(unvoiced, frames.spectrum * ~voiced)
    made = replace(frames, spectrum=None)
    for content in (converter.listen(made), converter.listen(frames, detailed=False)):
        *_, unvoiced = converter.say(content, voice, voice.pitch)
        assert unvoiced.shape == frames.spectrum.shape and not unvoiced.any()


def test_a_hum_far_below_speech_is_no_voice(converter):
    """Whatever the tracker says of it."""
    level_db = torch.where(torch.arange(50) < 20, conversion.GATE_OPEN_DBFS - 1, NOMINAL_LEVEL_DB)
    content = converter.listen(Frames(torch.randn(converter.mel.bands, 50) - 4, level_db, torch.full((50,), 100.0)))
    assert torch.equal(content.f0 > 0, torch.arange(50) >= 20)


def test_the_fainter_the_source_the_further_the_result_fades(converter, clip):
    """From where the gate opens to where it is shut, and no louder above; down to the floor of the mel."""
    halves_alone = Converter(converter.model, converter.vocoder, refined=False)
    voice, f0 = converter.voice_of(clip), torch.full((50,), 200.0)
    content = halves_alone.listen(Frames(torch.randn(converter.mel.bands, 50), torch.full((50,), -26.0), f0))
    middle_db = (conversion.GATE_OPEN_DBFS + conversion.GATE_SHUT_DBFS) / 2
    said = [halves_alone.say(replace(content, level_db=torch.full((50,), level_db)), voice, voice.pitch)[0]
            for level_db in (0.0, conversion.GATE_OPEN_DBFS, middle_db, conversion.GATE_SHUT_DBFS, -120.0)]
    for found, fades_db in zip(said, (0, 0, conversion.GATE_DB / 2, conversion.GATE_DB, conversion.GATE_DB)):
        expected = (said[1] - fades_db * math.log(10) / 20).clamp(min=math.log(converter.mel.floor))
        torch.testing.assert_close(found, expected)


def test_speaker_half_and_fit_change_what_is_said_and_bursts_are_held_down(converter, clips):
    """Each by itself, all else being equal."""
    one, other = (converter.voice_of(clips / name) for name in ("kathleen/aurora.flac", "kerstin/burg.flac"))
    source = clips / "kathleen" / "again.flac"
    content = converter.listen(next(converter.windows(source, converter.survey(source)))[0])

    def said(voice, content=content):
        return converter.say(content, voice, one.pitch)[0]

    for voice in replace(one, speaker=other.speaker), replace(one, maps=None), replace(one, maps=other.maps):
        assert (said(voice) - said(one)).abs().mean() > 1e-3
    faint = replace(content, energy=content.energy - 5, level_db=torch.zeros_like(content.level_db))
    excess = conversion.frame_energy(said(one, faint)) - faint.energy
    loud = content.energy > content.energy.max() - 2  # the others lie on the mel's floor, of these a few bands
    assert excess[loud].max().item() == pytest.approx(conversion.HEADROOM_DB * math.log(10) / 20, abs=0.15)


def test_steps_tell_how_far_a_conversion_is(converter, long_clip, tmp_path, monkeypatch):
    monkeypatch.setattr(converter, "_suppressor", SimpleNamespace(stream=lambda waves: waves))  # of longer blocks
    total_s = len(load_audio(long_clip, RATE_HZ)) / RATE_HZ
    steps = list(converter.conversion_steps(long_clip, long_clip, tmp_path / "out.wav"))
    done_s = [step.done_s for step in steps]
    assert {step.total_s for step in steps} == {total_s}
    assert len(steps) > 2 and done_s[-1] == total_s
    assert all(0 < before < after for before, after in zip(done_s, done_s[1:]))


def test_references_together_fit_another_decoder_than_each_alone(converter, clips):
    paths = [clips / name for name in ("kerstin/burg.flac", "kerstin/amboise.flac")]
    both = converter.voice_of(paths).maps
    for path in paths:
        assert (both - converter.voice_of(path).maps).abs().max() > 0.01 * both.abs().max()


def test_without_refinement_nothing_goes_past_the_halves(converter, clip):
    frames, _ = next(converter.windows(clip, converter.survey(clip)))
    content = Converter(converter.model, converter.vocoder, refined=False).listen(frames)
    assert content.detail is None and content.unvoiced is None


def test_pauses_and_held_edges_tell_nothing_of_a_voice(converter, clip, monkeypatch):
    """Neither of what the model always loses of the source's nor of where the result's long-term spectrum lies."""
    told, level_db = [], torch.where(torch.arange(50) % 20 < 5, -60.0, NOMINAL_LEVEL_DB)
    unexplained, match_spectrum = conversion.adaptation.unexplained, conversion.match_spectrum

    def hearing_both(*arguments):
        told.append(arguments[2][0])
        return unexplained(*arguments)

    def matching(log_mel, speech, target):
        told.append(speech)
        return match_spectrum(log_mel, speech, target)

    monkeypatch.setattr(conversion.adaptation, "unexplained", hearing_both)
    monkeypatch.setattr(conversion, "match_spectrum", matching)
    voice, log_mel = converter.voice_of(clip), torch.randn(converter.mel.bands, 50) - 4
    converter.say(converter.listen(Frames(log_mel, level_db, torch.full((50,), 200.0))), voice, voice.pitch)
    edge = [False] * conversion.EDGE_FRAMES
    assert [speech.tolist() for speech in told] == 2 * [[*edge, *(level_db > -50).tolist(), *edge]]


def test_pauses_of_a_reference_tell_nothing_of_its_voice(converter, clip):
    piece, = converter._pieces_in(load_audio(clip, RATE_HZ))
    assert 0.05 < piece.speech.float().mean() < 0.95
    noisier = replace(piece, log_mel=piece.log_mel + 1.0 * ~piece.speech)
    voice, same = (converter._voice_heard([one], "") for one in (piece, noisier))
    assert torch.equal(voice.maps, same.maps) and torch.equal(voice.spectrum.mean, same.spectrum.mean)


@pytest.mark.parametrize("octaves", [-1, 1])
def test_detail_moves_as_far_as_the_new_voice_lies_above_the_source(converter, clip, monkeypatch, octaves):
    heard, with_detail = [], conversion.with_detail

    def listening(converted, detail, f0, interval, parts):
        heard.append(interval.item())
        return with_detail(converted, detail, f0, interval, parts)

    monkeypatch.setattr(conversion, "with_detail", listening)
    voice, (frames, _) = converter.voice_of(clip), next(converter.windows(clip, converter.survey(clip)))
    converter.say(converter.listen(frames), voice, replace(voice.pitch, mean=voice.pitch.mean - octaves * math.log(2)))
    assert heard == pytest.approx([octaves * math.log(2)], abs=1e-5)


def test_levels_of_frames_by_hand():
    wave = torch.cat([torch.full((400,), 0.1), torch.zeros(400)])
    levels_db = frame_levels_db(wave, 200).tolist()
    # Frames lie on samples 0, 200, ... and hear 200 to each side; beyond the ends there is nothing.
    assert levels_db == pytest.approx([-20 - 3.01, -20, -20 - 3.01, -120, -120], abs=0.01)


def test_the_level_of_a_reference_does_not_matter(converter, clip, tmp_path):
    audio = load_audio(clip, RATE_HZ)
    save_audio(tmp_path / "quiet.wav", audio * 0.1, RATE_HZ)
    torch.testing.assert_close(converter.voice_of(clip).speaker, converter.voice_of(tmp_path / "quiet.wav").speaker,
                               atol=0.02, rtol=0)
    loud, quiet = (converter.halves(path).log_mel for path in (clip, tmp_path / "quiet.wav"))
    assert (loud - quiet).abs().mean() < 0.02


def test_a_constant_offset_is_not_heard(converter, clip, tmp_path):
    """Neither in a reference nor in a source; half of it is a pause, which the offset must not fill."""
    audio = np.concatenate([load_audio(clip, RATE_HZ), np.zeros(RATE_HZ, np.float32)])
    save_audio(tmp_path / "plain.wav", audio, RATE_HZ)
    save_audio(tmp_path / "offset.wav", audio + 0.05, RATE_HZ)
    plain, offset = (converter.voice_of(tmp_path / name) for name in ("plain.wav", "offset.wav"))
    torch.testing.assert_close(offset.speaker, plain.speaker, atol=3e-3, rtol=0)
    assert offset.spectrum.frames == plain.spectrum.frames
    heard = [next(converter.windows(path, converter.survey(path)))[0]
             for path in (tmp_path / "plain.wav", tmp_path / "offset.wav")]
    assert (heard[0].log_mel - heard[1].log_mel).abs().mean() < 0.02
    assert torch.equal(*(frames.level_db > -66 for frames in heard))
    halves = [converter.halves(path).log_mel for path in (tmp_path / "plain.wav", tmp_path / "offset.wav")]
    assert (halves[0] - halves[1]).abs().mean() < 0.02


@pytest.mark.parametrize("share", [0.02, -0.02])
def test_what_hardly_lies_beside_zero_is_left_as_it_is(clip, share):
    audio = load_audio(clip, RATE_HZ)
    assert (without_offset(audio, RATE_HZ) == audio).all()
    moved = without_offset(audio + np.float32(share) * 10 ** (speech_level_db(audio, RATE_HZ) / 20), RATE_HZ)
    assert abs(moved.mean()) < 1e-6


def test_a_click_is_no_voice(converter, tmp_path):
    save_audio(tmp_path / "click.wav", np.eye(1, 2 * RATE_HZ, RATE_HZ)[0] * 0.9, RATE_HZ)
    with pytest.raises(AudioError, match="click.wav: holds 0.26 s of speech, expected at least 0.5 s; give a longer"):
        converter.voice_of(tmp_path / "click.wav")


def test_an_output_that_cannot_be_is_refused_before_the_work(converter, clip, tmp_path, monkeypatch):
    monkeypatch.setattr(converter, "survey", None)  # not asked
    (tmp_path / "there.wav").write_bytes(b"precious")
    for name, message in (("there.wav", "exists already"), ("out.xyz", "cannot write .xyz")):
        with pytest.raises(AudioError, match=message):
            converter.convert_file(clip, clip, tmp_path / name)
    assert (tmp_path / "there.wav").read_bytes() == b"precious"


def test_references_count_by_their_length(converter, clips):
    first, second = clips / "kerstin" / "burg.flac", clips / "nathalie" / "katje.flac"
    voices = [converter.voice_of(path) for path in (first, second)]
    mean = sum(voice.speaker * voice.seconds for voice in voices)
    both = converter.voice_of([first, second])
    torch.testing.assert_close(both.speaker, mean / mean.norm())
    assert both.seconds == pytest.approx(voices[0].seconds + voices[1].seconds)
    torch.testing.assert_close(converter.voice_of([first, first]).speaker, voices[0].speaker)


def test_pitch_and_colour_are_taken_of_the_speech_in_all_references(converter, clips):
    paths = clips / "flemishguy" / "kwallen.flac", clips / "nathalie" / "katje.flac"
    pieces = [piece for path in paths for piece in converter._pieces_in(converter.speech_of(path))]
    both = converter.voice_of(paths)
    f0, speech = (torch.cat([getattr(piece, name) for piece in pieces]) for name in ("f0", "speech"))
    torch.testing.assert_close(both.pitch.mean, pitch_range(f0).mean)
    torch.testing.assert_close(both.pitch.spread, pitch_range(f0).spread)
    assert both.spectrum.frames == speech.sum() < len(speech)


def test_silence_and_a_moment_have_no_halves(converter, tmp_path):
    for name, samples, message in (("silence.wav", np.zeros(RATE_HZ, np.float32), "is silent"),
                                   ("moment.wav", np.full(1600, 0.1, np.float32), "lasts 0.10 s")):
        save_audio(tmp_path / name, samples, RATE_HZ)
        with pytest.raises(AudioError, match=f"{name}: {message}"):
            converter.halves(tmp_path / name)


def test_the_order_of_references_does_not_matter_to_the_bit(converter, clips):
    names = ("kerstin/burg.flac", "kerstin/amboise.flac", "nathalie/katje.flac")
    first, second, third = (clips / name for name in names)
    one, other = (converter.voice_of(paths) for paths in ([first, second, third], [third, first, second]))
    spectra = one.spectrum, other.spectrum
    for parts in ((one.speaker, other.speaker), (one.maps, other.maps), (one.pitch.mean, other.pitch.mean),
                  (one.pitch.spread, other.pitch.spread), [spectrum.mean for spectrum in spectra],
                  [spectrum.std for spectrum in spectra], [spectrum.spread.envelope for spectrum in spectra],
                  [spectrum.spread.fine for spectrum in spectra]):
        assert torch.equal(*parts)
    assert one.seconds == other.seconds


def test_a_long_reference_is_heard_in_even_pieces(converter, long_clip):
    durations_s = [piece.seconds for piece in converter._pieces_in(converter.speech_of(long_clip))]
    assert len(durations_s) >= 2
    assert max(durations_s) <= conversion.REFERENCE_WINDOW_S + 1e-6
    assert max(durations_s) - min(durations_s) < 0.01


def test_no_reference(converter, clip):
    with pytest.raises(AudioError, match="no reference recording was given"):
        converter.convert(clip, [])


def test_the_result_takes_the_sources_level(converter, clip, tmp_path):
    audio = load_audio(clip, RATE_HZ)
    for level_db in (-45.0, -30.0, NOMINAL_LEVEL_DB):
        save_audio(tmp_path / "source.wav", at_level(audio, RATE_HZ, level_db), RATE_HZ, force=True)
        result = converter.convert(tmp_path / "source.wav", clip)
        assert speech_level_db(result, RATE_HZ) == pytest.approx(level_db, abs=0.3)
        assert np.abs(result).max() <= PEAK + 1e-4


def test_an_enrolled_voice_is_the_voice(converter, clip, tmp_path):
    library = VoiceLibrary(tmp_path / "voices")
    voice = converter.voice_of(clip, "Kathleen A.")
    path = library.add(voice, converter)
    assert path.stat().st_size < 40_000  # two seconds of it
    if os.name == "posix":  # nobody else's business
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    found = library.get("Kathleen A.", converter)
    assert torch.equal(found.speaker, voice.speaker) and found.seconds == voice.seconds
    assert torch.equal(found.pitch.mean, voice.pitch.mean) and torch.equal(found.pitch.spread, voice.pitch.spread)
    assert torch.equal(found.spectrum.std, voice.spectrum.std) and found.spectrum.frames == voice.spectrum.frames
    for part in ("envelope", "fine"):
        assert torch.equal(getattr(found.spectrum.spread, part), getattr(voice.spectrum.spread, part))
    assert library.names() == ["Kathleen A."]
    with pytest.raises(VoiceError, match="a voice of this name is enrolled already"):
        library.add(voice, converter)
    with pytest.raises(VoiceError, match="neither a file nor an enrolled voice .enrolled: Kathleen A.."):
        library.get("Nobody", converter)
    with pytest.raises(VoiceError, match="not a name for a voice"):
        library.add(Voice("../escape", voice.speaker, 1.0, voice.spectrum, voice.pitch), converter)


@pytest.mark.parametrize("name", ["अनिता", "மீனா", "مُحَمَّد", "José"])
def test_a_name_may_hold_marks_and_has_one_spelling(converter, clip, tmp_path, name):
    """Marks of vowels, and an accent that stands alone or is part of its letter."""
    library, composed = VoiceLibrary(tmp_path / "voices"), unicodedata.normalize("NFC", name)
    apart = unicodedata.normalize("NFD", name)
    library.add(converter.voice_of(clip, apart), converter)
    assert library.names() == [composed]
    for spelled in composed, apart:
        assert library.get(spelled, converter).name == composed
        with pytest.raises(VoiceError, match="a voice of this name is enrolled already"):
            library.add(converter.voice_of(clip, spelled), converter)
    (path,) = library.folder.iterdir()
    path.rename(path.with_stem(apart))  # as some disks, and copies from them, spell it
    assert library.names() == [composed] and library.get(composed, converter).name == composed
    library.remove(composed)
    assert library.names() == []


def test_loading_names_what_is_wrong(tiny_model, tmp_path):
    with pytest.raises(CheckpointError, match="no such file"):
        load(tmp_path / "none.safetensors")
    with pytest.raises(ConfigError, match="unknown vocoder 'x'"):
        load(tiny_model, vocoder="x")
    with pytest.raises(ConfigError, match="unknown device 'tpu'; choose one of auto, cpu, cuda, mps"):
        load(tiny_model, device="tpu")


def test_a_burst_of_the_decoder_is_held_down(converter):
    """No frame comes out more than HEADROOM_DB louder than it went in; what is softer is left alone."""
    source = torch.zeros(converter.mel.bands, 3)
    converted = torch.stack([torch.full((converter.mel.bands,), level) for level in (-1.0, 0.5, 4.0)], dim=1)
    held = conversion._held_down(converted, conversion.frame_energy(source))
    headroom = conversion.HEADROOM_DB * math.log(10) / 20
    torch.testing.assert_close(held[0], torch.tensor([-1.0, 0.5, headroom]))
    assert conversion.frame_energy(source)[0].item() == pytest.approx(math.log(converter.mel.bands) / 2)
