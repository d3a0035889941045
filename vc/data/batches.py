"""Batches of waveforms on the training device, one made ahead in a thread while the last one is trained on."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields

import numpy as np
import torch

from vc.data.sampling import SegmentSampler
from vc.data.store import SpeechStore, pitch_hop


@dataclass(frozen=True)
class Batch:
    """source (B, N) and reference (B, N'), float32 in [-1, 1], of the same speakers; speaker_ids (B,).

    source_f0 (B, T) and reference_f0 (B, T'): F0 of each mel frame in Hz, 0 where unvoiced.
    """

    source: torch.Tensor
    reference: torch.Tensor
    speaker_ids: torch.Tensor
    source_f0: torch.Tensor
    reference_f0: torch.Tensor

    def __getitem__(self, items):
        """The batch of some items, by a slice or a mask."""
        return Batch(*(getattr(self, field.name)[items] for field in fields(self)))


def kept(items, share):
    """How many items at the beginning of a batch stay as they are when a share of it is changed: at least one."""
    return max(1, items - round(share * items))


class BatchLoader:
    """Serves the batch of any step. On a GPU all samples live there as int16 and only
    where the stretches lie travels.

    hop_samples: of the mel whose frames get an F0.

    waited_s: seconds that `at` has spent waiting for data since the start.
    """

    def __init__(self, store: SpeechStore, sampler: SegmentSampler, batch, hop_samples, device):
        self._sampler, self._batch, self._device = sampler, batch, torch.device(device)
        self._hop, self._pitch_hop = hop_samples, pitch_hop(store.sample_rate_hz)
        self._samples, self._pitch = store.samples, store.pitch
        if self._device.type != "cpu":
            self._samples = torch.from_numpy(np.array(store.samples)).to(self._device)
            self._pitch = torch.from_numpy(np.array(store.pitch)).to(self._device)
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
        ids = torch.from_numpy(draw.speaker_ids).to(self._device)
        return Batch(self._heard(draw.source), self._heard(draw.reference), ids,
                     self._f0(draw.source), self._f0(draw.reference))

    def _heard(self, stretches):
        samples = torch.arange(stretches.length, device=self._device)
        return self._take(self._samples, stretches.places(samples)).float() / 32768

    def _f0(self, stretches):
        """F0 at the mel's frames, which lie on every hop-th sample and, at the end, right behind the last."""
        frames = torch.arange(stretches.length // self._hop + 1, device=self._device) * self._hop
        places = stretches.places(frames.clamp(max=stretches.length - 1))
        return self._take(self._pitch, places // self._pitch_hop).float()

    def _take(self, values, places):
        if isinstance(values, torch.Tensor):
            return values[places]
        return torch.from_numpy(values[places.numpy()])
