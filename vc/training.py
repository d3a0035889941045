"""The training loop: one class that owns the state, saves it, resumes it and stops when a loss is not finite.

A run lives in a folder: config.json, last.safetensors (everything needed to go on), best.safetensors (the model alone,
for conversion), log.jsonl and TensorBoard events. Resuming on the CPU continues bit for bit: batches and perturbations
are functions of (seed, step), and the rest of the state is in last.safetensors. With another number of steps it goes
on, too, but by another course of the learning rate than either run would have had from its start.
"""

import contextlib
import copy
import logging
import math
from pathlib import Path

import torch

from vc.checkpoint import (Checkpoint, load_checkpoint, load_weights, save_checkpoint, save_model, tensors_under,
                           trained_weights)
from vc.config import Config
from vc.conversion import model_path
from vc.data.batches import BatchLoader, kept
from vc.data.sampling import SegmentSampler, group_by_speaker, split_utterances
from vc.data.store import SpeechStore
from vc.device import has_fast_bfloat16
from vc.distributed import join_crew
from vc.errors import CheckpointError, ConfigError, TrainingError
from vc.files import alone, in_our_words, write_atomically
from vc.monitor import Monitor
from vc.objective import Objective
from vc.validation import Validation
from vc.vocoder_objective import VocoderObjective
from vc.vocoder_validation import VocoderValidation

STATISTICS_SEGMENTS = 256
RANK_APART = 10**12  # between the seeds of two processes, further than those of any two steps of a run

_log = logging.getLogger(__name__)

TASKS = {"converter": (Objective, Validation), "vocoder": (VocoderObjective, VocoderValidation)}


def train(config: Config, folder, *, resume=False, device="cpu", progress=True):
    """Train a model in `folder` and return the path of the best one.

    Raises DataError, CheckpointError (the folder is a file, holds a run already, or another one than the config's) and
    TrainingError (a loss is not finite, another process trains in the folder, or it cannot be written).
    """
    trainer = Trainer(config, folder, resume=resume, device=device, progress=progress)
    try:
        trainer.run()
    finally:
        trainer.close()
    return trainer.best_path


class Trainer:
    """State of one training run. `run` trains to config.train.steps; `step` is the number of finished steps.

    objective: what makes the objective, in place of the class that config.task asks for.
    """

    def __init__(self, config: Config, folder, *, resume=False, device="cpu", progress=True, objective=None):
        self.config, self.device = config, torch.device(device)
        self.folder = Path(folder)
        self.last_path, self.best_path = self.folder / "last.safetensors", self.folder / "best.safetensors"
        refuse_to_overwrite(self.folder, resume)
        self.crew = join_crew(self.device)
        if self.device == torch.device("cuda"):  # by its number: which one is current, each thread decides for itself
            self.device = torch.device("cuda", torch.cuda.current_device())
        _refuse_unequal_shares(config, self.crew.size)
        store = SpeechStore(config.data.path)
        store.require_rate(config.mel.sample_rate_hz)
        # To go on from a model that knows many voices, one more is enough; a vocoder tells nobody apart.
        one_is_enough = config.train.start_from or config.task == "vocoder"
        split = split_utterances(store.utterances, config.data, fewest=1 if one_is_enough else 2)
        self.sampler = self._sampler(split.train)
        self.speakers = self.sampler.speakers
        self.loader = BatchLoader(store, self.sampler, config.train.batch, config.mel.hop_samples, self.device)
        usual, validation = TASKS[config.task]
        objective = objective or usual
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.train.seed)
            self.objective = objective(config, len(self.speakers), self.device, self.crew)
        self.optimiser = torch.optim.AdamW(self.objective.main_parameters(), lr=config.train.learning_rate,
                                           betas=(0.9, 0.98), weight_decay=config.train.weight_decay)
        self.step, self.best_score = 0, math.inf
        if self.last_path.exists():
            self._restore()
        else:
            self._begin()
            self.average = copy.deepcopy(self.objective.model).requires_grad_(False)
        self.validation = validation(config, store, split, self.device)
        self._generators = [self.device] if self.device.type == "cuda" else []
        self.loader.waited_s = 0.0  # what is measured to begin with is no training
        self._use_bfloat16 = config.train.precision == "bfloat16" or (
            config.train.precision == "auto" and has_fast_bfloat16(self.device))
        if self._wants_compile():
            self.objective.compile()
        for opponent in self.objective.opponents().values():
            self.crew.average_before_steps(opponent.optimiser)
        self._closing = contextlib.ExitStack()
        self._closing.callback(self.crew.disband)
        self._closing.callback(self.loader.close)
        self.monitor = None
        if self.crew.leads:
            with in_our_words(self.folder, TrainingError, "choose another folder"):
                self.folder.mkdir(parents=True, exist_ok=True)
            self._closing.enter_context(alone(self.folder, TrainingError(
                f"{self.folder}: another process is training there; wait until it ends or choose another folder")))
            self.monitor = Monitor(self.folder, self.step, config.train.steps, progress)
            self._closing.callback(self.monitor.close)
            write_atomically(self.folder / "config.json", config.model_dump_json(indent=2) + "\n")
            _warn_unvalidated(config.data, split)

    def run(self):
        """Train until config.train.steps; logs, validates and saves as often as the config says, and at the end."""
        settings = self.config.train
        while self.step < settings.steps:
            outcome = self.advance()
            last = self.step == settings.steps
            if self.step % settings.log_every == 0 or last:
                self._log(outcome)
            if self.crew.leads and (self.step % settings.validate_every == 0 or last):
                self._validate(probe=self.step % settings.probe_every == 0 or last)
            if self.crew.leads and (self.step % settings.save_every == 0 or last):
                self.save()
        if self.crew.leads and not self.best_path.exists():  # a run that was killed between its last save and this
            self._validate(probe=False)

    def advance(self):
        """One optimisation step; returns its Outcome."""
        settings = self.config.train
        batch = self.loader.at(self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate_at(self.step, settings)
        seed = settings.seed * 1_000_003 + self.step
        generator = torch.Generator().manual_seed(seed)
        with (torch.random.fork_rng(devices=self._generators),
              torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self._use_bfloat16)):
            torch.manual_seed(seed + RANK_APART * self.crew.rank)  # of what the model itself draws, each its own
            outcome = self.objective(batch, self.step, generator)
        self.optimiser.zero_grad(set_to_none=True)
        outcome.total.backward()
        self.crew.average_gradients(self.objective.main_parameters())
        norm = torch.nn.utils.clip_grad_norm_(self.objective.main_parameters(), settings.clip_norm)
        self._refuse_non_finite(outcome, norm)
        self.optimiser.step()
        if self.objective.adversary is not None:
            self.objective.adversary.step()
        self._update_average()
        self.step += 1
        return outcome

    def save(self):
        """Write last.safetensors."""
        tensors = {f"objective.{name}": tensor for name, tensor in self.objective.state_dict().items()}
        tensors |= {f"average.{name}": tensor for name, tensor in self.average.state_dict().items()}
        for owner, optimiser in self._optimisers().items():
            tensors |= _flatten_optimiser(owner, optimiser)
        extra = {"speakers": self.speakers, "best_score": self.best_score if math.isfinite(self.best_score) else None}
        save_checkpoint(self.last_path, Checkpoint("training", self.config, self.step, extra, tensors))

    def close(self):
        """Stop the data thread, close the logs and leave the folder to others."""
        self._closing.close()

    def _begin(self):
        """Weights of a run that starts: new ones for these recordings, or those of another model."""
        if self.config.train.start_from is None:
            if self.objective.guard is not None:
                raise ConfigError("guard.weight: a guard keeps what an older model could; name that model with "
                                  "train.start_from=FILE, or set guard.weight=0")
            self._measure_bands()
            return
        path = model_path(self.config.train.start_from)
        checkpoint = load_checkpoint(path, kinds=(self.objective.kind, "training"))
        _refuse_other(self.config, checkpoint.config, self.objective.sizes, path)
        load_weights(self.objective.model, trained_weights(checkpoint), path)
        if self.objective.guard is not None:
            self.objective.guard.remember(self.objective.model)

    def _sampler(self, utterances):
        data = self.config.data
        rate = self.config.mel.sample_rate_hz
        return SegmentSampler(utterances, round(data.segment_s * rate), round(data.reference_s * rate), data.balance,
                              self.config.train.seed)

    def _wants_compile(self):
        wanted = self.config.train.compile
        return self.device.type == "cuda" if wanted is None else wanted

    @torch.no_grad()
    def _measure_bands(self):
        """Mean and deviation of each mel band, from segments drawn as in training."""
        batches = math.ceil(STATISTICS_SEGMENTS / self.config.train.batch)
        segments = torch.cat([self.loader.at(step).source for step in range(batches)])
        log_mel = self.objective.log_mel(segments).transpose(0, 1).flatten(1)
        self.objective.model.band_mean.copy_(log_mel.mean(1, keepdim=True))
        self.objective.model.band_std.copy_(log_mel.std(1, keepdim=True).clamp(min=0.1))

    @torch.no_grad()
    def _update_average(self):
        """Running mean of the weights, shorter in the beginning; it validates and ships."""
        decay = min(self.config.train.average_decay, self.step / (self.step + 10))
        averages, weights = list(self.average.parameters()), list(self.objective.model.parameters())
        torch._foreach_lerp_(averages, weights, 1 - decay)
        torch._foreach_copy_(list(self.average.buffers()), list(self.objective.model.buffers()))

    def _refuse_non_finite(self, outcome, norm):
        # On a GPU reading a value waits for it, so there only steps are checked that are logged, judged or saved.
        settings, done = self.config.train, self.step + 1
        due = done == settings.steps or any(
            done % every == 0 for every in (settings.log_every, settings.validate_every, settings.save_every))
        if (self.device.type == "cuda" and not due) or bool(torch.isfinite(outcome.total) & torch.isfinite(norm)):
            return
        bad = [name for name, term in outcome.terms.items() if not torch.isfinite(term)] or ["gradient"]
        way_on = (f"continue with --resume from what {self.last_path} held before, or begin anew where that ends the "
                  f"same way" if self.last_path.exists() else "begin anew, nothing was saved yet")
        raise TrainingError(f"step {self.step}: {', '.join(bad)} is not finite; look at the recordings of this step or "
                            f"lower train.learning_rate, then {way_on}")

    def _log(self, outcome):
        scalars = {f"loss/{name}": term for name, term in outcome.terms.items()} | outcome.metrics
        scalars["loss/total"] = outcome.total
        means = torch.stack([torch.as_tensor(scalar).detach().float().to(self.device) for scalar in scalars.values()])
        self.crew.average([means])
        if not self.crew.leads:
            return
        values = dict(zip(scalars, means.tolist()))
        values["learning_rate"] = self.optimiser.param_groups[0]["lr"]
        self.monitor.log(self.step, values, waited_s=self.loader.waited_s)

    def _validate(self, probe):
        report = self.validation.measure(self.average, probe=probe)
        self.monitor.log_validation(self.step, report)
        if report.score <= self.best_score:
            self.best_score = report.score
            save_model(self.best_path, self.average, self.step, extra={"speakers": len(self.speakers)},
                       kind=self.objective.kind)

    def _optimisers(self):
        opponents = {f"{name}_optimiser": owner.optimiser for name, owner in self.objective.opponents().items()}
        return {"optimiser": self.optimiser} | opponents

    def _restore(self):
        checkpoint = load_checkpoint(self.last_path, kinds=("training",))
        _refuse_other(self.config, checkpoint.config, self.objective.sizes | self.objective.fixed, self.last_path)
        asked, began = self.config.train.start_from, checkpoint.config.train.start_from
        if asked is not None and (began is None or model_path(asked).resolve() != model_path(began).resolve()):
            raise CheckpointError(f"{self.last_path}: began with {began or 'new weights'}, not with {asked}; leave "
                                  f"that as it was, or start a new run in another folder")
        if checkpoint.extra["speakers"] != self.speakers:
            raise CheckpointError(f"{self.last_path}: trained on {len(checkpoint.extra['speakers'])} speakers, "
                                  f"{self.config.data.path} gives {len(self.speakers)} or others; resume with the "
                                  f"same prepared data")
        load_weights(self.objective, tensors_under(checkpoint.tensors, "objective."), self.last_path)
        self.average = copy.deepcopy(self.objective.model).requires_grad_(False)
        load_weights(self.average, tensors_under(checkpoint.tensors, "average."), self.last_path)
        for owner, optimiser in self._optimisers().items():
            _restore_optimiser(optimiser, tensors_under(checkpoint.tensors, owner + "."))
        self.step = checkpoint.step
        best_score = checkpoint.extra["best_score"]
        if best_score is not None and self.best_path.exists() and _judged_alike(self.config, checkpoint.config):
            self.best_score = best_score


def refuse_to_overwrite(folder, resume):
    """Raise CheckpointError where `folder` is a file, or a run lies in it that is not to be resumed."""
    if Path(folder).is_file():
        raise CheckpointError(f"{folder}: is a file, expected the folder of a run; choose another name")
    if (Path(folder) / "last.safetensors").exists() and not resume:
        raise CheckpointError(f"{folder}: holds a training run already; continue it with --resume or choose another "
                              f"folder")


def _refuse_unequal_shares(config, processes):
    """Raise ConfigError where the processes could not share a batch equally; of a converter's also what is converted of
    it and what is said in known voices."""
    batch, of_which = config.train.batch, ""
    shared = [batch]
    if config.task == "converter":
        converted, known = max(1, round(batch * config.train.consistency_share)), kept(batch, config.strangers.share)
        shared += [converted, known]
        of_which = f"of which train.consistency_share converts {converted} and strangers.share leaves {known}, "
    if any(items % processes for items in shared):
        raise ConfigError(f"train.batch: got {batch}, {of_which}for {processes} processes; choose multiples of "
                          f"{processes}")


def _warn_unvalidated(data, split):
    """One line where a share was to be held out, and what is of a small corpus is too little to validate on."""
    held_out = split.held_out_utterances, split.held_out_speakers
    enough = any(len(group_by_speaker(spoken)) >= 2 for spoken in held_out)
    if enough or data.validation_pairs or not (data.held_out_utterances or data.held_out_speakers):
        return
    recordings = len(split.train) + sum(map(len, held_out))
    what = "only one speaker's speech" if any(held_out) else "no utterance and no speaker"
    _log.warning("%s is held out (%d recordings, data.held_out_utterances %g, data.held_out_speakers %g): nothing "
                 "validates, best.safetensors is the last state; raise data.held_out_utterances (of speakers with 5 or "
                 "more) or data.held_out_speakers", what, recordings, data.held_out_utterances, data.held_out_speakers)


def _judged_alike(config, other):
    """Whether the scores of two configs' validations can be compared; where the recordings lie plays no part."""
    def depends_on(config):
        return (config.data.model_copy(update={"path": ""}), config.perturb, config.vocoder.converter,
                config.loss.adapted_reconstruction > 0)

    return depends_on(config) == depends_on(other)


def learning_rate_at(step, settings):
    """Linear warm-up, then a cosine from learning_rate to final_learning_rate at the last step."""
    if step < settings.warmup_steps:
        return settings.learning_rate * (step + 1) / settings.warmup_steps
    course = (step - settings.warmup_steps) / max(1, settings.steps - settings.warmup_steps)
    swing = (1 + math.cos(math.pi * min(1.0, course))) / 2
    return settings.final_learning_rate + (settings.learning_rate - settings.final_learning_rate) * swing


def _refuse_other(config, saved, fixed, path):
    """Raise CheckpointError where what decides the meaning of the weights differs; the rest may be changed between two
    runs. fixed: {section: names, or None for all of them}."""
    if config.task != saved.task:
        raise CheckpointError(f"{path}: trained with task={saved.task}, the config says {config.task}; use the file "
                              f"with its own config, or start a new run without it")
    for section, names in fixed.items():
        now, then = config.model_dump()[section], saved.model_dump()[section]
        for name in names or now | then:
            if now.get(name) != then.get(name):
                raise CheckpointError(f"{path}: trained with {section}.{name}={then.get(name)}, the config says "
                                      f"{now.get(name)}; use the file with its own config, or start a new run without "
                                      f"it")


def _flatten_optimiser(owner, optimiser):
    """{owner.<parameter number>.<moment>: tensor}."""
    return {f"{owner}.{number}.{key}": value
            for number, state in optimiser.state_dict()["state"].items() for key, value in state.items()}


def _restore_optimiser(optimiser, tensors):
    state = {}
    for name, tensor in tensors.items():
        number, key = name.split(".")
        state.setdefault(int(number), {})[key] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
