"""A short course for a trained model, as distil.py and hearing.py hold it: a run of vc.training with other losses."""

import argparse
import sys
from pathlib import Path

from vc.checkpoint import load_model, require_same_mel
from vc.conversion import model_path
from vc.errors import VcError
from vc.finetuning import going_on_from
from vc.training import Trainer

KEPT = ("mel", "model", "loss", "perturb", "strangers", "corruptions", "data")  # of the model's config
SETTINGS = {
    "adversary": {"form": "none"},
    "train": {"steps": 1000, "batch": 8, "learning_rate": 3e-4, "warmup_steps": 20, "average_decay": 0.985,
              "consistency_share": 1.0, "validate_every": 200, "save_every": 100, "probe_every": 1000000},
}


def course_parser(description):
    """A parser of the arguments that all courses have; `hold` takes what it returns."""
    parser = argparse.ArgumentParser(description=description.partition("\n")[0])
    parser.add_argument("model", metavar="MODEL", help="that learns")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="of the run")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--device", default="cpu")
    return parser


def hold(objective, options, overrides):
    """Train the model with these losses and `section.key=value` overrides of SETTINGS."""
    config = going_on_from(options.model, KEPT, SETTINGS, overrides)
    trainer = Trainer(config, options.output, resume=options.resume, device=options.device, objective=objective)
    try:
        trainer.run()
    finally:
        trainer.close()


def teachers(config, device, others=()):
    """Models to learn from: the learner as it was and `others`, files of models with the same mel. A plain list, so
    that they are no part of the training state. Raises CheckpointError."""
    found = []
    for path in (config.train.start_from, *others):
        model, _ = load_model(model_path(path))
        require_same_mel(path, model.config.mel, config.mel)
        found.append(model.to(device))
    return found


def exit_with(main):
    """Run a script's main; bad input ends it with one line."""
    try:
        main(sys.argv[1:])
    except VcError as error:
        sys.exit(f"{Path(sys.argv[0]).stem}: error: {error}")
