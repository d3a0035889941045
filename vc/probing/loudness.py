"""How loud? Conversion brings every source to one level before the encoder. For this probe each piece is played louder
or softer than that, by a random gain, and the halves are asked for the gain. Split by speaker."""

from dataclasses import replace
from typing import final

import numpy as np
import torch

from vc.probing.base import HALVES, Probe, sequences_of
from vc.probing.findings import explained, judge
from vc.probing.heads import regress, regress_frames
from vc.probing.parts import split_by_speaker
from vc.spectrum import frame_levels_db, is_speech

GAIN_DB = 6.0


@final
class Loudness(Probe):
    """Share explained of the gain, from either half; and of each frame's level at the common level, from content."""

    def measure(self, heard, listener, effort):
        speakers = [piece.speaker_name for piece in heard]
        parts = split_by_speaker(speakers, effort.seed)
        clusters = [speakers[i] for i in parts.test.tolist()]
        gains_db = np.random.default_rng(effort.seed).uniform(-GAIN_DB, GAIN_DB, len(heard)).astype(np.float32)
        played = [listener.hear(replace(piece, audio=piece.audio * 10 ** (gain_db / 20)))
                  for piece, gain_db in zip(heard, gains_db, strict=True)]
        gains_db = torch.from_numpy(gains_db)
        constant, judged = gains_db[parts.training].mean(), gains_db[parts.test]
        findings = {}
        for half in HALVES:
            predictions = regress(sequences_of(played, half), gains_db, parts, effort)
            findings[f"loudness_from_{half}"] = judge(
                half, f"level of a recording, moved by up to {GAIN_DB:g} dB", "R2", 0.0,
                lambda i: explained(predictions[i], judged[i], constant), clusters, effort)
        return findings | {"loudness_frames_from_content": self._frames(heard, listener, parts, clusters, effort)}

    def _frames(self, heard, listener, parts, clusters, effort):
        hop, stride = listener.mel.hop_samples, listener.stride
        levels_db = [frame_levels_db(torch.from_numpy(piece.audio), hop)[::stride] for piece in heard]
        speech = [is_speech(level_db) for level_db in levels_db]
        predictions = regress_frames([piece.content for piece in heard], levels_db, speech, parts, effort)
        judged = torch.cat([levels_db[i][speech[i]] for i in parts.test.tolist()])
        constant = torch.cat([levels_db[i][speech[i]] for i in parts.training.tolist()]).mean()
        owners = [speaker for i, speaker in zip(parts.test.tolist(), clusters, strict=True)
                  for _ in range(int(speech[i].sum()))]
        return judge("content", "level of a frame of speech", "R2", 0.0,
                     lambda i: explained(predictions[i], judged[i], constant), owners, effort)
