"""The parts of the demo that need no page: voices between voices, labels, pictures, hints, the shelf."""

import asyncio
import itertools
import re
from dataclasses import replace
from types import SimpleNamespace

import gradio
import numpy as np
import pytest
import soundfile
import torch

from vc.audio import audio_label, load_audio, save_audio
from vc.demo import judge, pictures, quality, uploads
from vc.demo.gallery import people
from vc.demo.labels import SIDES, label_box, label_sides, overlap
from vc.demo.pictures import content_panel, mel_panel
from vc.demo.quality import hints
from vc.demo.settings import MAX_VOICES, Settings, parse_auth
from vc.demo.shelf import Shelf
from vc.demo.studio import Studio
from vc.demo.voice_map import HEIGHT, LONGEST_LABEL, MARGIN, WIDTH, map_svg, project
from vc.errors import AudioError, CheckpointError, ConfigError, VoiceError
from vc.pitch_range import PitchRange
from vc.voices import VoiceLibrary, blend, load_voice, mean_voice, save_voice

RATE_HZ = 16000


@pytest.fixture(scope="module")
def voices(converter, clips):
    recordings = {"kathleen": "aurora.flac", "kerstin": "burg.flac"}
    return [converter.voice_of(clips / name / file, name) for name, file in recordings.items()]


# Voices between voices


def test_a_blend_walks_the_great_circle_evenly(voices):
    first, second = voices
    angle = torch.arccos(first.speaker @ second.speaker).item()
    for share in (0.0, 0.25, 0.5, 1.0):
        between = blend(first, second, share)
        assert torch.linalg.norm(between.speaker).item() == pytest.approx(1, abs=1e-5)
        walked = torch.arccos((first.speaker @ between.speaker).clamp(-1, 1)).item()
        assert walked == pytest.approx(share * angle, abs=2e-3)
    torch.testing.assert_close(blend(first, second, 1.0).spectrum.mean, second.spectrum.mean)
    quarter = 0.75 * first.pitch.mean + 0.25 * second.pitch.mean
    torch.testing.assert_close(blend(first, second, 0.25).pitch.mean, quarter)
    spreads = [voice.spectrum.spread for voice in (first, second, blend(first, second, 0.25))]
    for part in ("envelope", "fine"):
        one, other, between = (getattr(spread, part) for spread in spreads)
        torch.testing.assert_close(between, 0.75 * one + 0.25 * other)


def test_towards_a_voice_that_nobody_spoke_the_spread_fades(voices):
    invented = replace(voices[1], spectrum=replace(voices[1].spectrum, frames=0, spread=None))
    quarter = blend(voices[0], invented, 0.75).spectrum
    assert (quarter.spread.share, quarter.frames) == (0.25, voices[0].spectrum.frames)
    torch.testing.assert_close(quarter.spread.fine, voices[0].spectrum.spread.fine)
    eighth = blend(invented, blend(voices[0], invented, 0.75), 0.5).spectrum
    assert (eighth.spread.share, eighth.frames) == (0.125, voices[0].spectrum.frames)
    assert blend(invented, invented, 0.5).spectrum.spread is None


def test_a_voice_and_its_equal_tell_twice_as_much_together(voices):
    frames = voices[0].spectrum.frames
    assert [blend(voices[0], voices[0], share).spectrum.frames for share in (0.0, 0.5, 1.0)] == [frames, 2 * frames,
                                                                                               frames]


def test_the_way_between_two_voices_ends_at_the_voices_themselves(voices):
    invented = replace(voices[1], maps=None, spectrum=replace(voices[1].spectrum, frames=0, spread=None))
    assert blend(voices[0], invented, 0.0, voices[0].name) == voices[0]
    assert blend(voices[0], invented, 1.0, invented.name) == invented


def test_a_faded_spread_survives_its_file(voices, converter, tmp_path):
    invented = replace(voices[1], spectrum=replace(voices[1].spectrum, spread=None))
    save_voice(tmp_path / "mix.safetensors", blend(voices[0], invented, 0.75), converter)
    assert load_voice(tmp_path / "mix.safetensors", converter).spectrum.spread.share == 0.25


def test_a_voice_without_a_pitch_leaves_a_blend_the_pitch_of_the_others(voices):
    hoarse = replace(voices[0], pitch=PitchRange(torch.tensor(torch.nan), torch.tensor(torch.nan)))
    for between in blend(hoarse, voices[1], 0.05), blend(voices[1], hoarse, 0.95), mean_voice([hoarse, voices[1]]):
        torch.testing.assert_close(between.pitch.mean, voices[1].pitch.mean)
        torch.testing.assert_close(between.pitch.spread, voices[1].pitch.spread)
    assert blend(hoarse, voices[1], 0.0).pitch.mean.isnan() and blend(hoarse, hoarse, 0.5).pitch.spread.isnan()


def test_a_blend_of_a_voice_with_itself_is_that_voice(voices):
    torch.testing.assert_close(blend(voices[0], voices[0], 0.3).speaker, voices[0].speaker)


def test_the_mean_voice_of_two_is_their_blend_in_the_middle(voices):
    torch.testing.assert_close(mean_voice(voices).speaker, blend(*voices, 0.5).speaker)
    torch.testing.assert_close(mean_voice(voices).spectrum.std, blend(*voices, 0.5).spectrum.std)
    with pytest.raises(VoiceError, match="at least one"):
        mean_voice([])


def test_a_voice_survives_its_file(voices, converter, tmp_path):
    save_voice(tmp_path / "Anna.safetensors", voices[0], converter)
    loaded = load_voice(tmp_path / "Anna.safetensors", converter)
    assert loaded.name == "Anna"
    torch.testing.assert_close(loaded.speaker, voices[0].speaker)
    torch.testing.assert_close(loaded.pitch.mean, voices[0].pitch.mean)


def test_a_model_is_no_voice(tiny_model, converter):
    with pytest.raises(CheckpointError, match="holds a model, expected a voice"):
        load_voice(tiny_model, converter)


def test_a_voice_is_removed_once(voices, converter, tmp_path):
    library = VoiceLibrary(tmp_path)
    library.add(voices[0], converter)
    library.remove(voices[0].name)
    assert library.names() == []
    with pytest.raises(VoiceError, match="no voice of this name is enrolled; enrolled: none yet"):
        library.remove(voices[0].name)


# The converter's steps, halves and labels


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg", ".opus", ".mp3", ".aiff", ".caf"])
def test_a_converted_file_says_so(converter, source, voices, tmp_path, suffix):
    converter.convert_file(source, voices[1], tmp_path / f"out{suffix}")
    label = audio_label(tmp_path / f"out{suffix}")
    assert "converted voice" in label and converter.fingerprint[:12] in label


def test_au_has_no_place_for_a_label(converter, source, voices, tmp_path):
    converter.convert_file(source, voices[1], tmp_path / "out.au")
    assert audio_label(tmp_path / "out.au") == ""


def test_a_recording_carries_the_label_that_it_is_given_and_no_other(converter, tmp_path):
    for name, label in (("plain.wav", None), ("converted.wav", converter.label)):
        save_audio(tmp_path / name, np.zeros(1600, np.float32), RATE_HZ, label=label)
        assert audio_label(tmp_path / name) == (label or "")


def test_progress_rises_to_the_whole(converter, source, voices, tmp_path):
    save_audio(tmp_path / "long.wav", np.tile(load_audio(source, RATE_HZ), 12), RATE_HZ)
    steps = list(converter.conversion_steps(tmp_path / "long.wav", voices[1], tmp_path / "out.wav"))
    done = [step.done_s for step in steps]
    assert len(steps) > 1 and done == sorted(set(done))
    assert done[-1] == steps[-1].total_s == pytest.approx(12 * len(load_audio(source, RATE_HZ)) / RATE_HZ)


def test_leaving_off_leaves_no_file(converter, source, voices, tmp_path):
    save_audio(tmp_path / "long.wav", np.tile(load_audio(source, RATE_HZ), 12), RATE_HZ)
    folder = tmp_path / "out"
    steps = converter.conversion_steps(tmp_path / "long.wav", voices[1], folder / "out.wav")
    next(steps)
    assert list(folder.iterdir()) != []
    steps.close()
    assert list(folder.iterdir()) == []


def test_halves_are_what_conversion_uses(converter, source):
    halves = converter.halves(source)
    frames = halves.log_mel.shape[1]
    assert halves.content.shape[1] == -(-frames // converter.model.config.model.stride)
    assert torch.linalg.norm(halves.speaker).item() == pytest.approx(1, abs=1e-5)
    torch.testing.assert_close(converter.model.encode(halves.log_mel[None]).content[0], halves.content)


# Pictures


def test_a_mel_panel_shows_time_and_pitch():
    f0 = np.array([0, 120, 130, 0, 0, 200, 210, 220, 0, 0], np.float32)
    log_mel = np.random.default_rng(0).normal(size=(8, 10))
    panel = mel_panel("Source <b>", log_mel, f0, seconds=2.0, longest_s=8.0, floor=1e-4)
    assert "Source &lt;b&gt;" in panel and "<b>Source <b>" not in panel
    assert "width:25.00%" in panel
    assert "2.0 s, pitch about 200 Hz" in panel
    points = re.findall(r'<polyline points="([^"]*)"', panel)
    assert [len(line.split()) for line in points] == [2, 3]
    heights = [float(point.split(",")[1]) for point in points[1].split()]
    assert heights == sorted(heights, reverse=True)  # a rising voice goes up


def test_silence_is_dark(monkeypatch):
    drawn = []
    monkeypatch.setattr(pictures, "png", lambda shares, colours: drawn.append(shares) or b"")
    for loudest in 0.0, -5.0, np.log(1e-4):  # the last is silence throughout
        log_mel = np.full((8, 10), np.log(1e-4))
        log_mel[3, 3] = loudest
        pictures.mel_panel("Source", log_mel, None, seconds=1.0, longest_s=1.0, floor=1e-4)
    loud, faint, silent = drawn
    assert loud.max() == 1 and 0.5 < faint.max() < 1
    assert max(shares.min() for shares in drawn) <= 0 and silent.max() <= 1e-9


def test_a_content_panel_tells_its_size():
    panel = content_panel("content", np.linspace(0, 1, 48).reshape(4, 12), seconds=0.3)
    assert "4 numbers, 40 times a second" in panel and "data:image/png;base64," in panel


def test_the_map_keeps_neighbours_together_and_escapes_names(voices):
    def voice(name, *head):
        return replace(voices[0], name=name, speaker=torch.tensor([*head, 0.0, 0.0]))

    speakers = np.array([[1, 0, 0], [0.99, 0.1, 0], [0, 0, 1.0]])
    points, shown = project(speakers)
    near, far = np.linalg.norm(points[0] - points[1]), np.linalg.norm(points[0] - points[2])
    assert near < 0.2 * far and 0.99 < shown <= 1.0001
    assert points.min() >= 0 and points.max() <= 1
    assert "Not all that lie close sound alike" in map_svg({"B": voice("B", 0.0, 1.0)})
    drawn = map_svg({"<i>": voice("<i>", 1.0, 0.0), "B": voice("B", 0.0, 1.0)}, chosen="B", marks=["<i>"])
    assert "<i>" not in drawn and "&lt;i&gt;" in drawn
    assert drawn.count('role="button"') == 1 and 'data-voice="B"' in drawn and 'aria-pressed="true"' in drawn
    assert 'role="button"' not in map_svg({"B": voice("B", 0.0, 1.0)}, choosable=False)


def test_a_long_name_is_shortened_on_the_map(voices):
    long = "Anna " * 12 + "Anna"
    drawn = map_svg({name: replace(voice, name=name) for name, voice in zip((long, "B"), voices, strict=True)})
    assert re.findall("<text[^>]*>([^<]*)<", drawn) == ["Anna Anna Anna Anna…", "B"]
    assert re.findall("<title>([^<]*)<", drawn) == [long] and f'data-voice="{long}"' in drawn
    for x in range(MARGIN, WIDTH - MARGIN + 1):  # wherever its point lies, it fits
        (side,) = label_sides(["A" * LONGEST_LABEL], [(x, HEIGHT / 2)], (WIDTH, HEIGHT))
        left, _, right, _ = label_box("A" * LONGEST_LABEL, (x, HEIGHT / 2), side)
        assert left >= 0 and right <= WIDTH


def test_labels_stay_on_the_map_and_apart():
    places = {"Speaker 6504": (560, 100), "Flemish guy": (70, 350), "voice of B": (70, 350), "Nathalie": (300, 200),
              "mean voice": (330, 190), "Kerstin": (320, 30)}
    sides = label_sides(list(places), list(places.values()), (640, 400))
    boxes = [label_box(name, place, side) for (name, place), side in zip(places.items(), sides, strict=True)]
    assert all(overlap(one, other) == 0 for one, other in itertools.combinations(boxes, 2))
    assert all(box[0] >= 0 and box[1] >= 0 and box[2] <= 640 and box[3] <= 400 for box in boxes)
    assert sides[0] == SIDES[1] and sides[1] == SIDES[0]  # left of it at the edge, else right


# Voices of visitors


def test_sessions_do_not_see_each_other(voices, converter):
    shelf = Shelf(converter, None, taken=["Kathleen"])
    mine = shelf.add(replace(voices[0], name="Anna"), {})
    assert shelf.names(mine) == ["Anna"] and shelf.names({}) == []
    with pytest.raises(VoiceError, match="you have a voice of this name"):
        shelf.add(replace(voices[0], name="Anna"), mine)
    with pytest.raises(VoiceError, match="the gallery has a voice"):
        shelf.add(replace(voices[0], name="Kathleen"), mine)
    with pytest.raises(VoiceError, match="not a name for a voice"):
        shelf.add(replace(voices[0], name="../Anna"), mine)
    accented = shelf.add(replace(voices[0], name="Jose\u0301"), {})
    assert shelf.names(accented) == [accented["Jos\xe9"].name] == ["Jos\xe9"]
    with pytest.raises(VoiceError, match="you have a voice of this name"):
        shelf.add(replace(voices[0], name="Jose\u0301"), accented)
    assert shelf.remove("Jose\u0301", accented) == {}
    assert shelf.remove("Anna", mine) == {} and shelf.names(mine) == ["Anna"]
    with pytest.raises(VoiceError, match="no voice of this name"):
        shelf.remove("Anna", {})


def test_a_session_keeps_so_many_voices(voices, converter):
    session = {f"v{number}": voices[0] for number in range(MAX_VOICES)}
    with pytest.raises(VoiceError, match="delete one first"):
        Shelf(converter, None, taken=[]).add(replace(voices[0], name="one more"), session)


def test_the_library_is_that_of_the_command_line(voices, converter, tmp_path):
    shelf = Shelf(converter, VoiceLibrary(tmp_path), taken=[])
    assert shelf.add(replace(voices[0], name="Anna"), {}) == {}
    with pytest.raises(VoiceError, match="Anna: you have a voice of this name; choose another name or delete it first"):
        shelf.add(replace(voices[0], name="Anna"), {})
    (tmp_path / "Broken.safetensors").write_bytes(b"no")
    assert shelf.names({}) == ["Anna", "Broken"]
    assert list(shelf.voices({})) == ["Anna"]
    assert VoiceLibrary(tmp_path).get("Anna", converter).name == "Anna"
    shelf.remove("Anna", {})
    assert VoiceLibrary(tmp_path).names() == ["Broken"]


@pytest.mark.parametrize("damage, hint", [
    (lambda speech, noise: speech[:3 * RATE_HZ], "Short: "),
    (lambda speech, noise: speech + 0.3 * speech.std() * noise, "Noisy"),
    (lambda speech, noise: np.clip(speech * 3 / np.abs(speech).max(), -1, 1), "Clipped"),
])
def test_hints_tell_what_is_wrong_and_nothing_else(clips, tmp_path, damage, hint):
    speech = np.concatenate([load_audio(path, RATE_HZ) for path in sorted((clips / "kathleen").glob("*.flac"))])
    speech = np.concatenate([speech, speech]) * 0.5
    save_audio(tmp_path / "good.wav", speech, RATE_HZ)
    assert hints(tmp_path / "good.wav") == []
    noise = np.random.default_rng(0).standard_normal(len(speech)).astype(np.float32)
    save_audio(tmp_path / "bad.wav", damage(speech, noise).astype(np.float32), RATE_HZ)
    (found,) = hints(tmp_path / "bad.wav")
    assert found.startswith(hint)


def test_hints_hear_no_more_than_ears_do(tmp_path, monkeypatch):
    soundfile.write(tmp_path / "fast.wav", np.zeros(3000, np.int16), 655_350)
    asked, silence = [], np.zeros(48000, np.float32)
    monkeypatch.setattr(quality, "load_audio", lambda path, rate_hz: asked.append(rate_hz) or silence)
    hints(tmp_path / "fast.wav")
    assert asked == [48000]


def test_what_is_too_long_is_not_drawn_either(source):
    studio = Studio.__new__(Studio)  # without a gallery, whose voices it would hear first
    studio.settings, studio.converter = Settings(max_seconds=1.0), SimpleNamespace(sample_rate=RATE_HZ)
    with pytest.raises(AudioError, match="lasts longer than the 1 s that this demo takes"):
        studio.beginning(source)


def test_a_result_comes_from_no_address():
    for component in uploads.result("Result"), uploads.recording("Source"):
        with pytest.raises(gradio.Error, match="addresses are not fetched"):
            asyncio.run(component.async_move_resource_to_block_cache("https://example.org/a.wav"))


def test_every_voice_of_the_gallery_is_small_and_says_where_it_is_from():
    gallery = people()
    assert len({person.name for person in gallery}) == len(gallery) >= 6
    assert sum(person.clip.stat().st_size for person in gallery) < 1e6
    for person in gallery:
        assert person.licence in ("CC0 1.0", "CC BY 4.0") and person.source and person.text and person.about
        assert 4 <= len(load_audio(person.clip, RATE_HZ)) / RATE_HZ <= 8


# The badge and the settings


class Ear:
    """Stands in for an instrument of the evaluation."""

    def __init__(self, **values):
        self.values = values

    def read(self, sound):
        return "we <u>cannot</u>"

    def judge(self, case):
        return self.values


@pytest.fixture
def instruments(monkeypatch):
    """The evaluation's instruments, played by Ears."""
    def put(ear, listener):
        monkeypatch.setattr(judge, "similarity", lambda: ear)
        monkeypatch.setattr(judge, "recognition", lambda texts: listener)
    return put


def test_the_badge_says_what_was_measured(instruments):
    pytest.importorskip("vc.evaluation.instrument")
    instruments(Ear(cosine_to_target=0.71, cosine_to_source=0.55, nearer_target=100.0), Ear(words=10, wer=40.0))
    shown = judge.badge("s.wav", "t.wav", "r.wav", said="We cannot")
    assert "Closer to the target" in shown and "0.71" in shown and "0.55" in shown
    assert "6 of 10 words" in shown and "&lt;u&gt;" in shown
    for nothing in ("", " ", None):
        assert "words" not in judge.badge("s.wav", "t.wav", "r.wav", said=nothing)
    assert "target" not in judge.badge("s.wav", None, "r.wav", said="We cannot")


def test_what_an_instrument_can_do_nothing_with_has_no_badge(instruments, monkeypatch):
    pytest.importorskip("vc.evaluation.instrument")

    def refuse(self, sound):
        raise AudioError("r.wav: is silent")

    monkeypatch.setattr(Ear, "read", refuse)
    instruments(Ear(), Ear())
    assert judge.badge("s.wav", "t.wav", "r.wav", said="We cannot") == ""


def test_without_the_instruments_there_is_no_badge(instruments):
    instruments(None, None)
    assert judge.badge("s.wav", "t.wav", "r.wav", said="We cannot") == ""


@pytest.mark.parametrize("change, message", [
    (dict(port=0), "--port: got 0"), (dict(port=70000), "--port: got 70000"),
    (dict(max_seconds=0), "--max-seconds: got 0, expected more than 0"), (dict(workers=-1), "--workers: got -1"),
])
def test_settings_out_of_range_are_refused(change, message):
    with pytest.raises(ConfigError, match=re.escape(message)):
        Settings(**change)


def test_auth_is_a_pair():
    assert parse_auth("anna:geheim:nis") == ("anna", "geheim:nis")
    for text in ("anna", "anna:", ":geheim"):
        with pytest.raises(ConfigError, match="USER:PASSWORD"):
            parse_auth(text)
