"""The trained part of the neural vocoder: from log-mel to waveform by one spectrum a frame.

A convolution, a stack of ConvNeXt blocks at the frame rate and one inverse STFT (Siuzdak 2023, arXiv 2306.00814).
Unlike there, the magnitude is a correction to what follows from the mel by least squares, and the phases are built up
from how far each bin turns from frame to frame and from bin to bin; where the pitch is known, it tells the turns of the
harmonics, and where there is none, the recording that is converted may tell how its noise turns. A few rounds of fast
Griffin-Lim (Perraudin et al. 2013) may follow, in which neighbouring frames agree on what is left, while the turns
still have a say.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from vc.config import Config
from vc.vocoders.harmonic_turns import harmonic_turns
from vc.vocoders.inverse import MelInverse
from vc.vocoders.phases import Turns, direction, follow_turns, links_of, true_turns
from vc.vocoders.short_time import ShortTime, by_frame

INVERSE_STEPS = 4  # more of them change nothing that PESQ hears
MOMENTUM = 1.3  # of the rounds; from good phases more than in the paper, which starts from random ones
TURNS_SAY = 0.3  # what the turns count in the first of the rounds; in the last, next to nothing
# The magnitudes that a model makes agree with no sound; more rounds follow them away from the turns of a voice.
MADE_ROUNDS, MADE_TURNS_SAY = 6, 2.0
PARTS = 6  # of the network's answer for each bin: gain, two complex turns, trust in the known pitch
GAIN_LIMIT = 1.5  # nepers that the network may move a magnitude; what is zero stays zero


@dataclass(frozen=True)
class Prediction:
    """magnitude: (B, F, T). turns: of its phases."""

    magnitude: torch.Tensor
    turns: Turns

    def cut(self, begin, end):
        """The frames from begin to end."""
        return Prediction(self.magnitude[:, :, begin:end], self.turns.cut(begin, end))


class Generator(nn.Module):
    """log-mel (B, M, T) -> waveform (B, (T - 1) * hop_samples)."""

    def __init__(self, config: Config):
        super().__init__()
        self.config = config
        mel, sizes = config.mel, config.vocoder
        self.fft_samples, self.hop_samples, self.rounds = mel.fft_samples, mel.hop_samples, sizes.rounds
        self.hop_share = mel.hop_samples / mel.fft_samples
        self.inverse = MelInverse(mel, INVERSE_STEPS)
        self.network = Network(mel.bands, PARTS * mel.bins, sizes.width, sizes.blocks, sizes.kernel, sizes.expansion,
                               sizes.causal)
        self.register_buffer("band_mean", torch.zeros(mel.bands, 1))
        self.register_buffer("band_std", torch.ones(mel.bands, 1))
        self.short_time = ShortTime(mel.fft_samples, mel.hop_samples)
        # The transform counts phases from the left end of the frame, half a frame before its middle.
        self.register_buffer("to_left_end", 1.0 - 2.0 * (torch.arange(mel.bins) % 2)[:, None], persistent=False)

    def forward(self, log_mel, f0=None, recorded=False):
        return self.speak(self.predict(log_mel, f0, recorded), recorded)

    def speak(self, prediction: Prediction, recorded=False):
        """Waveform (B, (T - 1) * hop_samples)."""
        with torch.autocast(prediction.magnitude.device.type, enabled=False):
            return self.agree(self.follow(prediction), prediction.turns, recorded)

    def predict(self, log_mel, f0=None, recorded=False, unvoiced=None) -> Prediction:
        """log_mel: (B, M, T). Sees no more than `network.context_frames` around each frame. f0: in Hz (B, T), 0 where
        unvoiced, that the mel was drawn at; None where nobody knows. unvoiced: complex (B, F, T), of a recording that
        says the same without pitch, 0 in other frames; its turns are added to the network's.

        recorded: whose magnitudes are corrected, all items' or none's, or some (B,), bool. A mel that a model made
        keeps its own: led towards what recordings have they would lose the voice, since the likeliest correction of
        all voices leads to their mean.
        """
        with torch.autocast(log_mel.device.type, enabled=False):
            magnitude = self.inverse(log_mel)
        answer = self.network((log_mel - self.band_mean) / self.band_std).float()
        gain, *turns, trust = answer.chunk(PARTS, dim=1)
        gain = gain * torch.as_tensor(recorded, device=gain.device).view(-1, 1, 1)
        in_time, in_frequency = torch.complex(turns[0], turns[1]), torch.complex(turns[2][:, 1:], turns[3][:, 1:])
        if f0 is not None:
            in_time = in_time + torch.polar(*self.harmonic_turns(f0, trust))
        if unvoiced is not None:
            heard = true_turns(unvoiced * self.to_left_end, self.hop_share)
            in_time, in_frequency = in_time + heard.in_time, in_frequency + heard.in_frequency
        return Prediction(self.corrected(magnitude, gain), Turns(in_time, in_frequency))

    def harmonic_turns(self, f0, trust):
        """What is added to the network's turns in time: F0 in Hz (B, T) and how far the network trusts it, in logits
        (B, F, T) -> length and angle (B, F, T)."""
        mel = self.config.mel
        certainty, angle = harmonic_turns(f0, mel.bins, mel.sample_rate_hz, mel.hop_samples)
        return torch.sigmoid(trust) * certainty, angle

    def corrected(self, magnitude, gain):
        """magnitude (B, F, T) moved by the network's gain in nepers, no further than GAIN_LIMIT."""
        return magnitude * torch.exp(GAIN_LIMIT * torch.tanh(gain / GAIN_LIMIT))

    def shares(self, recorded):
        """What the turns count in each round of `agree`."""
        rounds, say = (self.rounds, TURNS_SAY) if recorded else (min(self.rounds, MADE_ROUNDS), MADE_TURNS_SAY)
        return [say * (1 - number / rounds) for number in range(rounds)]

    def agreement_frames(self, recorded):
        """How many frames on each side change what `agree` makes of the sound between two frames."""
        overlapping = self.short_time.reach_frames - 1
        return overlapping * len(self.shares(recorded)) + -(-self.fft_samples // (2 * self.hop_samples))

    def follow(self, prediction: Prediction, last=None):
        """Spectrum, complex (B, F, T), that goes on after the frame `last`, complex (B, F); None for silence."""
        if last is None:
            last = torch.zeros_like(prediction.turns.in_time[:, :, 0])
        return prediction.magnitude * follow_turns(prediction.magnitude, prediction.turns, self.hop_share, last)

    def agree(self, spectrum, turns: Turns, recorded=False):
        """Complex (B, F, T) -> waveform (B, (T - 1) * hop_samples) after the rounds of fast Griffin-Lim that `shares`
        lists."""
        if spectrum.shape[2] == 1:
            return spectrum.real.new_zeros(spectrum.shape[0], 0)
        # Counted from the left end, as the transform does, a bin's phase lies opposite to what its neighbour expects.
        spectrum, turns = by_frame(spectrum * self.to_left_end), Turns(turns.in_time, -turns.in_frequency)
        links, magnitude, last_rebuilt = links_of(turns, self.hop_share), spectrum.abs(), torch.zeros_like(spectrum)
        for share in self.shares(recorded):
            rebuilt = self.short_time.spectrum(self.short_time.wave(spectrum))
            wanted = torch.add(rebuilt, last_rebuilt, alpha=-MOMENTUM / (1 + MOMENTUM))
            links.draw(wanted, spectrum, share)
            spectrum, last_rebuilt = direction(wanted, magnitude), rebuilt
        return self.short_time.wave(spectrum)

    def spectrum(self, wave):
        """Waveform (B, N) -> complex (B, F, T) with phases relative to the middle of each frame."""
        return self.short_time.spectrum(wave) * self.to_left_end


class Network(nn.Module):
    """Log-mel (B, M, T), at mean 0 and deviation 1 -> what the head says of each frame (B, outputs, T)."""

    def __init__(self, bands, outputs, width, blocks, kernel, expansion, causal):
        super().__init__()
        self.padding = (kernel - 1, 0) if causal else (kernel // 2, kernel // 2)
        self.embed = nn.Conv1d(bands, width, kernel)
        self.norm_in = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(ConvNeXtBlock(width, kernel, expansion, self.padding, 1 / blocks)
                                    for _ in range(blocks))
        self.norm_out = nn.LayerNorm(width)
        self.head = nn.Linear(width, outputs)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.zeros_(self.head.bias)
        self.context_frames = tuple((blocks + 1) * frames for frames in self.padding)  # (before, after)

    def forward(self, log_mel):
        x = self.norm_in(self.embed(F.pad(log_mel, self.padding)).transpose(1, 2))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm_out(x)).transpose(1, 2)


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, then a narrow-wide-narrow network in each frame, added to the input (Liu et al.
    2022, arXiv 2201.03545): (B, T, C) -> (B, T, C)."""

    def __init__(self, width, kernel, expansion, padding, scale):
        super().__init__()
        self.padding = padding
        self.across_time = nn.Conv1d(width, width, kernel, groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, expansion * width)
        self.narrow = nn.Linear(expansion * width, width)
        self.scale = nn.Parameter(torch.full((width,), scale))

    def forward(self, x):
        h = self.across_time(F.pad(x.transpose(1, 2), self.padding)).transpose(1, 2)
        return x + self.scale * self.narrow(F.gelu(self.widen(self.norm(h))))
