"""What goes past the bottleneck."""

import math
from dataclasses import replace

import pytest
import torch

from vc.config import MelConfig
from vc.detail import ENVELOPE_KEPT, FINE_KEPT, FORMANTS_FOLLOW, UNVOICED_FINE_KEPT, detail_of, with_detail
from vc.pitch_range import pitch_range
from vc.source_filter import SourceFilter, cosine_basis

MEL = MelConfig()
PARTS = SourceFilter(MEL)
SAME = torch.tensor(0.0)  # the two voices are equally high
ONE_FRAME = torch.ones(1, dtype=bool)
SLOW, RIPPLE = cosine_basis(MEL.bands)[2][:, None], cosine_basis(MEL.bands)[50][:, None]


def test_what_the_model_lost_comes_back_by_its_share():
    expected, f0 = torch.randn(MEL.bands, 5), torch.zeros(5)
    source = PARTS.envelope @ expected + 3 * SLOW
    detail = detail_of(source, source - expected, f0, torch.ones(5, dtype=bool), PARTS)
    torch.testing.assert_close(detail.left_over, (3 * SLOW).expand(-1, 5), atol=1e-4, rtol=0)
    converted = PARTS.envelope @ torch.randn(MEL.bands, 5)
    refined = with_detail(converted, detail, f0, SAME, PARTS)
    torch.testing.assert_close(refined, converted + 3 * ENVELOPE_KEPT * SLOW, atol=1e-4, rtol=0)


def test_what_is_left_over_in_a_pause_stays_out():
    """Of the two frames where speech begins and ends a third and two thirds stay out."""
    noise, speech = (3 * SLOW).expand(-1, 7), torch.tensor([False, False, True, True, True, False, False])
    kept = torch.tensor([0, 1 / 3, 2 / 3, 1, 2 / 3, 1 / 3, 0])
    torch.testing.assert_close(detail_of(noise, noise, torch.zeros(7), speech, PARTS).left_over, kept * noise)


def test_it_moves_with_the_formants_of_a_higher_voice():
    bump = PARTS.envelope @ torch.exp(-(torch.arange(MEL.bands) - 60.0).square() / 200)[:, None]
    detail = detail_of(bump, bump, torch.zeros(1), ONE_FRAME, PARTS)

    def moved(interval):
        return with_detail(torch.zeros(MEL.bands, 1), replace(detail, fine=torch.zeros(MEL.bands, 1)), torch.zeros(1),
                           torch.tensor(interval), PARTS)

    octave = math.log(2)
    expected = ENVELOPE_KEPT * PARTS.stretched(bump, torch.tensor([2**FORMANTS_FOLLOW]))
    torch.testing.assert_close(moved(octave), expected, atol=1e-5, rtol=0)
    assert moved(-octave).argmax() < moved(0.0).argmax() < moved(octave).argmax()
    torch.testing.assert_close(moved(math.nan), moved(0.0))


@pytest.mark.parametrize("hz, kept", [(100.0, FINE_KEPT), (0.0, UNVOICED_FINE_KEPT)])
def test_fine_structure_is_shared_between_source_and_decoder(hz, kept):
    f0 = torch.full((5,), hz)
    detail = detail_of((2 * RIPPLE).expand(-1, 5), torch.zeros(MEL.bands, 5), f0, torch.ones(5, dtype=bool), PARTS)
    refined = with_detail((-RIPPLE).expand(-1, 5), detail, f0, SAME, PARTS)
    torch.testing.assert_close(refined, ((2 * kept - (1 - kept)) * RIPPLE).expand(-1, 5), atol=1e-4, rtol=0)


def test_where_voicing_changes_the_shares_go_over_into_each_other():
    f0 = torch.tensor([100.0, 100.0, 100.0, 0.0, 0.0, 0.0])
    detail = detail_of(RIPPLE.expand(-1, 6), torch.zeros(MEL.bands, 6), f0, torch.ones(6, dtype=bool), PARTS)
    refined = with_detail(torch.zeros(MEL.bands, 6), detail, f0, SAME, PARTS)
    voiced = torch.tensor([1, 1, 2 / 3, 1 / 3, 0, 0])
    kept = voiced * FINE_KEPT + (1 - voiced) * UNVOICED_FINE_KEPT
    torch.testing.assert_close(refined, kept * RIPPLE, atol=1e-4, rtol=0)


def test_fine_structure_follows_the_pitch_where_both_are_voiced():
    moved = PARTS.stretched(RIPPLE, torch.tensor([1.5]))
    for old, new, kept, expected in ((100.0, 150.0, FINE_KEPT, moved), (100.0, 0.0, FINE_KEPT, RIPPLE),
                                     (0.0, 150.0, UNVOICED_FINE_KEPT, RIPPLE)):
        detail = detail_of(RIPPLE, torch.zeros(MEL.bands, 1), torch.tensor([old]), ONE_FRAME, PARTS)
        refined = with_detail(torch.zeros(MEL.bands, 1), detail, torch.tensor([new]), SAME, PARTS)
        torch.testing.assert_close(refined, kept * expected, atol=1e-4, rtol=0)


def test_a_source_lends_its_result_detail(converter, clips):
    """The untrained model loses nearly all of the source, so what goes past it shows."""
    clip = clips / "kathleen" / "aurora.flac"
    voice, (frames, _) = converter.voice_of(clips / "kerstin" / "burg.flac"), next(
        converter.windows(clip, converter.survey(clip)))
    content = converter.listen(frames)
    with_it, without = (converter.say(heard, voice, pitch_range(content.f0))[0]
                        for heard in (content, replace(content, detail=None)))

    def likeness(log_mel):
        speech = frames.level_db > -45
        mine, theirs = (part[:, speech] - part[:, speech].mean(1, keepdim=True) for part in (log_mel, frames.log_mel))
        return (mine * theirs).sum() / mine.norm() / theirs.norm()

    assert likeness(with_it) > likeness(without) + 0.1
    silent = frames.level_db < -81
    assert not silent.any() or with_it[:, silent].max() < math.log(1e-3)
