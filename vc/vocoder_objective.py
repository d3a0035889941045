"""One step's forward pass when the vocoder is trained: from a segment of speech to the named losses."""

import math

import torch
from torch import nn

from vc import vocoder_losses
from vc.checkpoint import load_model, require_same_mel
from vc.config import Config
from vc.conversion import MIN_REFERENCE_S
from vc.data.batches import Batch, kept
from vc.discriminators import Discriminators
from vc.distributed import Crew
from vc.errors import ConfigError
from vc.features import LogMel
from vc.objective import Outcome
from vc.own_voice import OwnVoice
from vc.vocoders.generator import Generator


class VocoderObjective(nn.Module):
    """The generator with everything that only training needs: losses and discriminators."""

    kind = "vocoder"
    guard = None
    sizes = {"mel": None, "vocoder": ("width", "blocks", "kernel", "expansion", "causal")}
    fixed = {}

    def __init__(self, config: Config, speakers, device="cpu", crew=Crew()):
        super().__init__()
        self.config, self.crew = config, crew
        self.model = Generator(config)
        self.log_mel = LogMel(config.mel)
        self.waveform_losses = vocoder_losses.WaveformLosses(config.mel)
        self.to(device)
        weights = config.vocoder
        self.adversary = Discriminators(weights, device) if weights.adversarial > 0 else None
        self._hears_waveforms = weights.adversarial > 0 or weights.mel > 0 or weights.spectrum > 0
        self._own_voice = load_own_voice(config, device)

    def main_parameters(self):
        """What the main optimiser trains; the discriminators own the rest."""
        return list(self.model.parameters())

    def opponents(self):
        """What trains itself against the model: {name: module with an `optimiser`}."""
        return {} if self.adversary is None else {"adversary": self.adversary}

    def compile(self):
        """Where most of the time goes; complex numbers and the loop over frames stay as they are."""
        self.model.network.compile()

    def forward(self, batch: Batch, step, generator) -> Outcome:
        """The losses of a batch. generator: decides its level."""
        source = batch.source
        with torch.autocast(source.device.type, enabled=False):
            heard, f0, target, recorded = map(self.crew.share, self.prepare(batch, generator))
        prediction = self.model.predict(heard, f0, recorded)
        with torch.autocast(source.device.type, enabled=False):
            terms = frame_losses(self.model, prediction, target)
            made = self.model.speak(prediction, recorded=True) if self._hears_waveforms else None
            if made is not None:
                target = target[:, :made.shape[1]]
                terms |= self.waveform_losses(made, target)
        metrics = {}
        if self.adversary is not None and step >= self.config.vocoder.adversarial_from:
            verdict = self.adversary.judge(made, target)
            terms |= {"adversarial": verdict.adversarial, "feature_matching": verdict.feature_matching}
            metrics["adversary/discriminator"] = verdict.discriminator
        weights = self.config.vocoder
        total = sum(getattr(weights, name) * term for name, term in terms.items())
        return Outcome(total, terms, metrics)

    @torch.no_grad()
    def prepare(self, batch, generator):
        """What the generator hears of a Batch (B, M, T), the F0 in Hz that it is told (B, T), the waveforms (B, N) at
        its level, and of which items it hears the recording, not what the converter says of it (B,), bool; at least of
        the first. Of every second recording no pitch is told, since not everybody who has a mel knows it.
        """
        items, settings = len(batch.source), self.config.vocoder
        gain_db = (2 * torch.rand(items, 1, generator=generator) - 1) * settings.gain_db
        gain = 10 ** (gain_db.to(batch.source.device) / 20)
        target = batch.source * gain
        heard, recorded = self.log_mel(target), torch.ones(items, dtype=torch.bool, device=target.device)
        if self._own_voice is not None:
            first = kept(items, settings.converter_share)
            said = self._own_voice(batch[first:]) + gain[first:].log()[:, :, None]
            heard[first:], recorded[first:] = said.clamp(min=math.log(self.config.mel.floor)), False
        told = ~recorded
        told[1::2] = True
        return heard, batch.source_f0 * told[:, None], target, recorded


def frame_losses(model, prediction, target):
    """{name: scalar} of what the network says of each frame, against waveforms (B, N)."""
    spectrum = model.spectrum(target)
    in_time, in_frequency = vocoder_losses.turns(prediction.turns, spectrum, model.hop_share)
    return {"magnitude": vocoder_losses.magnitude(prediction.magnitude, spectrum.abs()), "turns_in_time": in_time,
            "turns_in_frequency": in_frequency}


def load_own_voice(config, device):
    """The converter that config.vocoder names, frozen; None where it names none. Raises CheckpointError, ConfigError.
    """
    if config.vocoder.converter is None:
        return None
    if config.data.reference_s < MIN_REFERENCE_S:
        raise ConfigError(f"data.reference_s: got {config.data.reference_s:g}, expected at least {MIN_REFERENCE_S:g} "
                          f"for vocoder.converter, which takes a voice from each reference; 3 is good")
    model, _ = load_model(config.vocoder.converter)
    require_same_mel(config.vocoder.converter, model.config.mel, config.mel)
    return OwnVoice(model.to(device))
