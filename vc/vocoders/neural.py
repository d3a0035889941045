"""The vocoder that was trained: a Generator from a file, on a recording of any length."""

from pathlib import Path
from typing import final

import torch
from torch.nn import functional as F

from vc import assets
from vc.checkpoint import build, load_checkpoint, require_same_mel
from vc.errors import CheckpointError
from vc.vocoders.base import Vocoder
from vc.vocoders.generator import Generator
from vc.vocoders.phases import Turns
from vc.windows import windows_with_margins

DEFAULT_FILE = assets.FOLDER / "vocoder.safetensors"
BLOCK_FRAMES = 800


@final
class Neural(Vocoder):
    """Deterministic. Works in blocks that see as far beyond their ends as the network does, so a recording sounds the
    same however it is cut.

    Raises CheckpointError for a file that holds no vocoder, or one for another mel.
    """

    def __init__(self, mel, device="cpu", file=DEFAULT_FILE):
        super().__init__(mel, device)
        generator, checkpoint = load_vocoder(file)
        require_same_mel(file, checkpoint.config.mel, mel)
        self.generator, self.fingerprint = generator.to(self.device), checkpoint.fingerprint

    @torch.no_grad()
    def stream(self, chunks, recorded=False):
        reach, hop = self.generator.agreement_frames(recorded), self.mel.hop_samples
        for block, begin, end in windows_with_margins(self._spectra(chunks, recorded), BLOCK_FRAMES, reach, reach):
            spectrum, in_time, in_frequency = block.unsqueeze(1)
            wave = self.generator.agree(spectrum, Turns(in_time, in_frequency[:, 1:]), recorded)[0]
            yield wave[begin * hop:end * hop].cpu()

    def _spectra(self, chunks, recorded):
        """Spectrum, turns in time and turns in frequency, the lowest bin's 0, block by block: complex (3, F, t)."""
        before, after = self.generator.network.context_frames
        bands, bins = self.mel.bands, self.mel.bins
        rows = (torch.cat([log_mel, f0[None], unvoiced.real, unvoiced.imag]).to(self.generator.band_mean)
                for log_mel, f0, unvoiced in chunks)
        last = None
        for block, begin, end in windows_with_margins(rows, BLOCK_FRAMES, before, after):
            log_mel, f0, *unvoiced = block[None].split([bands, 1, bins, bins], dim=1)
            # What the network learnt from recordings knows their turns better than a tracker of their pitch.
            told = (None, recorded) if recorded else (f0[:, 0], recorded, torch.complex(*unvoiced))
            prediction = self.generator.predict(log_mel, *told).cut(begin, end)
            spectrum = self.generator.follow(prediction, last)
            last = spectrum[:, :, -1]
            turns = prediction.turns
            yield torch.cat([spectrum, turns.in_time, F.pad(turns.in_frequency, (0, 0, 1, 0))])


def load_vocoder(file):
    """Generator in float32 on the CPU and its Checkpoint; a training state gives its averaged weights.

    Raises CheckpointError.
    """
    if Path(file) == DEFAULT_FILE and not DEFAULT_FILE.exists():
        raise CheckpointError("this release ships no neural vocoder; train one with configs/vocoder-small.yaml and "
                              "give its file, or use griffin-lim")
    checkpoint = load_checkpoint(file, kinds=("vocoder", "training"))
    if checkpoint.config.task != "vocoder":
        raise CheckpointError(f"{file}: holds the training of a converter, expected a vocoder's; give it as the model")
    return build(Generator, checkpoint, file), checkpoint
