"""Make a trained vocoder cheaper: narrow its blocks inside, and let what is left learn the answers of the whole.

    python recipes/vocoder/slim.py VOCODER DATA -o FILE

DATA: what `vc prepare` made of the corpus; its held-out speakers are left out. Of the units within a block those stay
that move its answer most, and what they give is fitted anew to what all of them gave, by least squares (after ThiNet,
Luo, Wu and Lin 2017, arXiv 1707.06342). Then the narrow network learns what the whole one answers (Hinton, Vinyals and
Dean 2015, arXiv 1503.02531), half of the time to recordings, half to what a converter says: no waveform is made and
none is needed.
"""

import argparse
import copy
import math
import sys
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from tqdm import tqdm

from vc.checkpoint import save_model
from vc.conversion import load
from vc.data.sampling import group_by_speaker, is_held_out
from vc.data.store import SpeechStore
from vc.device import has_fast_bfloat16
from vc.errors import VcError
from vc.features import LogMel
from vc.pitch import track_pitch
from vc.pitch_range import pitch_range
from vc.vocoder_losses import LOUDNESS_POWER
from vc.vocoders.generator import PARTS, Generator
from vc.vocoders.neural import load_vocoder

FRAMES, ITEMS = 160, 8  # of a step; the first half of the items is recorded
VOICES, UTTERANCES_OF_A_VOICE, UTTERANCES_OF_A_SOURCE = 60, 3, 2
CALIBRATION_STEPS = 12  # of mels that the cut looks at
GAIN_DB = 10.0
TRUST_COUNTS, GAIN_COUNTS = 0.5, 0.3  # beside the turns, which count 1
RIDGE = 1e-4
AVERAGE_DECAY, WARMUP_STEPS, LAST_RATE = 0.998, 100, 0.02
SAY_EVERY = 200


def main(arguments):
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("vocoder", metavar="VOCODER", help="a trained one")
    parser.add_argument("data", metavar="DATA")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="FILE", help="for the vocoder")
    parser.add_argument("--model", metavar="FILE", help="that converts (default: the one in the package)")
    parser.add_argument("--expansion", type=int, default=1, metavar="N", help="width within a block, in widths of the "
                                                                              "network (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=100.0, help="of conversions (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=10000, help="default: %(default)s")
    parser.add_argument("--learning-rate", type=float, default=1e-3, help="at most (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    try:
        larger, _ = load_vocoder(options.vocoder)
        if options.expansion >= larger.config.vocoder.expansion:
            parser.error(f"--expansion: got {options.expansion}, expected less than {larger.config.vocoder.expansion}, "
                         f"what the vocoder has")
        store = SpeechStore(options.data)
        store.require_rate(larger.config.mel.sample_rate_hz)
        spoken = [utterance for utterance in store.utterances if not is_held_out(utterance.speaker, larger.config.data)]
        rng = np.random.default_rng(options.seed)
        mels = (recorded_mels(store, spoken, LogMel(larger.config.mel)),
                converted_mels(store, spoken, load(options.model, "cpu"), options.minutes, rng))
        smaller = cut(larger, options.expansion, [draw(mels, larger.config.mel, rng) for _ in range(CALIBRATION_STEPS)])
        learn(smaller, larger, mels, options.steps, options.learning_rate, rng)
        save_model(options.output, smaller, options.steps, kind="vocoder")
    except VcError as error:
        print(f"slim: error: {error}", file=sys.stderr)
        return 1
    return 0


def recorded_mels(store, utterances, log_mel):
    """Log-mel of the utterances end to end: float16 (T, M)."""
    return np.concatenate([_as_rows(log_mel(_wave(store, [utterance])[None])[0])
                           for utterance in tqdm(utterances, desc="recorded", unit="utterances")])


def converted_mels(store, utterances, converter, minutes, rng):
    """Log-mel of conversions between the speakers, end to end: float16 (T, M)."""
    by_speaker = list(group_by_speaker(utterances).values())

    def some(count):
        spoken = by_speaker[rng.integers(len(by_speaker))]
        return [spoken[number] for number in rng.permutation(len(spoken))[:count]]

    voices = [converter.voice_in(_wave(store, some(UTTERANCES_OF_A_VOICE)).numpy()) for _ in range(VOICES)]
    missing, rows = round(minutes * 60 * store.sample_rate_hz / converter.mel.hop_samples), []
    with tqdm(total=missing, desc="converted", unit="frames") as progress:
        while missing > 0:
            source, voice = _wave(store, some(UTTERANCES_OF_A_SOURCE)), voices[rng.integers(VOICES)]
            f0 = torch.from_numpy(track_pitch(source.numpy(), converter.sample_rate, converter.mel.hop_samples))
            content = converter.listen(converter.frames(source, f0))
            rows.append(_as_rows(converter.say(content, voice, pitch_range(f0))[0]))
            missing -= len(rows[-1])
            progress.update(len(rows[-1]))
    return np.concatenate(rows)


def draw(mels, mel, rng):
    """ITEMS stretches of recorded and converted mels, each at a level of its own: log-mel (ITEMS, M, FRAMES)."""
    chosen = [rows[begin:begin + FRAMES] for rows in mels
              for begin in rng.integers(len(rows) - FRAMES, size=ITEMS // 2)]
    gain = (2 * rng.random(ITEMS) - 1) * GAIN_DB * math.log(10) / 20
    log_mel = torch.from_numpy(np.stack(chosen).astype(np.float32)).mT + torch.from_numpy(gain).float()[:, None, None]
    return log_mel.clamp(min=math.log(mel.floor))


@torch.no_grad()
def cut(larger, expansion, batches):
    """A Generator that answers nearly as a larger one, with `expansion` times its width within each block. batches:
    log-mels (B, M, T) to measure it on."""
    config = larger.config
    sizes = config.vocoder.model_copy(update={"expansion": expansion})
    smaller = Generator(config.model_copy(update={"vocoder": sizes}))
    state = larger.state_dict()
    smaller.load_state_dict({name: state[name] if state[name].shape == value.shape else value
                             for name, value in smaller.state_dict().items()})
    blocks = zip(larger.network.blocks, smaller.network.blocks, _inside(larger, torch.cat(batches)), strict=True)
    for whole, narrow, inside in blocks:
        says = inside.std(0) * (whole.scale[:, None] * whole.narrow.weight).norm(dim=0)
        kept = says.topk(narrow.widen.out_features).indices.sort().values
        narrow.widen.weight.copy_(whole.widen.weight[kept])
        narrow.widen.bias.copy_(whole.widen.bias[kept])
        fitted = _least_squares(F.pad(inside[:, kept], (0, 1), value=1.0), whole.narrow(inside))
        narrow.narrow.weight.copy_(fitted[:-1].T)
        narrow.narrow.bias.copy_(fitted[-1])
    return smaller


def _inside(generator, log_mel):
    """What the units within each block say of log-mels (B, M, T): [(B * T, units)]."""
    found = []
    hooks = [block.narrow.register_forward_pre_hook(lambda _, given: found.append(given[0].flatten(0, 1)))
             for block in generator.network.blocks]
    _answer(generator, log_mel)
    for hook in hooks:
        hook.remove()
    return found


def _least_squares(x, y):
    """The matrix that leads from (N, A) to (N, B), a little smaller than the best one so that it is always there."""
    x, y = x.double(), y.double()
    gram = x.T @ x
    return torch.linalg.solve(gram + RIDGE * x.square().sum() / x.shape[1] * torch.eye(len(gram), dtype=x.dtype),
                              x.T @ y).float()


def learn(smaller, larger, mels, steps, learning_rate, rng):
    """Train the network of a Generator on the answers of a larger one; it ends as the running mean of its steps."""
    network = smaller.network.requires_grad_(True)
    optimiser = torch.optim.AdamW(network.parameters(), lr=learning_rate, betas=(0.9, 0.99), weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: _rate(step, steps))
    average = copy.deepcopy(network)
    in_bfloat16 = torch.autocast("cpu", dtype=torch.bfloat16, enabled=has_fast_bfloat16(torch.device("cpu")))
    with tqdm(total=steps, desc="learning", unit="steps") as progress:
        for step in range(steps):
            log_mel = draw(mels, larger.config.mel, rng)
            with in_bfloat16:
                with torch.no_grad():
                    wanted = _answer(larger, log_mel)
                answer = _answer(smaller, log_mel)
            terms = distance(answer, wanted, larger.inverse(log_mel).square() ** LOUDNESS_POWER)
            optimiser.zero_grad()
            sum(terms.values()).backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            share = max(1 - AVERAGE_DECAY, 9 / (10 + step))
            with torch.no_grad():
                for mean, value in zip(average.parameters(), network.parameters(), strict=True):
                    mean.lerp_(value, share)
            progress.update()
            if step % SAY_EVERY == 0:
                progress.set_postfix({name: f"{term.item():.4f}" for name, term in terms.items()})
    network.load_state_dict(average.state_dict())


def distance(answer, wanted, weight):
    """{name: scalar} of two answers of a vocoder's network (B, PARTS * F, T), of which the first half of the items are
    of recordings. weight: of each bin (B, F, T); every item counts the same."""
    weight = weight / weight.mean((1, 2), keepdim=True).clamp(min=1e-8)
    gain, *turns, trust = answer.chunk(PARTS, dim=1)
    wanted_gain, *wanted_turns, wanted_trust = wanted.chunk(PARTS, dim=1)

    def apart(x, y):
        return ((x - y).square() * weight).mean()

    recorded = len(answer) // 2
    return {"turns": sum(map(apart, turns, wanted_turns)),
            "trust": TRUST_COUNTS * apart(trust.sigmoid(), wanted_trust.sigmoid()),
            "gain": GAIN_COUNTS * (gain - wanted_gain)[:recorded].abs().mean()}


def _rate(step, steps):
    fallen = (1 + math.cos(math.pi * step / steps)) / 2
    return min(1, (step + 1) / WARMUP_STEPS) * (LAST_RATE + (1 - LAST_RATE) * fallen)


def _answer(generator, log_mel):
    return generator.network((log_mel - generator.band_mean) / generator.band_std).float()


def _wave(store, utterances):
    """float32 (N,)."""
    return torch.from_numpy(np.concatenate([store.audio(utterance) for utterance in utterances])).float() / 32768


def _as_rows(log_mel):
    return log_mel.T.half().numpy()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
