"""Two kinds of critics that tell recordings from what the vocoder made, and the optimiser that trains them.

Multi-period (Kong, Kim and Bae 2020, arXiv 2010.05646): the waveform folded at several periods. Multi-resolution (Jang
et al. 2021, arXiv 2106.07889): magnitudes of several STFTs. Losses by least squares, and the distance of the layers'
outputs (feature matching).
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from vc.config import VocoderConfig

PERIODS = (2, 3, 5, 7, 11)
RESOLUTIONS = ((1024, 256), (2048, 512), (512, 128))  # FFT and hop in samples
LAYERS = 4
SLOPE = 0.1


@dataclass(frozen=True)
class Critique:
    """scores: (B, ...) of one discriminator, 1 for a recording. layers: outputs of its layers."""

    scores: torch.Tensor
    layers: list


class PeriodDiscriminator(nn.Module):
    """Waveform (B, N), any N, folded to (B, 1, ceil(N / period), period) -> Critique."""

    def __init__(self, period, width):
        super().__init__()
        self.period = period
        self.layers, self.score = _layers(width, kernel=(5, 1), stride=(3, 1))

    def forward(self, wave):
        wave = F.pad(wave, (0, -wave.shape[1] % self.period))
        return _critique(wave.unflatten(1, (-1, self.period)).unsqueeze(1), self.layers, self.score)


class ResolutionDiscriminator(nn.Module):
    """Waveform (B, N), any N, as magnitudes (B, 1, F, T) -> Critique."""

    def __init__(self, fft_samples, hop_samples, width):
        super().__init__()
        self.fft_samples, self.hop_samples = fft_samples, hop_samples
        self.layers, self.score = _layers(width, kernel=(5, 3), stride=(2, 1))
        self.register_buffer("window", torch.hann_window(fft_samples), persistent=False)

    def forward(self, wave):
        with torch.autocast(wave.device.type, enabled=False):
            spectrum = torch.stft(wave.float(), self.fft_samples, self.hop_samples, window=self.window,
                                  pad_mode="constant", return_complex=True)
            magnitude = (spectrum.real.square() + spectrum.imag.square() + 1e-9).sqrt()
        return _critique(magnitude.unsqueeze(1), self.layers, self.score)


def _layers(width, kernel, stride):
    """Convolutions that narrow one dimension, each up to twice as wide as the last, and the one that judges."""
    widths = [1, *(min(width * 2**i, 16 * width) for i in range(LAYERS))]
    padding = (kernel[0] // 2, kernel[1] // 2)
    layers = [nn.utils.parametrizations.weight_norm(nn.Conv2d(i, o, kernel, stride, padding))
              for i, o in zip(widths, widths[1:])]
    score = nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0))
    return nn.ModuleList(layers), nn.utils.parametrizations.weight_norm(score)


def _critique(x, layers, score):
    outputs = []
    for layer in layers:
        x = F.leaky_relu(layer(x), SLOPE)
        outputs.append(x)
    return Critique(score(x).float(), outputs)


@dataclass(frozen=True)
class Verdict:
    """For the generator: adversarial and feature_matching, scalars. discriminator: their own loss, for the log."""

    adversarial: torch.Tensor
    feature_matching: torch.Tensor
    discriminator: torch.Tensor


class Discriminators(nn.Module):
    """All of them with their optimiser. Call `judge` before the generator's backward pass and `step` after it."""

    def __init__(self, settings: VocoderConfig, device="cpu"):
        super().__init__()
        width = settings.discriminator_width
        self.critics = nn.ModuleList([*(PeriodDiscriminator(period, width) for period in PERIODS),
                                      *(ResolutionDiscriminator(*sizes, width) for sizes in RESOLUTIONS)])
        self.to(device)
        self.optimiser = torch.optim.AdamW(self.parameters(), lr=settings.discriminator_learning_rate,
                                           betas=(0.8, 0.99))

    def judge(self, made, recording) -> Verdict:
        """Two waveforms (B, N). The discriminators take a step of their own first."""
        own = sum(((1 - critic(recording).scores) ** 2).mean() + (critic(made.detach()).scores ** 2).mean()
                  for critic in self.critics) / len(self.critics)
        self.optimiser.zero_grad()
        own.backward()
        self.optimiser.step()
        adversarial, matching = 0.0, 0.0
        for critic in self.critics:
            judged = critic(made)
            with torch.no_grad():
                wanted = critic(recording)
            adversarial = adversarial + ((1 - judged.scores) ** 2).mean() / len(self.critics)
            matching = matching + sum((a - b).float().abs().mean() for a, b in zip(judged.layers, wanted.layers)) \
                / (len(self.critics) * LAYERS)
        return Verdict(adversarial, matching, own.detach())

    def step(self):
        """Drop what the generator's backward pass left behind."""
        self.optimiser.zero_grad()
