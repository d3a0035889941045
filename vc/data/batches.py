"""Batches of waveforms on the training device, one made ahead in a thread while the last one is trained on."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import torch

from vc.data.sampling import SegmentSampler


@dataclass(frozen=True)
class Batch:
    """source (B, N) and reference (B, N'), float32 in [-1, 1], of the same speakers; speaker_ids (B,)."""

    source: torch.Tensor
    reference: torch.Tensor
    speaker_ids: torch.Tensor


class BatchLoader:
    """Serves the batch of any step. On a GPU all samples live there as int16 and only indices travel.

    waited_s: seconds that `at` has spent waiting for data since the start.
    """

    def __init__(self, samples: np.ndarray, sampler: SegmentSampler, batch, device):
        self._sampler, self._batch, self._device = sampler, batch, torch.device(device)
        on_device = self._device.type != "cpu"
        self._samples = torch.from_numpy(np.array(samples)).to(self._device) if on_device else samples
        self._pool = ThreadPoolExecutor(1)
        self._ahead = (None, None)
        self.waited_s = 0.0

    def at(self, step) -> Batch:
        """The batch of this step; begins to make the next one."""
        start = time.perf_counter()
        ahead_step, future = self._ahead
        batch = future.result() if ahead_step == step else self._make(step)
        self._ahead = (step + 1, self._pool.submit(self._make, step + 1))
        self.waited_s += time.perf_counter() - start
        return batch

    def close(self):
        self._pool.shutdown(cancel_futures=True)

    def _make(self, step):
        draw = self._sampler.draw(step, self._batch)
        return Batch(self._take(draw.source), self._take(draw.reference),
                     torch.from_numpy(draw.speaker_ids).to(self._device))

    def _take(self, index):
        if isinstance(self._samples, torch.Tensor):
            samples = self._samples[torch.from_numpy(index).to(self._device)]
        else:
            samples = torch.from_numpy(self._samples[index])
        return samples.float() / 32768
