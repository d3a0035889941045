"""The decoder's last layer, fitted to a voice."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vc.adaptation import CONSTANT, HIGHEST_LEVERAGE, STIFFNESS, correction, evidence, fit, solve, unexplained
from vc.background import without_noise
from vc.voices import VoiceLibrary, blend

EVERY = torch.ones(1, 40, dtype=torch.bool)


@pytest.mark.parametrize("frames", [1, 3, 4, 40])
def test_the_map_is_the_one_of_ridge_regression(frames):
    seen, left_over = torch.randn(1, 3, frames), torch.randn(1, 2, frames)
    # Ridge regression is least squares with a row for each feature that asks its weight to be 0.
    rows = np.vstack([np.vstack([seen[0].numpy(), np.full((1, frames), CONSTANT)]).T, STIFFNESS**0.5 * np.eye(4)])
    wanted = np.linalg.lstsq(rows, np.vstack([left_over[0].numpy().T, np.zeros((4, 2))]), rcond=None)[0].T
    np.testing.assert_allclose(fit(seen, left_over, EVERY[:, :frames])[0].numpy(), wanted, atol=1e-5)


def test_what_is_always_wrong_is_corrected_whatever_is_said():
    left_over = torch.tensor([1.0, -2.0])[None, :, None].expand(1, 2, 4000)
    maps = fit(torch.zeros(1, 3, 4000), left_over, torch.ones(1, 4000, dtype=torch.bool))
    torch.testing.assert_close(correction(maps, torch.zeros(1, 3, 40), EVERY), left_over[..., :40], rtol=0.01, atol=0)


def test_a_few_frames_correct_little_and_many_correct_much():
    seen = torch.randn(1, 4, 4000)
    left_over = seen[:, :2] - seen[:, 2:]

    def missing(frames):
        maps = fit(seen[..., :frames], left_over[..., :frames], torch.ones(1, frames, dtype=torch.bool))
        all_of_them = torch.ones(1, 4000, dtype=torch.bool)
        return (left_over - correction(maps, seen, all_of_them)).abs().mean() / left_over.abs().mean()

    assert missing(5) > 0.9 and missing(4000) < 0.1


def test_pauses_neither_teach_nor_are_corrected():
    seen, left_over = torch.randn(1, 3, 40), torch.randn(1, 2, 40)
    speech = EVERY.clone()
    speech[:, 10:20] = False
    louder = left_over.clone()
    louder[..., 10:20] += 100
    maps = fit(seen, left_over, speech)
    torch.testing.assert_close(maps, fit(seen, louder, speech))
    assert correction(maps, seen, speech)[..., 10:20].abs().max() == 0
    torch.testing.assert_close(unexplained(seen, louder, speech)[..., 10:20], louder[..., 10:20])


def test_no_frame_explains_itself():
    """The closed form gives what refitting without the frame does."""
    seen, left_over = 5 * torch.randn(1, 3, 40), torch.randn(1, 2, 40)
    found = unexplained(seen, left_over, EVERY)
    for frame in (0, 7, 39):
        others = EVERY.clone()
        others[:, frame] = False
        alone = left_over - correction(fit(seen, left_over, others), seen, EVERY)
        torch.testing.assert_close(found[..., frame], alone[..., frame], rtol=1e-3, atol=1e-4)


def test_a_frame_unlike_all_others_stays_in_bounds():
    seen, left_over = torch.zeros(1, 1, 40), torch.ones(1, 1, 40)
    seen[..., 0] = 1e6
    assert unexplained(seen, left_over, EVERY).abs().max() <= 1 / (1 - HIGHEST_LEVERAGE)


def test_gradients_reach_the_features():
    seen, left_over = torch.randn(2, 3, 40, requires_grad=True), torch.randn(2, 2, 40, requires_grad=True)
    speech = EVERY.expand(2, -1)
    correction(fit(seen, left_over, speech), torch.randn(2, 3, 40), speech).square().sum().backward()
    assert seen.grad.abs().max() > 0 and left_over.grad.abs().max() > 0


def test_a_voice_says_its_own_words_more_like_itself(converter, clips):
    """The untrained decoder gets all wrong, so what it is told of a sound shows."""
    clip = clips / "kathleen" / "aurora.flac"
    voice, survey = converter.voice_of(clip), converter.survey(clip)

    def distance(voice):
        (frames, _), = converter.windows(clip, survey)
        said, *_ = converter.say(converter.listen(frames), voice, voice.pitch)
        return (said - frames.log_mel)[:, frames.level_db > -45].abs().mean()

    assert distance(voice) < 0.9 * distance(replace(voice, maps=None))


def test_a_voice_between_two_is_adapted_to_both(converter, clips):
    first, second = (converter.voice_of(clips / name) for name in ("kathleen/aurora.flac", "kerstin/burg.flac"))
    torch.testing.assert_close(blend(first, second, 0.25).maps, 0.75 * first.maps + 0.25 * second.maps)
    invented = replace(second, maps=None)
    torch.testing.assert_close(blend(invented, first, 0.25).maps, 0.25 * first.maps)
    assert blend(invented, invented, 0.25).maps is None


def test_an_enrolled_voice_keeps_its_maps(converter, clips, tmp_path):
    voice, library = converter.voice_of(clips / "kathleen" / "aurora.flac", "kathleen"), VoiceLibrary(tmp_path)
    library.add(voice, converter)
    found = library.get("kathleen", converter)
    assert found.maps.abs().max() > 0.01
    torch.testing.assert_close(found.maps, voice.maps, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("frames", [0, 1])
def test_hardly_any_speech_corrects_hardly_anything(frames):
    speech = torch.zeros(1, 40, dtype=torch.bool)
    speech[:, :frames] = True
    maps = fit(torch.randn(1, 3, 40), torch.ones(1, 2, 40), speech)
    assert torch.isfinite(maps).all() and maps.abs().max() < 0.1


def test_what_parts_tell_adds_up():
    seen, left_over = torch.randn(1, 3, 40), torch.randn(1, 2, 40)
    parts = [evidence(seen[..., part], left_over[..., part], EVERY[:, part]) for part in (slice(0, 15), slice(15, 40))]
    torch.testing.assert_close(solve(sum(parts)), fit(seen, left_over, EVERY))


def test_a_voice_is_fitted_to_what_the_decoder_gets_wrong_of_its_recording(converter, clips):
    """Ridge regression."""
    voice = converter.voice_of(clip := clips / "kathleen" / "aurora.flac")
    (piece,) = converter._pieces_in(converter.speech_of(clip))
    drawn = converter.model.draw(piece.content[None], voice.speaker[None], piece.f0[None])
    speech = piece.speech
    features = torch.cat([drawn.seen[0], torch.full((1, len(speech)), CONSTANT)])
    heard = without_noise(piece.log_mel, drawn.log_mel[0], piece.noise)
    rows, wanted = features[:, speech].T, (heard - drawn.log_mel[0])[:, speech].T
    size = rows.shape[1]
    rows, wanted = torch.cat([rows, STIFFNESS**0.5 * torch.eye(size)]), torch.cat([wanted, torch.zeros(size, 128)])
    torch.testing.assert_close(voice.maps, torch.linalg.lstsq(rows, wanted).solution.T, atol=1e-4, rtol=1e-3)
