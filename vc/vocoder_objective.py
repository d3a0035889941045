"""One step's forward pass when the vocoder is trained: from a segment of speech to the named losses."""

import math

import torch
from torch import nn

from vc import vocoder_losses
from vc.checkpoint import load_model
from vc.config import Config
from vc.data.batches import Batch
from vc.discriminators import Discriminators
from vc.distributed import Crew
from vc.features import LogMel
from vc.objective import Outcome
from vc.vocoders.generator import Generator
from vc.vocoders.neural import require_same_mel


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
        # In a list, so that its weights are neither saved nor trained with ours.
        self._converter = [] if config.vocoder.converter is None else [_load_converter(config, device)]

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
        """The losses of a batch, of which only the source is heard. generator: decides its level."""
        source = batch.source
        with torch.autocast(source.device.type, enabled=False):
            heard, target = map(self.crew.share, self.prepare(source, batch.source_f0, generator))
        prediction = self.model.predict(heard)
        with torch.autocast(source.device.type, enabled=False):
            terms = frame_losses(self.model, prediction, target)
            made = self._speak(prediction) if self._hears_waveforms else None
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

    def _speak(self, prediction):
        return self.model.agree(self.model.follow(prediction), prediction.turns)

    @torch.no_grad()
    def prepare(self, source, f0, generator):
        """Waveforms (B, N) and their F0 (B, T) -> what the generator hears (B, M, T), and the waves at its level."""
        gain_db = (2 * torch.rand(len(source), 1, generator=generator) - 1) * self.config.vocoder.gain_db
        gain = 10 ** (gain_db.to(source.device) / 20)
        if not self._converter:
            return self.log_mel(source * gain), source * gain
        converter, log_mel = self._converter[0], self.log_mel(source)
        embedding = converter.encode(log_mel)
        rebuilt = converter.decode(embedding.content, embedding.speaker, f0)
        floor = math.log(self.config.mel.floor)
        return (rebuilt + gain.log()[:, :, None]).clamp(min=floor), source * gain


def frame_losses(model, prediction, target):
    """{name: scalar} of what the network says of each frame, against waveforms (B, N)."""
    spectrum = model.spectrum(target)
    in_time, in_frequency = vocoder_losses.turns(prediction.turns, spectrum, model.hop_share)
    return {"magnitude": vocoder_losses.magnitude(prediction.magnitude, spectrum), "turns_in_time": in_time,
            "turns_in_frequency": in_frequency}


def _load_converter(config, device):
    """A frozen converter with the same mel. Raises CheckpointError."""
    model, _ = load_model(config.vocoder.converter)
    require_same_mel(config.vocoder.converter, model.config.mel, config.mel)
    return model.to(device)
