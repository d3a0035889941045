"""Fine-tuning: a model made at home with one's own speaker or corpus, in minutes, without forgetting the others.

It is training from another model's weights (train.start_from) with a guard (vc.guard), short and at a small learning
rate. What separates the halves stays as it was, since the encoder stands still: no adversary and no speaker
classification take part, so one speaker is enough.
"""

import logging
from pathlib import Path

from vc.checkpoint import load_model
from vc.config import Config, change_config
from vc.conversion import model_path
from vc.data.layouts import is_flat
from vc.data.preparation import prepare
from vc.errors import ConfigError
from vc.training import refuse_to_overwrite, train

_log = logging.getLogger(__name__)

KEPT = ("mel", "model", "loss", "perturb", "corruptions")  # of the model's config
SETTINGS = {
    "adversary": {"form": "none"},
    "loss": {"speaker_classification": 0.0},
    "guard": {"weight": 1.0},
    # Every second counts where there are few; without held-out speech the last model is the best.
    "data": {"held_out_speakers": 0.0, "held_out_utterances": 0.0},
    "train": {"steps": 200, "batch": 8, "learning_rate": 3e-4, "warmup_steps": 20, "consistency_from": 0,
              "validate_every": 100, "save_every": 50},
}


def finetune(model, data, folder, overrides=(), *, resume=False, device="cpu", progress=True):
    """Go on training a model file ("default": the one in the package) with the speech in `data`, in the run `folder`;
    return the path of the result.

    data: a folder that `vc prepare` made, or what it takes: a folder of one person's recordings, a folder with a
    folder a speaker, or a table. What is not prepared is, into data/ of the run's folder. overrides:
    "section.key=value" over SETTINGS. Noise that the model was trained with is heard again where its folder is here.

    Raises CheckpointError, ConfigError, DataError, TrainingError.
    """
    if any(override.startswith("data.path=") for override in overrides):
        raise ConfigError(f"data.path: the speech to tune to is {data}; leave data.path out or name that in its place")
    config = _with_noise_at_hand(going_on_from(model, KEPT, SETTINGS, overrides), overrides)
    refuse_to_overwrite(folder, resume)
    if not (Path(data) / "store.json").exists():
        data = prepare_speech(data, Path(folder) / "data", config.mel.sample_rate_hz, progress)
    config = change_config(config, {"data": {"path": str(data)}})
    return train(config, folder, resume=resume, device=device, progress=progress)


def _with_noise_at_hand(config, overrides):
    """The Config without corruptions whose recordings lie where the model was made and not here, unless an override
    speaks of them."""
    keys, kept = [override.partition("=")[0] + "." for override in overrides], dict(config.corruptions)
    for name, settings in config.corruptions.items():
        own = f"corruptions.{name}."
        asked = any(key.startswith(own) or own.startswith(key) for key in keys)
        if "path" in settings and not asked and not Path(settings["path"]).exists():
            _log.warning("%s: not here, so the model is tuned without corruptions.%s; give %spath=FOLDER to have it",
                         settings["path"], name, own)
            del kept[name]
    return config.model_copy(update={"corruptions": kept})


def going_on_from(model, kept, settings, overrides=()):
    """The Config of a run that goes on from a model file ("default": the one in the package): the sections named in
    `kept` as they are there, else the defaults, with nested dicts of settings and then overrides laid over.

    Raises CheckpointError, ConfigError.
    """
    start, _ = load_model(model_path(model))
    sections = {name: getattr(start.config, name) for name in kept}
    return change_config(Config(**sections, train={"start_from": str(model)}), settings, overrides)


def prepare_speech(source, folder, sample_rate_hz, progress):
    """Prepare the recordings of `source` into `folder`; returns it. Raises DataError."""
    prepare(source, folder, sample_rate_hz=sample_rate_hz, layout="speaker" if is_flat(source) else "auto",
            progress=progress)
    return folder
