"""How high is the voice, and how does it move? Split by speaker, so that knowing the speaker does not help.

The truth is WORLD's: F0 by DIO with StoneMask (Morise et al. 2009, 2016), which pyworld computes.
"""

from typing import final

import numpy as np
import torch

from vc.errors import DataError
from vc.evaluation.pitch import world_pitch
from vc.probing.base import HALVES, Probe, sequences_of
from vc.probing.findings import balanced_accuracy, explained, judge
from vc.probing.heads import classify_frames, regress, regress_frames
from vc.probing.parts import split_by_speaker

FEWEST_VOICED_FRAMES = 10
LOWEST_HZ, HIGHEST_HZ = 71.0, 800.0


@final
class Pitch(Probe):
    """Share explained of a recording's median log-F0, from either half; and of each voiced frame's, with its movement
    about that median, and whether a frame is voiced, from the content half."""

    def measure(self, heard, listener, effort):
        tracks = _tracks(heard, listener)
        enough = [i for i, voiced in enumerate(tracks) if (voiced > 0).sum() >= FEWEST_VOICED_FRAMES]
        heard, tracks = [heard[i] for i in enough], [tracks[i] for i in enough]
        speakers = [piece.speaker_name for piece in heard]
        parts = split_by_speaker(speakers, effort.seed)
        medians = torch.stack([track[track > 0].log().median() for track in tracks])
        constant, judged = medians[parts.training].mean(), medians[parts.test]
        clusters = [speakers[i] for i in parts.test.tolist()]
        findings = {}
        for half in HALVES:
            predictions = regress(sequences_of(heard, half), medians, parts, effort)
            findings[f"pitch_from_{half}"] = judge(
                half, "median log-F0 of a recording", "R2", 0.0,
                lambda i: explained(predictions[i], judged[i], constant), clusters, effort)
        return findings | _of_frames([piece.content for piece in heard], tracks, medians, speakers, parts, effort)


def _of_frames(contents, tracks, medians, speakers, parts, effort):
    """Findings about single frames of the content half. tracks: list of F0 in Hz (T',), 0 where unvoiced."""
    voiced = [track > 0 for track in tracks]
    heights = [track.clamp(min=1).log() for track in tracks]
    movements = [height - median for height, median in zip(heights, medians, strict=True)]
    test, training = parts.test.tolist(), parts.training.tolist()
    findings = {}
    owners = [speakers[i] for i in test for _ in range(int(voiced[i].sum()))]
    for name, title, targets in (("pitch_frames", "log-F0 of a voiced frame", heights),
                                 ("intonation", "log-F0 of a voiced frame about its recording's median", movements)):
        predictions = regress_frames(contents, targets, voiced, parts, effort)
        judged = torch.cat([targets[i][voiced[i]] for i in test])
        constant = torch.cat([targets[i][voiced[i]] for i in training]).mean()
        findings[f"{name}_from_content"] = judge(
            "content", title, "R2", 0.0, lambda i: explained(predictions[i], judged[i], constant), owners, effort)
    guesses = classify_frames(contents, voiced, parts, effort).long()
    judged = torch.cat([voiced[i] for i in test]).long()
    owners = [speakers[i] for i in test for _ in range(len(voiced[i]))]
    findings["voicing_from_content"] = judge("content", "whether a frame is voiced", "accuracy", 0.5,
                                             lambda i: balanced_accuracy(guesses[i], judged[i]), owners, effort)
    return findings


def _tracks(heard, listener):
    """F0 in Hz at each content frame, 0 where unvoiced: list of (T',)."""
    rate_hz, period_samples = listener.mel.sample_rate_hz, listener.mel.hop_samples * listener.stride
    tracks = []
    for piece in heard:
        try:
            track, _ = world_pitch(piece.audio, rate_hz, 1000 * period_samples / rate_hz, LOWEST_HZ, HIGHEST_HZ)
        except ImportError:
            raise DataError("the pitch probe needs pyworld, which is not installed; pip install vc[evaluate]") from None
        frames = piece.content.shape[1]
        tracks.append(torch.from_numpy(np.pad(track[:frames], (0, max(0, frames - len(track))))).float())
    return tracks
