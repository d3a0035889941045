"""The losses of the vocoder, each under the name that the config's vocoder section, the log and the tests use."""

import torch
from torch import nn

from vc.features import LogMel
from vc.vocoders.phases import true_turns

FLOOR = 1e-4
LOUDNESS_POWER = 0.3  # of the power: what a bin counts, by how loud it is


def magnitude(made, wanted):
    """Mean absolute difference of the logarithms of two magnitudes (B, F, T), in nepers."""
    return (torch.log(made + FLOOR) - torch.log(wanted + FLOOR)).abs().mean()


def turns(made, spectrum, hop_share):
    """Mean squared distance of Turns to the true ones of a complex spectrum (B, F, T), the louder a bin the more it
    counts. The best answer to an uncertain turn is its mean, whose length says how certain it is."""
    true, power = true_turns(spectrum, hop_share), spectrum.real.square() + spectrum.imag.square()
    in_time = _weighted(made.in_time[..., 1:] - true.in_time[..., 1:], power[..., 1:] * power[..., :-1])
    in_frequency = _weighted(made.in_frequency - true.in_frequency, power[:, 1:] * power[:, :-1])
    return in_time, in_frequency


def _weighted(error, power_squared):
    weight = power_squared ** (LOUDNESS_POWER / 2)
    return ((error.real.square() + error.imag.square()) * weight).sum() / (weight.sum() + 1e-12)


class WaveformLosses(nn.Module):
    """Waveform (B, N) and target (B, N) -> {name: scalar}.

    mel: mean absolute difference of log-mels, in nepers. spectrum: spectral convergence and difference of
    log-magnitudes in several resolutions (Yamamoto et al. 2020, arXiv 1910.11480).
    """

    def __init__(self, mel):
        super().__init__()
        self.log_mel = LogMel(mel)
        size, hop = mel.fft_samples, mel.hop_samples
        # Half and double the mel's window, and the window itself between the frames that the mel shows.
        self.resolutions = ((size // 2, hop // 2), (size, hop // 2), (2 * size, hop))
        for samples, _ in self.resolutions:
            self.register_buffer(f"window_{samples}", torch.hann_window(samples), persistent=False)

    def forward(self, wave, target):
        spectrum = sum(self._distance(wave, target, *resolution) for resolution in self.resolutions)
        return {"mel": (self.log_mel(wave) - self.log_mel(target)).abs().mean(),
                "spectrum": spectrum / len(self.resolutions)}

    def _distance(self, wave, target, size, hop):
        made, aimed = self._magnitude(wave, size, hop), self._magnitude(target, size, hop)
        convergence = (made - aimed).norm(dim=(1, 2)) / (aimed.norm(dim=(1, 2)) + FLOOR)
        return convergence.mean() + (made.clamp(min=FLOOR).log() - aimed.clamp(min=FLOOR).log()).abs().mean()

    def _magnitude(self, wave, size, hop):
        spectrum = torch.stft(wave, size, hop, window=getattr(self, f"window_{size}"), pad_mode="constant",
                              return_complex=True)
        return (spectrum.real.square() + spectrum.imag.square() + 1e-12).sqrt()  # abs has no gradient at zero
