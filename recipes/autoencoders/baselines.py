"""The textbook auto-encoders on speech: how well few numbers describe a window of mel frames, by principal components,
by a linear auto-encoder, and by deep ones in the lectures' ways of training them.

    python recipes/autoencoders/baselines.py --data data/corpus

Trains on windows from a prepared corpus' training speakers and measures on speakers who were held out. Prints the table
of BASELINES.md. V is the number of windows, D of numbers in one (frames x bands).
"""

import argparse
import sys
from dataclasses import dataclass

import numpy as np
import torch
import tqdm

from vc.config import DataConfig, MelConfig
from vc.data.sampling import split_utterances
from vc.data.store import SpeechStore
from vc.errors import DataError, VcError
from vc.evaluation.pca import fit_components
from vc.features import LogMel
from vc.stacked import StackedAutoEncoder, squared_error, train_greedily, train_whole

HIDDEN = (256, 128, 64)
BATCH = 128
GREEDY_SHARE = 0.5  # of all steps, shared by the layers; the rest tunes them together
MEASURED_WINDOWS = 20000
PCA_BATCH = 4096


@dataclass(frozen=True)
class Member:
    """One auto-encoder. hidden: numbers in the layers between window and code."""

    name: str
    hidden: tuple = ()
    activation: str = "linear"
    tied: bool = False
    greedy: bool = False


MEMBERS = (Member("linear auto-encoder"), Member("linear auto-encoder, tied weights", tied=True),
           *(Member(f"deep, {activation}, {way}", HIDDEN, activation, **settings) for activation in ("gelu", "sigmoid")
             for way, settings in (("from scratch", {}), ("greedy pre-training", {"greedy": True}),
                                   ("tied weights", {"tied": True}))))


@dataclass(frozen=True)
class Windows:
    """frames: (T, M), of all utterances. starts: (V,), first frame of each window. length: of a window, in frames."""

    frames: torch.Tensor
    starts: torch.Tensor
    length: int

    def at(self, numbers):
        """Windows (V, D) by number (V,)."""
        places = self.starts[numbers][:, None] + torch.arange(self.length)
        return self.frames[places].flatten(1)

    def standardised(self, like):
        """With the mean 0 and deviation 1 that each band of `like` gets."""
        std, mean = torch.std_mean(like.frames, 0)
        return Windows((self.frames - mean) / std, self.starts, self.length)


def main(arguments):
    """Returns the exit code."""
    options = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    try:
        heard, strangers = read_windows(options)
    except VcError as error:
        print(f"baselines.py: error: {error}", file=sys.stderr)
        return 1
    print(f"{len(heard.starts)} windows to train on, {len(strangers.starts)} of held-out speakers; {options.window} "
          f"frames of {heard.frames.shape[1]} bands, {options.code} numbers in a code; {options.steps} steps of "
          f"{BATCH}\n")
    print("| | training speakers | held-out speakers | against principal components |\n|---|---|---|---|", flush=True)
    measured = [some_windows(windows) for windows in (heard, strangers)]
    pca = [pca_error(heard, options.code, vectors) for vectors in measured]
    print(row("principal components", pca, pca), flush=True)
    for member in tqdm.tqdm(MEMBERS, file=sys.stderr):
        model = trained(member, heard, options)
        print(row(member.name, [squared_error(model, vectors) for vectors in measured], pca), flush=True)
    return 0


def row(name, errors, pca):
    """A line of the table. errors, pca: on windows of the training speakers and of the held-out ones."""
    return (f"| {name} | {100 * errors[0]:.2f} | {100 * errors[1]:.2f} | "
            f"{100 * (errors[1] / pca[1] - 1):+.1f} % |")


def read_windows(options):
    """Windows of the training speakers and of held-out ones, standardised alike. Raises DataError."""
    store = SpeechStore(options.data)
    settings = DataConfig()
    split = split_utterances(store.utterances, settings)
    if not split.held_out_speakers:
        raise DataError(f"{options.data}: none of its speakers is held out, of whom {settings.held_out_speakers:.0%} "
                        f"should be; prepare recordings of more speakers")
    log_mel = LogMel(MelConfig(sample_rate_hz=store.sample_rate_hz))
    rng = np.random.default_rng(options.seed)
    heard = windows_of(store, split.train, 60 * options.minutes, options.window, log_mel, rng)
    strangers = windows_of(store, split.held_out_speakers, 60 * options.minutes / 4, options.window, log_mel, rng)
    return heard.standardised(heard), strangers.standardised(heard)


@torch.no_grad()
def windows_of(store, utterances, seconds, length, log_mel, rng):
    """The Windows of utterances drawn at random until they last so long, none across two of them."""
    frames, starts, first, missing = [], [], 0, seconds * store.sample_rate_hz
    for number in rng.permutation(len(utterances)):
        wave = torch.from_numpy(store.audio(utterances[number]).astype(np.float32) / 32768)
        frames.append(log_mel(wave[None])[0].T)
        starts.append(first + torch.arange(max(0, len(frames[-1]) - length + 1)))
        first, missing = first + len(frames[-1]), missing - len(wave)
        if missing <= 0:
            break
    return Windows(torch.cat(frames), torch.cat(starts), length)


def some_windows(windows):
    """At most MEASURED_WINDOWS of them, evenly spread: (V, D)."""
    count = len(windows.starts)
    return windows.at(torch.linspace(0, count - 1, min(count, MEASURED_WINDOWS)).long())


def pca_error(windows, code, vectors):
    """Mean squared error of vectors (V, D) by the `code` principal components of all windows."""
    batches = (windows.at(numbers).numpy() for numbers in torch.arange(len(windows.starts)).split(PCA_BATCH))
    components = fit_components(batches, code)
    centred = vectors.numpy() - components.mean
    return float(np.square(centred - centred @ components.basis.T @ components.basis).mean())


def trained(member, windows, options):
    """The StackedAutoEncoder of a member after `options.steps` steps in all, however they are shared out."""
    torch.manual_seed(options.seed)
    sizes = (windows.length * windows.frames.shape[1], *member.hidden, options.code)
    model = StackedAutoEncoder(sizes, member.activation, member.tied)

    def draw(step):
        generator = torch.Generator().manual_seed(options.seed * 1_000_003 + step)
        return windows.at(torch.randint(len(windows.starts), (BATCH,), generator=generator))

    each = round(options.steps * GREEDY_SHARE) // model.depth if member.greedy else 0
    if each:
        train_greedily(model, draw, each)
    train_whole(model, draw, options.steps - each * model.depth)
    return model


def _parser():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("--data", required=True, metavar="DATA", help="a corpus that `vc prepare` made")
    parser.add_argument("--window", type=int, default=5, help="mel frames (default 5, at 80 a second)")
    parser.add_argument("--code", type=int, default=16, help="numbers in a code (default 16)")
    parser.add_argument("--minutes", type=float, default=40, help="of speech to train on; a quarter as much to measure")
    parser.add_argument("--steps", type=int, default=3000, help="optimisation steps of each member")
    parser.add_argument("--seed", type=int, default=1)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
