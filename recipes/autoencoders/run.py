"""Train every member of the family at one small size, judge each the same way, and write the table and the page.

    python recipes/autoencoders/run.py --data data/corpus --pairs EVAL/pairs.tsv -o runs/autoencoders

A member is a config in configs/autoencoders; its first comment says what it shows. What is finished is not done again,
so a killed run goes on where it stopped. --only trains some members, the table then has those and whatever is there.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vc.checkpoint import load_model
from vc.conversion import load
from vc.errors import VcError
from vc.evaluation.result import EVERYTHING, load_result
from vc.evaluation.systems import MODEL
from vc.files import write_atomically
from vc.training import Trainer

HERE = Path(__file__).parent
CONFIGS = HERE.parent.parent / "configs" / "autoencoders"
MEASURES = ("cosine_to_target", "nearer_target", "wer", "f0_correlation", "dnsmos")
READINGS = {"reconstruction": "validation/held_out_speakers/reconstruction",
            "restoration": "validation/held_out_speakers/restoration"}
PROBES = ("speaker_from_content", "speaker_from_speaker")
WARM_STEPS, TIMED_STEPS = 2, 8


def main(arguments):
    """Returns the exit code: 1 when a member failed; the others are in the table all the same."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--data", required=True, metavar="DATA", help="a folder that `vc prepare` made, to train on")
    parser.add_argument("--pairs", required=True, metavar="TSV", help="a list as `vc evaluate` reads it")
    parser.add_argument("--limit", type=int, default=16, metavar="N", help="pairs used (default: %(default)s)")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="FOLDER", help="of the runs")
    parser.add_argument("--only", nargs="+", metavar="MEMBER", choices=members(), help=f"of {', '.join(members())}")
    parser.add_argument("settings", nargs="*", metavar="section.key=value", help="for every member")
    options = parser.parse_intermixed_args(arguments)
    failed = [name for name in options.only or members() if not finished(name, options) and not make(name, options)]
    if failed:
        print(f"autoencoders: error: {', '.join(failed)} failed, see above; run again to try once more",
              file=sys.stderr)
    return 1 if failed else 0


def members():
    """Names of the configs, the plain ones first."""
    names = sorted(path.stem for path in CONFIGS.glob("*.yaml"))
    return sorted(names, key=lambda name: name not in ("small", "plain"))


def finished(name, options):
    """Whether a member's row is there."""
    return (options.output / name / "row.json").exists()


def make(name, options):
    """Train, convert, probe and note one member; returns whether all of it succeeded."""
    folder = options.output / name
    model, report, probes = folder / "last.safetensors", folder / "report", folder / "probes.json"
    steps = [
        ["train", str(CONFIGS / f"{name}.yaml"), "-o", str(folder), f"data.path={options.data}", *options.settings]
        + ["--resume"] * model.exists(),
        ["evaluate", str(model), "--pairs", options.pairs, "-o", str(report), "--limit", str(options.limit),
         "--cache", str(options.output / "cache"), "--workers", "1", "--unrefined"],
        ["probe", str(model), "--data", options.data, "--only", "speaker", "--speakers", "60", "--seconds", "12",
         "-o", str(probes), "--force"],
    ]
    try:
        # Each in a process of its own: what one has compiled is no use to the next, and what one breaks is gone.
        if any(subprocess.run([sys.executable, "-m", "vc", *step]).returncode for step in steps):
            return False
        first, second = load_pair(options)
        load(model, "cpu", refined=False).convert_file(first, second, folder / "sample.ogg", force=True)
        write_atomically(folder / "row.json", json.dumps(row(name, folder), indent=1) + "\n")
    except VcError as error:
        print(f"autoencoders: error: {name}: {error}", file=sys.stderr)
        return False
    return True


def load_pair(options):
    """Source and references of the pair that every member converts for the listener."""
    from vc.evaluation.pairs import read_pairs

    pair = read_pairs(options.pairs)[0]
    return pair.source, list(pair.references)


def row(name, folder):
    """What is told of one member: {column: number, interval or text}."""
    model, checkpoint = load_model(folder / "last.safetensors")
    readings = [json.loads(line) for line in (folder / "log.jsonl").read_text(encoding="utf-8").splitlines()]
    told = {"member": name, "idea": idea(name), "steps": checkpoint.step,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            "cpu_seconds_a_step": cpu_seconds_a_step(checkpoint.config), "bits_per_second": bits_per_second(model)}
    told |= {column: last(readings, reading) for column, reading in READINGS.items()}
    result = load_result(folder / "report")
    for measure in MEASURES:
        figure = result.figure(MODEL, measure, EVERYTHING)
        told[measure] = None if figure is None else [figure.value, figure.low, figure.high]
    probes = json.loads((folder / "probes.json").read_text(encoding="utf-8"))
    return told | {probe: [probes[probe][key] for key in ("value", "low", "high")] for probe in PROBES}


def cpu_seconds_a_step(config):
    """Of this process, whatever else the machine does, with all losses taking part."""
    train = config.train.model_copy(update={"consistency_from": 0, "compile": False})
    with tempfile.TemporaryDirectory(prefix="vc-autoencoders-") as folder:
        trainer = Trainer(config.model_copy(update={"train": train}), folder, device="cpu", progress=False)
        for _ in range(WARM_STEPS):
            trainer.advance()
        began = time.process_time()
        for _ in range(TIMED_STEPS):
            trainer.advance()
        took = time.process_time() - began
        trainer.close()
    return took / TIMED_STEPS


def idea(name):
    """The comment at the head of a config, as one line."""
    lines = (CONFIGS / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    comment = [line.removeprefix("#").strip() for line in lines[:next(i for i, line in enumerate(lines)
                                                                      if not line.startswith("#"))]]
    return " ".join(comment)


def last(readings, name):
    """The latest reading of a name in a training log, None where there is none: too few speakers to hold some out."""
    return next((reading[name] for reading in reversed(readings) if name in reading), None)


def bits_per_second(model):
    """Of the content half of a discrete member; None where the code is continuous."""
    bottleneck = model.encoder.bottleneck
    frames_per_s = model.config.mel.sample_rate_hz / model.config.mel.hop_samples / model.config.model.stride
    return bottleneck.bits_per_frame * frames_per_s if bottleneck.cardinalities else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
