"""Are invented voices new, steady, different from each other, and does one get what one asks for? Writes a table.

    python recipes/voices/measure.py DATA -o recipes/voices/table.md

Sentences of speakers whom the model was not trained on are said in invented voices, and beside them in voices of real
people of whom there is twice as much speech as a voice is taken from: the first half gives the voice, the other half is
the recording to hold against. Whose voice it is says Resemblyzer, which had no part in the training.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from conversions import Ear
from speakers import speech_by_speaker
from tqdm import tqdm

from vc.audio import save_audio
from vc.conversion import load
from vc.data.sampling import group_by_speaker, is_held_out
from vc.data.store import SpeechStore
from vc.errors import VcError, VoiceError
from vc.evaluation import intervals
from vc.evaluation.similarity import mean_direction
from vc.evaluation.table import cell as figure_cell
from vc.voice_prior import SEMITONE, load_prior
from vc.voices import blend

SECONDS = 20.0  # of each speaker; of a real voice's recording to compare with as much again
SHORTEST_HEARD_S = 3.0  # in less Resemblyzer does not tell who it is
VOICES, SOURCES, STEERED = 20, 4, 8  # STEERED: voices that are made higher, lower and like another
SHORTEST_S, LONGEST_S = 3.0, 7.0  # of a source
SEMITONES, SHARES = 4.0, (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class People:
    """embeddings: {speaker: (D,)} of real recordings. halves: {speaker: speaker half (S,)}. voices: {speaker: Voice} of
    the real people whose voices are spoken with. other: {speaker: (D,)}, of further speech of each of them, and
    other_halves likewise."""

    embeddings: dict
    halves: dict
    voices: dict
    other: dict
    other_halves: dict


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", metavar="DATA", help="the folder that the prior was fitted on")
    parser.add_argument("--model", metavar="FILE", help="default: the one in the package")
    parser.add_argument("--prior", metavar="FILE", help="default: the one in the package")
    parser.add_argument("-o", "--output", type=Path, help="default: stdout")
    options = parser.parse_args()
    torch.set_num_threads(1)
    converter, store, ear = load(options.model, device="cpu"), SpeechStore(options.data), Ear()
    store.require_rate(converter.sample_rate)
    prior = load_prior(converter, options.prior)
    people = meet(converter, store, ear)
    with tempfile.TemporaryDirectory() as folder:
        sources = write_sources(store, converter.model.config.data, Path(folder))
        invented = [prior.invent(seed, f"invented {seed}") for seed in range(VOICES)]
        said = {voice.name: ear.hear(converter, sources, voice, rated=True)
                for voice in tqdm([*invented, *people.voices.values()], "speaking", unit="voice")}
        rows = [*novelty(people, invented, said), *steadiness(people, invented, said),
                *control(converter, prior, people, invented, said, sources, ear)]
    text = "\n".join(table(rows, len(invented), len(people.voices), len(people.embeddings), converter)) + "\n"
    options.output.write_text(text, encoding="utf-8") if options.output else print(text, end="")


def meet(converter, store, ear) -> People:
    """Listen to everybody in the corpus."""
    rate_hz = store.sample_rate_hz
    speech = speech_by_speaker(store, 2 * SECONDS, SHORTEST_HEARD_S)
    size = round(SECONDS * rate_hz)
    first = {speaker: audio[:size] for speaker, audio in speech.items()}
    rest = {speaker: audio[size:] for speaker, audio in speech.items() if len(audio) == 2 * size}
    # Spread over the names, so that all parts of the corpus are among them.
    real = [sorted(rest)[i] for i in np.linspace(0, len(rest) - 1, VOICES).round().astype(int)]
    voices = {speaker: converter.voice_in(audio, speaker) for speaker, audio in tqdm(first.items(), "meeting")}
    further = {speaker: converter.voice_in(rest[speaker]).speaker.numpy() for speaker in real}
    return People({speaker: ear.embedding(audio) for speaker, audio in tqdm(first.items(), "listening")},
                  {speaker: voice.speaker.numpy() for speaker, voice in voices.items()},
                  {speaker: voices[speaker] for speaker in real},
                  {speaker: ear.embedding(rest[speaker]) for speaker in real}, further)


def write_sources(store, settings, folder):
    """Paths of one sentence each of speakers whom a model with these settings was not trained on."""
    paths = []
    for speaker, spoken in group_by_speaker(store.utterances).items():
        fitting = [utterance for utterance in spoken
                   if SHORTEST_S <= utterance.samples / store.sample_rate_hz <= LONGEST_S]
        if is_held_out(speaker, settings) and fitting and len(paths) < SOURCES:
            paths.append(folder / f"{len(paths)}.wav")
            save_audio(paths[-1], store.audio(fitting[0]).astype(np.float32) / 32768, store.sample_rate_hz)
    if len(paths) < SOURCES:
        raise VoiceError(f"{store.folder}: {len(paths)} held-out speakers with a sentence of {SHORTEST_S:g} to "
                         f"{LONGEST_S:g} s, expected {SOURCES}; prepare recordings of more speakers")
    return paths


def novelty(people, invented, said):
    """Rows (what, of invented voices, of real ones) on how near the nearest other person is."""
    heard = {name: mean_direction(saying.embeddings) for name, saying in said.items()}
    yield ("conversions to the nearest recorded person (of a real voice: another one)",
           [nearest(heard[voice.name], people.embeddings) for voice in invented],
           [nearest(heard[name], people.embeddings, name) for name in people.voices])
    yield ("conversions to other recordings of the very person", None,
           [float(heard[name] @ people.other[name]) for name in people.voices])
    yield ("recordings to other recordings of the very person", None,
           [float(people.embeddings[name] @ people.other[name]) for name in people.voices])
    yield ("recordings to the nearest other person", None,
           [nearest(people.other[name], people.embeddings, name) for name in people.voices])
    yield ("speaker half to that of the nearest recorded person (of a real voice: another one)",
           [nearest(voice.speaker.numpy(), people.halves) for voice in invented],
           [nearest(people.other_halves[name], people.halves, name) for name in people.voices])
    yield ("speaker half to that of other speech of the very person", None,
           [float(people.halves[name] @ people.other_halves[name]) for name in people.voices])


def nearest(point, others, left_out=None):
    """The highest cosine of a point (D,) to those of others, {name: (D,)}."""
    return max(float(point @ other) for name, other in others.items() if name != left_out)


def steadiness(people, invented, said):
    """Rows on how alike one voice's sentences are, how unlike the voices, and how clean they sound."""
    groups = [[said[voice.name] for voice in invented], [said[name] for name in people.voices]]
    yield ("one voice's conversions of different sentences to each other",
           *([alike(saying.embeddings) for saying in group] for group in groups))
    yield ("different voices' conversions to each other",
           *(against_the_rest([mean_direction(saying.embeddings) for saying in group]) for group in groups))
    yield ("the same sentence by different voices",
           *(against_the_rest([saying.embeddings[0] for saying in group]) for group in groups))
    yield ("deviation of one voice's mean F0 from sentence to sentence, semitones",
           *([float(np.nanstd(saying.log_pitch) / SEMITONE) for saying in group] for group in groups))
    yield ("distance of mean F0 from the middle voice, semitones",
           *(list(np.abs(pitch - np.median(pitch)) / SEMITONE)
             for pitch in (np.array([np.nanmean(saying.log_pitch) for saying in group]) for group in groups)))
    yield ("DNSMOS overall, one sentence", *([saying.dnsmos for saying in group] for group in groups))


def alike(points):
    """Mean cosine between the points of one set (P, D)."""
    return float(np.mean((points @ points.T)[np.triu_indices(len(points), 1)]))


def against_the_rest(points):
    """Cosine of each point to each other one: (P, P), 0 on the diagonal."""
    cosines = np.array(points) @ np.array(points).T
    np.fill_diagonal(cosines, 0)
    return cosines


def control(converter, prior, people, invented, said, sources, ear):
    """Rows on what --pitch and --like with --share do, on the first voices."""
    for semitones in (SEMITONES, -SEMITONES):
        changes, cosines = [], []
        for voice in tqdm(invented[:STEERED], f"{semitones:+g} semitones", unit="voice"):
            try:
                moved = ear.hear(converter, sources[:2], prior.higher(voice, semitones))
            except VoiceError:  # nobody speaks so high or so low
                continue
            changes.append(float(np.nanmean(moved.log_pitch - said[voice.name].log_pitch[:2]) / SEMITONE))
            cosines.append(float((moved.embeddings * said[voice.name].embeddings[:2]).sum(1).mean()))
        yield f"--pitch {semitones:+g}: change of mean F0, semitones ({len(changes)} voices)", changes, None
        yield f"--pitch {semitones:+g}: cosine to the same voice without", cosines, None
    steps = [approach(converter, voice, name, people, sources[:2], ear)
             for voice, name in zip(tqdm(invented[:STEERED], "approaching"), people.voices)]
    for i, share in enumerate(SHARES):
        yield f"--like A --share {share:g}: cosine to recordings of A", [step[i] for step in steps], None
    yield "steps of the share that bring it nearer to A, %", rising(steps), None


def rising(steps):
    """How many steps raise the cosine, in percent, told with its interval. steps: cosines along the shares, a list for
    each voice, whose steps rise or fall together."""
    rises = [(voice, float(after > before)) for voice, step in enumerate(steps)
             for before, after in zip(step, step[1:])]
    return figure_cell(intervals.share([rise for _, rise in rises], [[voice for voice, _ in rises]]).times(100), 1)


def approach(converter, voice, name, people, sources, ear):
    """Cosines to recordings of a real person, one for each of SHARES."""
    blended = [blend(voice, people.voices[name], share) for share in SHARES]
    return [float(mean_direction(ear.hear(converter, sources, one).embeddings) @ people.other[name])
            for one in blended]


def table(rows, invented, real, met, converter):
    """Lines in Markdown."""
    yield (f"{invented} invented voices (seeds 0 to {invented - 1}) and {real} real ones, {SOURCES} sentences by as "
           f"many held-out speakers; {met} recorded people. Model `{converter.fingerprint[:12]}`. Cosines are "
           f"Resemblyzer's but those of speaker halves. Means over voices with 95 % bootstrap intervals, then the "
           f"highest.")
    yield "\n| | invented | real |\n|---|---|---|"
    for what, own, others in rows:
        yield f"| {what} | {cell(own)} | {cell(others)} |"


def cell(values):
    """A mean with its interval and the highest value, or a dash; what is told already stays as it is. Of what
    `against_the_rest` gives, the highest is one voice's mean to the others."""
    if isinstance(values, np.ndarray):
        return f"{figure_cell(mean_of_pairs(values), 3)}, {values.sum(0).max() / (len(values) - 1):.3f}"
    if not values or isinstance(values, str):
        return values or "-"
    return f"{figure_cell(intervals.ratio_of_sums(values, np.ones(len(values))), 3)}, {max(values):.3f}"


def mean_of_pairs(cosines):
    """The mean of what `against_the_rest` gives, as an Interval. A pair varies with both of its voices, so these are
    drawn anew: a pair counts by the product of how often its two were drawn, and no voice meets itself."""
    sides = intervals.sides_of((), len(cosines))
    counts = intervals.resampled_counts(sides)
    sums, pairs = ((counts @ cosines) * counts).sum(1), counts.sum(1)**2 - (counts**2).sum(1)
    value = cosines.sum() / (len(cosines) * (len(cosines) - 1))
    return intervals.percentiles(value, sums[pairs > 0] / pairs[pairs > 0], sides)


if __name__ == "__main__":
    try:
        main()
    except VcError as error:
        sys.exit(f"measure: error: {error}")
