"""One training step's forward pass: from two segments of each speaker to the named losses."""

from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from vc import losses
from vc.adversaries import ADVERSARIES
from vc.bottlenecks.base import Bottleneck
from vc.code_losses import Coding, make_code_losses
from vc.config import Config
from vc.data.batches import Batch
from vc.data.corruptions import Corruptions
from vc.data.perturbation import Perturbation
from vc.data.strangers import Strangers, in_new_voice
from vc.distributed import Crew
from vc.errors import ConfigError
from vc.features import LogMel
from vc.guard import Guard
from vc.latent_critic import LatentCritic
from vc.model import AutoEncoder
from vc.pitch_range import move_pitch, pitch_range
from vc.realism import Realism
from vc.spectrum import speech_frames


@dataclass(frozen=True)
class Outcome:
    """total: the scalar to minimise, a weighted sum of the terms. terms: losses by name, without their weights, so that
    readings of runs with other weights can be compared. metrics: further scalars for the log."""

    total: torch.Tensor
    terms: dict
    metrics: dict


class Objective(nn.Module):
    """The model with everything that only training needs: perturbation, corruptions, speaker classification, code
    losses and opponents."""

    kind = "model"
    sizes = {"mel": None, "model": None}
    fixed = {"adversary": ("form",), "code_losses": None}

    def __init__(self, config: Config, speakers, device="cpu", crew=Crew()):
        super().__init__()
        self.config, self.crew = config, crew
        self.model = AutoEncoder(config)
        if crew.size > 1 and type(self.model.encoder.bottleneck).learn is not Bottleneck.learn:
            raise ConfigError(f"model.bottleneck: got {config.model.bottleneck}, which learns from whole batches, for "
                              f"{crew.size} processes; train it with one, or choose another")
        self.log_mel = LogMel(config.mel)
        self.classification = losses.SpeakerClassification(config.model.speaker_dims, speakers)
        self.code_losses = make_code_losses(config.code_losses, config.mel.bands, config.model.content_dims,
                                            config.model.bottleneck)
        self.adversary = None
        self.to(device)
        if config.adversary.form != "none":
            adversary = ADVERSARIES[config.adversary.form]
            self.adversary = adversary(config.adversary, config.model.content_dims, speakers, device)
        self.realism = Realism(config.realism, device) if config.realism.weight > 0 else None
        self.critic = LatentCritic(config, device) if config.critic.weight > 0 else None
        self.perturb = Perturbation(config.mel, config.perturb, device)
        self.strangers = Strangers(config.mel, config.strangers, device) if config.strangers.share > 0 else None
        self.corruptions = self._make_corruptions(device)
        self.guard = Guard(config.guard, self.model, crew) if config.guard.weight > 0 else None
        self._weights = dict(config.loss) | {name: settings["weight"] for name, settings in config.code_losses.items()}
        self._weights |= {name: getattr(config, name).weight for name in ("realism", "critic", "guard")}

    def _make_corruptions(self, device):
        """What spoils what is heard; a course may ask for others than the model was trained with."""
        return Corruptions(self.config.corruptions, self.config.mel, device)

    def main_parameters(self):
        """What the main optimiser trains; the adversary owns the rest, and a guard lets the encoder stand still."""
        owned = [*self.model.parameters(), *self.classification.parameters(), *self.code_losses.parameters()]
        return [parameter for parameter in owned if parameter.requires_grad]

    def opponents(self):
        """What trains itself against the model: {name: module with an `optimiser`}."""
        owners = {"adversary": self.adversary, "realism": self.realism, "critic": self.critic}
        return {name: owner for name, owner in owners.items() if owner is not None}

    def compile(self):
        """Where most of the time goes."""
        self.model.encoder.compile()
        self.model.decoder.compile()

    def forward(self, batch: Batch, step, generator) -> Outcome:
        """The losses of one batch, or of this process's share of it. generator: decides how the input's voice is
        moved."""
        batch, clean, heard, _, reference, known = map(self.crew.share, self._prepare(batch, generator))
        self.model.encoder.bottleneck.step.fill_(step)
        embedding = self.model.encode(heard)
        others, weights, metrics = self._squeeze(embedding)
        content = embedding.content
        voice = self.model.encode(reference)
        speaker = voice.speaker
        drawn = self.model.draw(content, speaker, batch.source_f0)
        rebuilt = drawn.log_mel
        terms = {"reconstruction": losses.reconstruction(rebuilt, clean, self.model.band_std),
                 "speaker_classification": self.classification(speaker[known], batch.speaker_ids[known])}
        maps = None
        if self.config.loss.adapted_reconstruction > 0:
            maps = self.model.adapt(voice, reference, batch.reference_f0,
                                    speech_frames(batch.reference, self.config.mel.hop_samples))
            rebuilt = drawn.adapted(maps, speech_frames(batch.source, self.config.mel.hop_samples))
            terms["adapted_reconstruction"] = losses.reconstruction(rebuilt, clean, self.model.band_std)
        others |= self._shape(heard, clean, content)
        if step >= self.config.train.consistency_from:
            converted, wanted = self._convert_some(self.model, content.detach(), speaker.detach(),
                                                   None if maps is None else maps.detach(), batch)
            terms |= self._consistency(converted, content.detach(), wanted)
            if self.realism is not None and step >= self.realism.from_step:
                judgement = self._judge(clean[known], rebuilt[known], converted)
                others["realism"] = judgement.loss
                metrics["realism/discrimination"] = judgement.discrimination
        if self.critic is not None and step >= self.critic.from_step:
            verdict = self.critic.judge(content)
            others["critic"] = verdict.loss
            metrics |= {"critic/cross_entropy": verdict.cross_entropy, "critic/accuracy": verdict.accuracy}
        if self.guard is not None:
            others["guard"] = self.guard(self.model, content, speaker, batch.source_f0, generator)
        if self.adversary is not None:
            contents = [content[known], voice.content[known]] if self.config.adversary.references else [content[known]]
            attack = self.adversary.attack(contents, batch.speaker_ids[known], step)
            others["adversarial"], weights["adversarial"] = attack.loss, attack.weight
            metrics |= {"adversary/cross_entropy": attack.cross_entropy, "adversary/accuracy": attack.accuracy,
                        "adversary/weight": torch.tensor(self.adversary.weight_at(step))}
        weights |= self._weights
        total = sum(sum(weights[name] * term for name, term in part.items()) for part in (terms, others))
        return Outcome(total, terms | others, metrics)

    def _prepare(self, batch, generator):
        """What `_heard_of` says, in float32: what is heard and wanted needs all the digits."""
        with torch.autocast(batch.source.device.type, enabled=False):
            return self._heard_of(batch, generator)

    def _heard_of(self, batch, generator):
        """The batch; log-mels (B, M, T) of its sources as they are and as the encoder hears them, and the same of its
        references; and which items are known speakers, no strangers (B,), bool, on the CPU, since how many they are
        must not wait for a GPU."""
        listen, known = self.log_mel, torch.ones(len(batch.speaker_ids), dtype=torch.bool)
        if self.strangers is not None:
            move = self.strangers.draw(len(known), generator)
            known[self.strangers.known(len(known)):] = False
            batch = in_new_voice(batch, move)

            def listen(wave):
                return move(self.log_mel(wave))
        source, reference = listen(batch.source), listen(batch.reference)
        return (batch, source, self._spoil(batch.source, source, listen, generator, self.perturb),
                reference, self._spoil(batch.reference, reference, listen, generator), known)

    def _spoil(self, wave, clean, listen, generator, perturb=None):
        """What the encoder hears instead of the clean log-mel: corrupted, and, where `perturb` is given, in a moved
        voice. A reference is corrupted too, since people's references are poor recordings, but keeps its voice.
        listen: makes a log-mel of a waveform."""
        corrupted = self.corruptions.wave(wave, generator)
        log_mel = clean if corrupted is wave else listen(corrupted)
        if perturb is not None:
            log_mel = perturb(log_mel, generator)
        return self.corruptions.log_mel(log_mel, generator)

    def _squeeze(self, embedding):
        """The bottleneck's own loss, its weight and metrics, by name; where the encoder learns, it learns of the batch.
        """
        squeezed = embedding.squeezed
        if self.guard is None:
            self.model.encoder.bottleneck.learn(embedding.unsqueezed.detach(), squeezed)
        penalties = {} if squeezed.penalty is None else {"bottleneck": squeezed.penalty}
        return (penalties, {"bottleneck": squeezed.weight},
                {f"bottleneck/{name}": value for name, value in squeezed.metrics.items()})

    def _shape(self, heard, clean, content):
        """The code losses by name."""
        coding = Coding(self.model.standardise(heard), self.model.standardise(clean), content,
                        lambda inputs: self.model.encoder.forward(inputs).content,  # .forward: not compiled
                        self.config.model.stride)
        return {name: code_loss(coding) for name, code_loss in self.code_losses.items()}

    def _convert_some(self, model, content, speaker, maps, batch):
        """What a model says of a share of the batch in another's voice (b, M, T), and the speaker halves asked for
        (b, S). content, speaker and maps: the model's, of sources and references."""
        converts = max(1, round(len(content) * self.config.train.consistency_share))

        def theirs(whole):
            return self.crew.share(self.crew.gather(whole).roll(1, 0))[:converts]

        wanted = theirs(speaker)
        own, others = pitch_range(batch.source_f0[:converts]), pitch_range(theirs(batch.reference_f0))
        drawn = model.draw(content[:converts], wanted, move_pitch(batch.source_f0[:converts], own, others))
        if maps is None:
            return drawn.log_mel, wanted
        speech = speech_frames(batch.source[:converts], self.config.mel.hop_samples)
        return drawn.adapted(theirs(maps), speech), wanted

    def _consistency(self, converted, content, wanted):
        """Whether the halves come out of a converted mel again.

        The encoder stands still as the judge: allowed to move, the two could agree on a mark in the mel that no
        listener hears.
        """
        with frozen(self.model.encoder):
            again = self.model.encode(converted)
        return {"speaker_consistency": losses.speaker_consistency(again.speaker, wanted),
                "content_consistency": losses.content_consistency(again.content, content[:len(converted)])}

    def _judge(self, clean, rebuilt, converted):
        return self.realism.judge(*map(self.model.standardise, (clean, rebuilt, converted)))


@contextmanager
def frozen(module):
    """Within, gradients pass through the module without reaching its parameters."""
    moving = [parameter for parameter in module.parameters() if parameter.requires_grad]
    for parameter in moving:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in moving:
            parameter.requires_grad_(True)
