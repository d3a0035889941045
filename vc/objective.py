"""One training step's forward pass: from two segments of each speaker to the named losses."""

from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from vc import losses
from vc.adversaries import ADVERSARIES
from vc.config import Config
from vc.data.perturbation import Perturbation
from vc.features import LogMel
from vc.model import AutoEncoder


@dataclass(frozen=True)
class Outcome:
    """total: the scalar to minimise. terms: unweighted losses by name. metrics: further scalars for the log."""

    total: torch.Tensor
    terms: dict
    metrics: dict


class Objective(nn.Module):
    """The model with everything that only training needs: perturbation, speaker classification, adversary."""

    kind = "model"
    fixed = {"mel": None, "model": None, "adversary": ("form",)}

    def __init__(self, config: Config, speakers, device="cpu"):
        super().__init__()
        self.config = config
        self.model = AutoEncoder(config)
        self.log_mel = LogMel(config.mel)
        self.classification = losses.SpeakerClassification(config.model.speaker_dims, speakers)
        self.adversary = None
        self.to(device)
        if config.adversary.form != "none":
            adversary = ADVERSARIES[config.adversary.form]
            self.adversary = adversary(config.adversary, config.model.content_dims, speakers, device)
        self.perturb = Perturbation(config.mel, config.perturb, device)

    def main_parameters(self):
        """What the main optimiser trains; the adversary owns the rest."""
        return [*self.model.parameters(), *self.classification.parameters()]

    def compile(self):
        """Where most of the time goes."""
        self.model.encoder.compile()
        self.model.decoder.compile()

    def forward(self, source, reference, speaker_ids, step, generator) -> Outcome:
        """source: (B, N) and reference: (B, N'), two waveforms of one speaker each; speaker_ids: (B,)."""
        clean = self.log_mel(source)
        frames = clean.shape[2]
        embedding = self.model.encode(self.perturb(clean, generator))
        content = embedding.content
        speaker = self.model.encode(self.log_mel(reference)).speaker
        rebuilt = self.model.decode(content, speaker, frames)
        terms = {"reconstruction": losses.reconstruction(rebuilt, clean, self.model.band_std),
                 "speaker_classification": self.classification(speaker, speaker_ids)}
        metrics = {f"bottleneck/{name}": value for name, value in embedding.bottleneck.metrics.items()}
        if step >= self.config.train.consistency_from:
            terms |= self._consistency(content.detach(), speaker.detach(), frames)
        weights = self.config.loss
        total = sum(getattr(weights, name) * term for name, term in terms.items())
        if embedding.bottleneck.penalty is not None:
            terms["bottleneck"] = embedding.bottleneck.penalty
            total = total + embedding.bottleneck.penalty
        if self.adversary is not None:
            attack = self.adversary.attack(content, speaker_ids, step)
            terms["adversarial"] = attack.loss
            total = total + attack.loss
            metrics |= {"adversary/cross_entropy": attack.cross_entropy, "adversary/accuracy": attack.accuracy,
                        "adversary/weight": torch.tensor(self.adversary.weight_at(step))}
        return Outcome(total, terms, metrics)

    def _consistency(self, content, speaker, frames):
        """Convert a share of the batch to another's voice and hear whether the halves come out again.

        The encoder stands still as the judge: allowed to move, the two could agree on a mark in the mel that no
        listener hears.
        """
        converts = max(1, round(len(content) * self.config.train.consistency_share))
        content, wanted = content[:converts], speaker.roll(1, dims=0)[:converts]
        converted = self.model.decode(content, wanted, frames)
        with frozen(self.model.encoder):
            again = self.model.encode(converted)
        return {"speaker_consistency": losses.speaker_consistency(again.speaker, wanted),
                "content_consistency": losses.content_consistency(again.content, content)}


@contextmanager
def frozen(module):
    """Within, gradients pass through the module without reaching its parameters."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)
