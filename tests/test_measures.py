"""Every measure and both classical anchors against cases whose answer is known."""

import numpy as np
import pytest
from helpers import NO_INSTRUMENTS

from vc.audio import load_audio, save_audio
from vc.checkpoint import load_model
from vc.conversion import Converter
from vc.errors import AudioError
from vc.evaluation import pitch as pitch_module
from vc.evaluation.cepstrum import Cepstrum, distortion_db
from vc.evaluation.checkup import Checkup
from vc.evaluation.classical import ClassicalConverter, warp, warping_ratio
from vc.evaluation.instrument import Case, Instrument, Sound
from vc.evaluation.maps import draw_maps, principal_plane
from vc.evaluation.naturalness import Naturalness
from vc.evaluation.pairs import Pair, write_pairs
from vc.evaluation.pca import MelReader, PcaConverter, fit_components, move_statistics, recordings_speech
from vc.evaluation.pitch import Pitch, log_pitch_range, move_range, without_hum
from vc.evaluation.recognition import Recognition, error_rates
from vc.evaluation.signal import Signal
from vc.evaluation.similarity import Similarity
from vc.level import speech_level_db
from vc.vocoders import GriffinLim

RATE_HZ = 16000


def bare(instrument, monkeypatch):
    """An instrument whose arithmetic alone is wanted, so that its packages need not be there."""
    monkeypatch.setattr(instrument, "__init__", Instrument.__init__)
    return instrument()


# Similarity


def test_cosines_and_ranks_by_hand(monkeypatch):
    def at(degrees):
        return [np.cos(np.radians(degrees)), np.sin(np.radians(degrees))]
    case = Case(output=at(10), source=at(60), references=[at(20), at(40)], others=[[at(15)], [at(0), at(50)], [at(90)]])
    values = bare(Similarity, monkeypatch).judge(case)
    assert values["cosine_to_target"] == pytest.approx(np.cos(np.radians(20)))
    assert values["cosine_to_source"] == pytest.approx(np.cos(np.radians(50)))
    assert (values["nearer_target"], values["target_rank"]) == (100, 3)
    assert values["other_cosines"] == pytest.approx(np.cos(np.radians([5, 15, 80])))


def test_as_near_to_both_is_not_nearer_to_the_target(monkeypatch):
    values = bare(Similarity, monkeypatch).judge(Case(output=[1.0, 0.0], source=[0.6, 0.8], references=[[0.6, 0.8]]))
    assert (values["nearer_target"], values["target_rank"]) == (0, None)


def test_similarity_knows_a_recording_from_another_speaker_s(clips):
    pytest.importorskip("resemblyzer", reason=NO_INSTRUMENTS)
    similarity = Similarity()
    paths = [clips / name for name in ("kathleen/again.flac", "kathleen/aurora.flac", "flemishguy/kwallen.flac")]
    again, aurora, other = (similarity.read(Sound(path)) for path in paths)
    same = similarity.judge(Case(output=again, source=other, references=[again]))
    assert same["cosine_to_target"] == pytest.approx(1, abs=1e-5)
    values = similarity.judge(Case(output=aurora, source=other, references=[again], others=[[other]]))
    assert values["nearer_target"] == 100 and values["target_rank"] == 1


# Words


def test_word_measures_by_hand(monkeypatch):
    recognition = bare(Recognition, monkeypatch)
    values = recognition.judge(Case(output="one too three", text="One two three four!", vocoded="one two three"))
    assert (values["wer"], values["words"]) == (50, 4)
    assert (values["wer_above_vocoded"], values["wer_to_source"]) == (25, pytest.approx(100 / 3))
    assert (values["heard_words"], values["letters"], values["heard_letters"]) == (3, 18, 13)
    assert values["cer"] == pytest.approx(100 * 6 / 18) and values["cer_to_source"] == pytest.approx(100 / 13)
    assert error_rates(["a", "b"], ["a", "b"]) == (0, 0)


def test_other_words_than_the_source_s_are_not_compared_with_it(monkeypatch):
    values = bare(Recognition, monkeypatch).judge(Case(output="one", text="one", vocoded="two", says_source=False))
    assert values["wer"] == 0 and values["wer_above_vocoded"] is values["wer_to_source"] is None


def test_without_text_or_without_a_heard_source_nothing_is_said(monkeypatch):
    recognition = bare(Recognition, monkeypatch)
    assert set(recognition.judge(Case(output=None, text="")).values()) == {None}
    assert set(recognition.judge(Case(output="", text="...", vocoded="")).values()) == {None}
    values = recognition.judge(Case(output="one", text="one", vocoded=""))
    assert (values["wer"], values["wer_above_vocoded"], values["wer_to_source"]) == (0, -100, None)


# Pitch


def tone(hz, seconds=1.0, pauses=()):
    """A voice-like tone (harmonics with a falling spectrum) whose pitch follows `hz`, a number or (N,)."""
    hz = np.broadcast_to(hz, round(seconds * RATE_HZ))
    phase = 2 * np.pi * np.cumsum(hz) / RATE_HZ
    wave = sum(np.sin(order * phase) / order for order in range(1, 12)) * 0.1
    for start_s, end_s in pauses:
        wave[round(start_s * RATE_HZ):round(end_s * RATE_HZ)] = 0
    return wave.astype(np.float32)


@pytest.fixture
def pitch_of(tmp_path):
    pytest.importorskip("pyworld", reason=NO_INSTRUMENTS)
    pitch = Pitch()

    def read(wave):
        save_audio(tmp_path / "tone.wav", wave, RATE_HZ, force=True)
        return pitch.read(Sound(tmp_path / "tone.wav"))
    return read


def test_a_recording_has_its_own_pitch(pitch_of, clips):
    contour = Pitch().read(Sound(clips / "kathleen" / "again.flac"))
    values = Pitch().judge(Case(output=contour, source=contour, references=[contour]))
    assert values == {"f0_correlation": pytest.approx(1), "f0_error": pytest.approx(0, abs=1e-9), "voicing_error": 0}


def test_a_transposed_tone_is_off_by_its_interval(pitch_of):
    """The target's range is the source's; three semitones are 300 cents."""
    glide = 150 * 2 ** (np.sin(np.linspace(0, 6, RATE_HZ)) / 6)
    source, higher = pitch_of(tone(glide)), pitch_of(tone(glide * 2 ** (3 / 12)))
    values = Pitch().judge(Case(output=higher, source=source, references=[source]))
    assert values["f0_error"] == pytest.approx(300, abs=5) and values["f0_correlation"] > 0.99
    moved = Pitch().judge(Case(output=higher, source=source, references=[higher]))
    assert moved["f0_error"] == pytest.approx(0, abs=5)


def test_a_pause_where_the_source_speaks_is_a_voicing_error(pitch_of):
    source, broken = pitch_of(tone(150)), pitch_of(tone(150, pauses=[(0.2, 0.5)]))
    assert Pitch().judge(Case(output=broken, source=source, references=[source]))["voicing_error"] == \
        pytest.approx(30, abs=5)


@pytest.mark.parametrize("hum_hz", [50.0, 60.2])
def test_a_voice_is_followed_behind_the_hum_of_the_mains(pitch_of, clips, monkeypatch, hum_hz):
    voice = Sound(clips / "kathleen" / "again.flac").levelled
    hum = voice.std() / 2 * np.sin(2 * np.pi * hum_hz * np.arange(len(voice)) / RATE_HZ)
    alone, behind = pitch_of(voice), pitch_of((voice + hum).astype(np.float32))
    values = Pitch().judge(Case(output=behind, source=alone, references=[alone]))
    assert values["voicing_error"] < 5 and values["f0_correlation"] > 0.99
    monkeypatch.setattr(pitch_module, "without_hum", lambda audio, sample_rate_hz: audio)
    deaf = pitch_of((voice + hum).astype(np.float32))
    assert Pitch().judge(Case(output=deaf, source=alone, references=[alone]))["voicing_error"] > 20


def test_a_hum_is_taken_off_to_its_ends():
    hum = np.sin(2 * np.pi * 50.0 * np.arange(3 * RATE_HZ) / RATE_HZ)
    assert np.abs(without_hum(hum, RATE_HZ)).max() < 0.1


@pytest.mark.parametrize("seconds", [0.5, 3.0])
def test_without_a_hum_nothing_is_taken_off(clips, seconds):
    voice = Sound(clips / "kathleen" / "again.flac").levelled[:round(seconds * RATE_HZ)]
    assert without_hum(voice, RATE_HZ) == pytest.approx(voice, abs=1e-6)
    low = tone(55 * 2 ** (0.3 * np.sin(np.linspace(0, 20, RATE_HZ))))  # passes both frequencies, and stays at neither
    assert without_hum(low, RATE_HZ) == pytest.approx(low, abs=1e-6)


def test_contours_by_hand(monkeypatch):
    pitch = bare(Pitch, monkeypatch)
    rising = [100.0 * 2 ** (frame / 24) for frame in range(12)]
    falling = rising[::-1]
    assert pitch.judge(Case(output=falling, source=rising, references=[rising]))["f0_correlation"] == pytest.approx(-1)
    few = pitch.judge(Case(output=rising[:9] + [0.0] * 3, source=rising, references=[rising]))
    assert few == {"f0_correlation": None, "f0_error": None, "voicing_error": 25}
    flat = pitch.judge(Case(output=[100.0] * 12, source=rising, references=[[0.0]]))
    assert flat["f0_correlation"] is None and flat["f0_error"] == pytest.approx(275)
    assert set(pitch.judge(Case(output=rising, source=rising, says_source=False)).values()) == {None}


def test_a_range_is_moved_in_mean_and_deviation():
    moved = move_range(np.log([100.0, 200, 400]), log_pitch_range(np.array([100.0, 0, 200, 400])), (5.0, 0.1))
    assert (moved.mean(), moved.std()) == pytest.approx((5.0, 0.1))


# The signal


def test_duration_level_and_clipping_are_exact(tmp_path):
    source, half = tone(200), tone(200, seconds=0.5) / 2
    clipped = np.clip(tone(200) * 100, -1, 1)
    for name, wave in ("source", source), ("half", half), ("clipped", clipped):
        save_audio(tmp_path / f"{name}.wav", wave, RATE_HZ)
    signal = Signal()
    readings = {name: signal.read(Sound(tmp_path / f"{name}.wav")) for name in ("source", "half", "clipped")}
    values = signal.judge(Case(output=readings["half"], source=readings["source"], seconds_ratio=0.25))
    assert values == {"duration_ratio": 0.5, "level_difference": pytest.approx(-6.02, abs=0.05), "clipped": 0,
                      "real_time_factor": 0.25}
    assert signal.judge(Case(output=readings["clipped"], source=readings["source"]))["clipped"] == \
        pytest.approx(100 * np.mean(np.abs(clipped) == 1), abs=0.5)


# Naturalness and cepstra


def test_dnsmos_hears_noise(clips, tmp_path):
    pytest.importorskip("speechmos", reason=NO_INSTRUMENTS)
    clip = load_audio(clips / "kathleen" / "again.flac", RATE_HZ)
    noise = np.random.default_rng(0).normal(0, 0.03, len(clip)).astype(np.float32)
    save_audio(tmp_path / "noisy.wav", np.clip(clip + noise, -1, 1), RATE_HZ)
    naturalness = Naturalness()
    clean, noisy = (naturalness.read(Sound(path)) for path in (clips / "kathleen/again.flac", tmp_path / "noisy.wav"))
    assert 1 < noisy < clean - 0.3 < 5


def test_the_distortion_is_nothing_to_itself_at_another_pace():
    pytest.importorskip("librosa", reason=NO_INSTRUMENTS)
    cepstra = np.random.default_rng(0).normal(size=(13, 30))
    assert distortion_db(cepstra, np.repeat(cepstra, 2, axis=1)) == pytest.approx(0)
    assert distortion_db(cepstra, cepstra + np.sqrt(40 / 13)) < 1.01


def test_a_filter_is_a_distortion_of_so_many_decibels(clips, tmp_path, monkeypatch):
    """A level alone is none; nothing is said without a parallel recording."""
    pytest.importorskip("librosa", reason=NO_INSTRUMENTS)
    clip = load_audio(clips / "kathleen" / "again.flac", RATE_HZ)
    save_audio(tmp_path / "quiet.wav", clip / 4, RATE_HZ)
    save_audio(tmp_path / "dull.wav", np.convolve(clip, [0.5, 0.5], mode="same").astype(np.float32), RATE_HZ)
    cepstrum = Cepstrum()
    own, quiet, dull = (cepstrum.read(Sound(path)) for path in (clips / "kathleen/again.flac", tmp_path / "quiet.wav",
                                                               tmp_path / "dull.wav"))
    def apart(one, other):
        return cepstrum.judge(Case(output=one, parallel=other))["mel_cepstral_distortion"]
    assert apart(own, own) == 0 and apart(own, quiet) < 0.5 < apart(own, dull) < 8
    assert apart(own, None) is None


# The classical converter


def test_the_warping_ratio_is_found_again():
    bins = np.linspace(0, 1, 513)
    envelope = sum(np.exp(-((bins - centre) / 0.02) ** 2) * 4 for centre in (0.07, 0.16, 0.3, 0.45))
    assert warp(envelope[None], 1.0)[0] == pytest.approx(envelope)
    for ratio in (0.87, 1.0, 1.14):
        warped = warp(envelope[None], ratio)[0] - 3 * bins
        assert warping_ratio(envelope, warped, RATE_HZ) == pytest.approx(ratio, abs=0.011)


def test_the_classical_converter_moves_pitch_and_spectrum(clips, tmp_path):
    pytest.importorskip("pyworld", reason=NO_INSTRUMENTS)
    source, reference = clips / "kathleen" / "again.flac", clips / "flemishguy" / "kwallen.flac"
    said = ClassicalConverter(RATE_HZ).convert(source, [reference])
    audio = load_audio(source, RATE_HZ)
    assert said.dtype == np.float32 and len(said) == len(audio) and np.abs(said).max() <= 0.99
    assert speech_level_db(said, RATE_HZ) == pytest.approx(speech_level_db(audio, RATE_HZ), abs=0.5)
    save_audio(tmp_path / "said.wav", said, RATE_HZ)
    pitch = Pitch()
    own, before, target = (pitch.read(Sound(path)) for path in (tmp_path / "said.wav", source, reference))
    values = pitch.judge(Case(output=own, source=before, references=[target]))
    assert values["f0_error"] < 60 and values["f0_correlation"] > 0.9
    again = ClassicalConverter(RATE_HZ).convert(source, [reference])
    assert (again == said).all()


# The principal components


def test_components_are_those_of_a_singular_value_decomposition():
    vectors = np.random.default_rng(0).normal(size=(200, 6)) * [5, 1, 3, 0.1, 2, 0.5] + 7
    components = fit_components([vectors[:70], vectors[70:]], 3)
    _, _, directions = np.linalg.svd(vectors - vectors.mean(0))
    assert components.mean == pytest.approx(vectors.mean(0))
    assert np.abs(components.basis @ directions[:3].T) == pytest.approx(np.eye(3), abs=1e-8)


def test_statistics_are_moved_over_speech():
    generator = np.random.default_rng(1)
    code, speech, target = generator.normal(2, 1, (90, 4)), np.arange(90) < 60, generator.normal(-1, 2, (50, 4))
    moved = move_statistics(code, speech, target)
    assert moved[speech].mean(0) == pytest.approx(target.mean(0))
    assert moved[speech].std(0) == pytest.approx(target.std(0))


def test_the_linear_converter_has_as_many_numbers_as_the_content_half(clips, tiny_model):
    model, _ = load_model(tiny_model)
    reader = MelReader(model.config)
    source, reference = clips / "kathleen" / "again.flac", clips / "flemishguy" / "kwallen.flac"
    reading = reader.read(source)
    stride, bands = model.config.model.stride, model.config.mel.bands
    frames = reading.samples // model.config.mel.hop_samples + 1
    assert reading.vectors.shape == (-(-frames // stride), stride * bands)
    components = fit_components(recordings_speech(reader, [source, reference]), model.config.model.content_dims)
    assert components.basis.shape == (model.config.model.content_dims, stride * bands)
    said = PcaConverter(reader, components, GriffinLim(model.config.mel, iterations=2)).convert(source, [reference])
    audio = load_audio(source, RATE_HZ)
    assert len(said) == len(audio)
    assert speech_level_db(said, RATE_HZ) == pytest.approx(speech_level_db(audio, RATE_HZ), abs=0.5)


def test_with_all_components_and_its_own_statistics_the_mel_comes_back(clips, tiny_model):
    reader = MelReader(load_model(tiny_model)[0].config)
    vectors = reader.read(clips / "kathleen" / "again.flac").vectors.astype(np.float64)
    components = fit_components([vectors], vectors.shape[1])
    code = (vectors - components.mean) @ components.basis.T
    back = move_statistics(code, np.ones(len(code), bool), code) @ components.basis + components.mean
    assert np.abs(back - vectors).max() < 1e-3


def test_silence_cannot_be_read(tmp_path):
    save_audio(tmp_path / "silent.wav", np.zeros(RATE_HZ, np.float32), RATE_HZ)
    with pytest.raises(AudioError, match=r"silent\.wav: is silent"):
        Sound(tmp_path / "silent.wav").levelled


# Maps


def test_a_map_keeps_the_two_largest_directions():
    vectors = np.random.default_rng(0).normal(size=(40, 5)) * [1, 9, 0.1, 4, 0.2] + 3
    plane = principal_plane(vectors)
    assert np.linalg.norm(plane[3] - plane[8]) == pytest.approx(np.linalg.norm(vectors[3] - vectors[8]), rel=0.2)
    assert plane[:, 0].std() > plane[:, 1].std() and principal_plane(vectors[:1]).tolist() == [[0, 0]]


def test_a_point_for_each_half_of_each_recording():
    points = draw_maps([("a", {"speaker": [1.0, 2], "content": [3.0]}), ("b", {"speaker": [2.0, 1], "content": [5.0]})])
    assert [(point.half, point.speaker) for point in points] == [(half, speaker) for half in ("speaker", "content")
                                                                for speaker in "ab"]
    assert abs(points[2].x - points[3].x) == 2 and points[2].y == 0


# The look at a model while it trains


@pytest.fixture
def checkup_list(tmp_path, clips):
    write_pairs(tmp_path / "pairs.tsv", [
        Pair(clips / "kathleen" / "again.flac", "kathleen", "kerstin", (clips / "kerstin" / "burg.flac",), "one two"),
        Pair(clips / "kerstin" / "burg.flac", "kerstin", "kathleen", (clips / "kathleen" / "again.flac",), "one")])
    return tmp_path / "pairs.tsv"


@pytest.fixture
def deaf(monkeypatch):
    """Voices are told by their duration and level, and nothing but "one" is ever heard."""
    for instrument in (Similarity, Recognition):
        monkeypatch.setattr(instrument, "__init__", Instrument.__init__)
    monkeypatch.setattr(Similarity, "read", lambda self, sound: (lambda angle: [np.cos(angle), np.sin(angle)])(
        len(sound.levelled) / RATE_HZ / 10))
    monkeypatch.setattr(Recognition, "read", lambda self, sound: "one")


def test_a_checkup_averages_cosines_and_pools_words(checkup_list, clips, tiny_model, deaf):
    model, _ = load_model(tiny_model)
    names = "kathleen/again.flac", "kerstin/burg.flac"
    first, second = (len(load_audio(clips / name, RATE_HZ)) / RATE_HZ for name in names)
    found = Checkup(checkup_list).measure(model)
    assert found.cosine_to_target == pytest.approx(np.cos((first - second) / 10), abs=1e-3)  # a duration is kept
    assert found.wer == pytest.approx(100 / 3)
    assert found.score == pytest.approx(found.cosine_to_target - 1 / 6)


def test_a_result_that_cannot_be_heard_is_the_worst(checkup_list, tiny_model, deaf, monkeypatch):
    monkeypatch.setattr(Converter, "convert", lambda self, source, target: np.zeros(RATE_HZ, np.float32))
    found = Checkup(checkup_list).measure(load_model(tiny_model)[0])
    assert (found.cosine_to_target, found.wer, found.score) == (0, 100, -0.5)
