"""Corruptions: what they change and what they leave, and that the generator alone decides."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from vc import losses
from vc.audio import save_audio
from vc.config import MelConfig, load_config
from vc.data.batches import Batch
from vc.data.corruptions import CORRUPTIONS, Corruptions
from vc.errors import AudioError, ConfigError, DataError
from vc.objective import Objective

MEL = MelConfig()
OF_WAVES = ("noise", "room")


@pytest.fixture(scope="session")
def noises(tmp_path_factory):
    """A folder of two recordings of noise, one of them in a folder of its own, and a file that is no recording."""
    folder = tmp_path_factory.mktemp("noises")
    generator = np.random.default_rng(0)
    save_audio(folder / "hiss.wav", 0.1 * generator.uniform(-1, 1, 8000), 16000)
    save_audio(folder / "street" / "hum.flac", 0.3 * np.sin(np.arange(48000) * 0.05), 48000)
    (folder / "licence.txt").write_text("free")
    return folder


def settings_of(name, noises):
    return {"path": str(noises)} if name == "noise" else {}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def some_speech():
    """(waveforms (3, 20000), log-mels (3, M, 101))."""
    return 0.1 * torch.randn(3, 20000, generator=generator(9)), torch.randn(3, 128, 101, generator=generator(10)) - 4


def spoilt(wanted, seed=0):
    """Both ways through a chain of corruptions."""
    chain, (wave, log_mel) = Corruptions(wanted, MEL), some_speech()
    draws = generator(seed)
    return chain.wave(wave, draws), chain.log_mel(log_mel, draws)


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_the_generator_decides_all(name, noises):
    wanted = {name: settings_of(name, noises)}
    (one, first), (other, again), (_, another) = (spoilt(wanted, seed) for seed in (1, 1, 2))
    torch.manual_seed(5)  # torch's own generator has no say
    assert torch.equal(one, other) and torch.equal(first, again)
    of_mels = name not in OF_WAVES
    changed = (one, first)[of_mels], spoilt(wanted, 2)[of_mels], some_speech()[of_mels]
    assert not torch.equal(changed[0], changed[1]) and not torch.equal(changed[0], changed[2])
    assert all(torch.isfinite(part).all() for part in (one, first))


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_a_share_of_the_items_is_spoilt_and_the_others_are_left(name, noises):
    wave, log_mel = 0.1 * torch.randn(200, 800), torch.randn(200, 128, 5)
    chain, draws = Corruptions({name: {**settings_of(name, noises), "share": 0.3}}, MEL), generator()
    left = (chain.wave(wave, draws) == wave).all(1) & (chain.log_mel(log_mel, draws) == log_mel).flatten(1).all(1)
    assert 0.6 < left.float().mean() < 0.8


def test_the_generator_decides_who_is_spoilt():
    found, log_mel = [], torch.randn(50, 128, 5)
    for seed in range(2):
        torch.manual_seed(seed)  # torch's own has no say
        found.append(Corruptions({"gaussian": {"share": 0.5}}, MEL).log_mel(log_mel, generator()))
    assert torch.equal(*found)


def test_corruptions_follow_each_other(noises):
    wave, log_mel = some_speech()
    names = ("noise", "gaussian", "room", "zeros")
    chain, draws = Corruptions({name: settings_of(name, noises) for name in names}, MEL), generator()
    found, again = (chain.wave(wave, draws), chain.log_mel(log_mel, draws)), generator()
    for name in ("noise", "room"):
        wave = Corruptions({name: settings_of(name, noises)}, MEL).wave(wave, again)
    for name in ("gaussian", "zeros"):
        log_mel = Corruptions({name: {}}, MEL).log_mel(log_mel, again)
    assert torch.equal(found[0], wave) and torch.equal(found[1], log_mel)


def test_nothing_to_do_hands_the_waveform_through():
    wave, log_mel = some_speech()
    for wanted in ({}, {"gaussian": {}}):
        assert Corruptions(wanted, MEL).wave(wave, generator()) is wave
    assert Corruptions({}, MEL).log_mel(log_mel, generator()) is log_mel


def test_gaussian_noise_has_the_deviation_asked_for():
    _, log_mel = some_speech()
    noise = Corruptions({"gaussian": {"deviation": 0.3}}, MEL).log_mel(log_mel, generator()) - log_mel
    assert noise.mean().abs() < 0.01 and noise.std().item() == pytest.approx(0.3, rel=0.02)


def test_zeros_fall_on_their_share_of_the_cells_and_say_the_bands_mean():
    _, log_mel = some_speech()
    found = Corruptions({"zeros": {"rate": 0.4}}, MEL).log_mel(log_mel, generator())
    hit = found != log_mel
    assert hit.float().mean().item() == pytest.approx(0.4, abs=0.02)
    assert (hit[:, :, 1:] & ~hit[:, :, :-1]).float().mean().item() == pytest.approx(0.4 * 0.6, abs=0.02)  # one by one
    assert (hit[:, 1:] & ~hit[:, :-1]).float().mean().item() == pytest.approx(0.4 * 0.6, abs=0.02)
    assert torch.equal(found[hit], log_mel.mean(2, keepdim=True).expand_as(log_mel)[hit])


def masked(**settings):
    """Where 200 items of 128 bands and 90 frames are masked: bool (200, M, T)."""
    log_mel = torch.randn(200, 128, 90)
    found = Corruptions({"masks": settings}, MEL).log_mel(log_mel, generator())
    hit = found != log_mel
    assert torch.equal(found[hit], log_mel.mean(2, keepdim=True).expand_as(log_mel)[hit])
    return hit


def assert_stretches(hit, longest):
    """hit (items, size): one stretch an item, of every length from none to `longest`, reaching both ends of some."""
    widths = hit.sum(1)
    assert set(widths.tolist()) == set(range(longest + 1))
    assert (hit.int().diff(dim=1, prepend=torch.zeros(len(hit), 1)) == 1).sum(1).max() == 1
    assert hit[:, 0].any() and hit[:, -1].any()


def test_a_mask_in_time_covers_all_bands_of_a_stretch():
    hit = masked(time_masks=1, longest_s=0.1, band_masks=0)
    assert torch.equal(hit, hit[:, :1].expand_as(hit))
    assert_stretches(hit[:, 0], longest=8)  # 0.1 s at 80 frames a second


def test_a_mask_in_frequency_covers_all_frames_of_a_range():
    hit = masked(time_masks=0, band_masks=1, widest=10)
    assert torch.equal(hit, hit[:, :, :1].expand_as(hit))
    assert_stretches(hit[:, :, 0], longest=10)


def test_masks_join():
    hit = masked(time_masks=2, longest_s=0.05, band_masks=3, widest=5)
    frames, bands = hit.all(1), hit.all(2)
    assert torch.equal(hit, frames[:, None] | bands[:, :, None])
    assert frames.sum(1).max() in (7, 8) and bands.sum(1).max() in (13, 14, 15)


def test_a_mask_longer_than_the_item_covers_it_at_most():
    log_mel = torch.randn(50, 128, 3)
    found = Corruptions({"masks": {"longest_s": 1.0, "band_masks": 0}}, MEL).log_mel(log_mel, generator())
    assert (found != log_mel).any(1).all(1).any()


def test_noise_has_the_ratio_asked_for(noises):
    wave, _ = some_speech()
    added = Corruptions({"noise": {"path": str(noises), "lowest_db": 7.0, "highest_db": 7.0}}, MEL).wave(
        wave, generator()) - wave
    ratio_db = 10 * torch.log10(wave.square().mean(1) / added.square().mean(1))
    assert ratio_db.tolist() == pytest.approx([7.0] * 3, abs=0.01)


def test_ratios_are_drawn_from_the_whole_range(noises):
    wave = 0.1 * torch.randn(300, 400)
    added = Corruptions({"noise": {"path": str(noises), "lowest_db": -5.0, "highest_db": 5.0}}, MEL).wave(
        wave, generator()) - wave
    ratio_db = 10 * torch.log10(wave.square().mean(1) / added.square().mean(1))
    assert -5.01 < ratio_db.min() < -4.5 and 4.5 < ratio_db.max() < 5.01 and ratio_db.mean().abs() < 0.5


def test_noise_comes_from_all_recordings_at_the_mels_rate_and_goes_round(noises):
    """The hum is a sine at 382 Hz whatever its file's rate; both recordings are shorter than the item."""
    wave = 0.1 * torch.randn(40, 32000)
    added = Corruptions({"noise": {"path": str(noises), "lowest_db": 0.0, "highest_db": 0.0}}, MEL).wave(
        wave, generator()) - wave
    spectra = torch.fft.rfft(added).abs()
    hums = spectra.max(1).values > 50 * spectra.mean(1)
    assert 8 < hums.sum() < 32
    assert set((spectra[hums].argmax(1) / 2).round().int().tolist()) == {382}
    hiss = added[~hums]
    assert torch.allclose(hiss[:, :8000], hiss[:, 8000:16000], atol=1e-4)


def test_a_piece_of_noise_begins_anywhere(tmp_path):
    click = np.zeros(1000)
    click[0] = 0.5
    save_audio(tmp_path / "click.wav", click, 16000)
    wave = torch.full((60, 1000), 0.1)
    added = Corruptions({"noise": {"path": str(tmp_path)}}, MEL).wave(wave, generator()) - wave
    places = added.abs().argmax(1)
    assert len(places.unique()) > 50 and places.min() < 100 and places.max() >= 900


def test_digital_silence_stays_finite(noises, tmp_path):
    save_audio(tmp_path / "nothing.wav", np.zeros(1600), 16000)
    wave, _ = some_speech()
    assert torch.equal(Corruptions({"noise": {"path": str(tmp_path)}}, MEL).wave(wave, generator()), wave)
    silent = Corruptions({"noise": {"path": str(noises)}}, MEL).wave(torch.zeros(2, 800), generator())
    assert torch.equal(silent, torch.zeros(2, 800))
    assert torch.equal(Corruptions({"room": {}}, MEL).wave(torch.zeros(2, 800), generator()), torch.zeros(2, 800))


def test_what_follows_a_click_in_a_room_dies_away_as_asked():
    """By 60 dB in the time asked for, so by 20 dB in a third of it, and so far below the click in all."""
    click = torch.zeros(50, 16000)
    click[:, 100] = 1
    room = {"shortest_s": 0.3, "longest_s": 0.3, "lowest_db": 6.0, "highest_db": 6.0}
    heard = Corruptions({"room": room}, MEL).wave(click, generator())
    assert heard.square().sum(1).tolist() == pytest.approx([1.0] * 50, rel=1e-4)  # as loud as it was
    assert heard[:, :100].abs().max() < 1e-6 and heard[:, 5000:].abs().max() < 1e-3
    echo = heard[:, 101:].square()
    assert (10 * torch.log10(heard[:, 100].square() / echo.sum(1))).tolist() == pytest.approx([6.0] * 50, abs=0.01)
    fallen_db = 10 * torch.log10(echo[:, :160].mean() / echo[:, 1600:1760].mean())
    assert fallen_db.item() == pytest.approx(20, abs=0.5)


def test_an_echo_does_not_come_round_to_the_beginning():
    click = torch.zeros(4, 8000)
    click[:, 7900] = 1
    assert Corruptions({"room": {}}, MEL).wave(click, generator())[:, :7900].abs().max() < 1e-5


def test_rooms_differ():
    click = torch.zeros(300, 12000)
    click[:, 0] = 1
    echo = Corruptions({"room": {}}, MEL).wave(click, generator())
    assert F.cosine_similarity(echo[:-1, 1:], echo[1:, 1:]).abs().max() < 0.3
    # Of the echo's energy a share of 10^(-6 * 0.1 s / time) is left after 0.1 s.
    late = echo[:, 1600:].square().sum(1) / echo[:, 1:].square().sum(1)
    assert late.min() < 10 ** (-0.6 / 0.18) and late.max() > 10 ** (-0.6 / 0.5)
    below_db = 10 * torch.log10(echo[:, 0].square() / echo[:, 1:].square().sum(1))
    assert -0.1 < below_db.min() < 1 and 11 < below_db.max() < 12.1 and 5 < below_db.mean() < 7


# In training


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_source_and_reference_are_spoilt_and_the_target_stays_clean(name, noises, repository, monkeypatch):
    still = dict(pitch_semitones=0, formant_ratio=1, warp_ratio=1, equaliser_db=0, level_db=0)
    config = load_config(repository / "configs" / "tiny.yaml", [
        "train.consistency_from=1000000", *(f"perturb.{key}={value}" for key, value in still.items()),
        *(f"corruptions.noise.{key}={value}" for key, value in settings_of(name, noises).items()),
        *([] if name == "noise" else [f"corruptions.{name}={{}}"])])
    objective, heard, targets = Objective(config, 4), [], []
    encode, reconstruction = objective.model.encode, losses.reconstruction
    monkeypatch.setattr(objective.model, "encode", lambda log_mel: heard.append(log_mel) or encode(log_mel))
    monkeypatch.setattr(losses, "reconstruction",
                        lambda rebuilt, target, std: targets.append(target) or reconstruction(rebuilt, target, std))
    wave, f0 = 0.1 * torch.randn(4, 4000, generator=generator()), torch.zeros(4, 21)
    objective(Batch(wave, wave.flip(0), torch.arange(4), f0, f0), 0, generator())
    (source, reference), clean = heard, objective.log_mel(wave)
    assert torch.equal(targets[0], clean)
    assert (source - clean).abs().max() > 0.1 and (reference - clean.flip(0)).abs().max() > 0.1


# Refusals


@pytest.mark.parametrize("name, settings, message", [
    ("gaussian", {"deviation": 0.0}, "corruptions.gaussian.deviation: got 0.0, expected a number of nepers above 0"),
    ("gaussian", {"share": 1.5}, "corruptions.gaussian.share: got 1.5, expected a share above 0, at most 1"),
    ("gaussian", {"share": "half"}, "corruptions.gaussian.share: got 'half', expected a share above 0, at most 1"),
    ("zeros", {"rate": 1.0}, "corruptions.zeros.rate: got 1.0, expected a share of the cells above 0 and below 1"),
    ("masks", {"time_masks": 0, "band_masks": 0}, "corruptions.masks: got 'time_masks=0, band_masks=0', expected at "
                                                  "least one mask, none negative"),
    ("masks", {"longest_s": 0.001}, "corruptions.masks.longest_s: got 0.001, expected at least a frame, 0.0125 s"),
    ("masks", {"widest": 128}, "corruptions.masks.widest: got 128, expected at least 1 band, fewer than all 128"),
    ("noise", {}, "corruptions.noise.path: got '', expected a folder of recordings of noise"),
    ("noise", {"path": "x", "lowest_db": 30.0}, "corruptions.noise.lowest_db: got 30.0, expected at most highest_db, "
                                                "20"),
    ("room", {"shortest_s": 0.7}, "corruptions.room.shortest_s: got 0.7, expected above 0, at most longest_s, 0.6"),
    ("room", {"highest_db": -1.0}, "corruptions.room.lowest_db: got 0.0, expected at most highest_db, -1"),
    ("rain", {}, "unknown corruption 'rain'; choose one of gaussian, zeros, masks, noise, room"),
])
def test_what_makes_no_sense_is_refused(name, settings, message):
    with pytest.raises(ConfigError) as refusal:
        Corruptions({name: settings}, MEL)
    assert str(refusal.value).removeprefix("setting ") == message


def test_a_folder_without_noise_is_refused(tmp_path):
    with pytest.raises(DataError, match="nowhere: cannot be listed"):
        Corruptions({"noise": {"path": str(tmp_path / "nowhere")}}, MEL)
    with pytest.raises(DataError, match=f"corruptions.noise.path: {tmp_path} holds no audio file; expected recordings"):
        Corruptions({"noise": {"path": str(tmp_path)}}, MEL)
    (tmp_path / "broken.wav").write_bytes(b"RIFF")
    with pytest.raises(AudioError, match="broken.wav"):
        Corruptions({"noise": {"path": str(tmp_path)}}, MEL)
