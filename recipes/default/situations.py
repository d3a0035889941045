"""What users really try, as lists of conversions: who speaks to whom, and what has become of the recordings.

`plain` pairs are some of the list as it is. Most situations are these pairs with one thing changed, so that a row can
be held against theirs. N is a number of samples.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vc.audio import load_audio, save_audio
from vc.data.corruptions.noise import add_noise
from vc.data.sampling import split_utterances
from vc.data.store import Utterance
from vc.errors import AudioError, DataError
from vc.evaluation.pairs import Pair, evenly
from vc.level import trim_silence

# The corpus's tables tell no ages. Of these speakers speechocean762's own list, spk2age, says 6 years.
CHILDREN = ("so0001", "so0003", "so0005")
LANGUAGES = {"German": ("kerstin",), "Dutch": ("flemishguy", "nathalie")}
REFERENCES = 3
SHORT_S, RATIO_DB, QUIET_DBFS, LOUD_DBFS = 2.0, 10.0, -40.0, -3.0


@dataclass(frozen=True)
class Trial:
    """A conversion. pair: with the recordings as they were. source, references: what the converter gets."""

    pair: Pair
    source: Path
    references: tuple[Path, ...]


@dataclass(frozen=True)
class Situation:
    """A row of the table. note: what one must know of its trials."""

    name: str
    note: str
    trials: list


def situations(pairs, genders, corpus, settings, noise, mel, count, folder):
    """List of Situation with about `count` trials each; what is changed is written below `folder`.

    pairs: the list. genders: {speaker: woman or man}. corpus: what the model was trained on, a vc.data.layouts.Corpus.
    settings: its DataConfig. noise: a folder of it. Raises DataError, AudioError.
    """
    plain = evenly(pairs, count)
    return [Situation("plain pairs", "spread over the list, three references each", as_they_are(plain)),
            *_between_genders(pairs, genders, count),
            *_voices_of_the_corpus(plain, corpus, settings),
            *_spoilt(plain, noise, mel, folder)]


def as_they_are(pairs):
    """A Trial of each Pair, nothing changed."""
    return [Trial(pair, pair.source, pair.references) for pair in pairs]


def between(pairs, genders, source, target):
    """The pairs whose speakers are known to be of these genders."""
    return [pair for pair in pairs if genders.get(pair.source_speaker) == source
            and genders.get(pair.target_speaker) == target]


def spoken_by(pairs, recordings, with_text=True):
    """The pairs with sources taken evenly from the recordings."""
    chosen = evenly(recordings, len(pairs))
    return [replace(pair, source=one.path, source_speaker=one.speaker, text=one.text if with_text else "")
            for pair, one in zip(pairs, chosen)]


def addressed_to(pairs, of_speaker):
    """The pairs with these speakers, {speaker: recordings}, as targets in turns, REFERENCES recordings each."""
    targets = list(of_speaker)
    meetings = zip(pairs, (targets[number % len(targets)] for number in range(len(pairs))))
    return [replace(pair, target_speaker=target, references=tuple(one.path for one in
                                                                  evenly(of_speaker[target], REFERENCES)))
            for pair, target in meetings]


def recordings_of(recordings, speakers):
    """{speaker: recordings}, in the speakers' order. Raises DataError for a speaker without any."""
    found = {speaker: [one for one in recordings if one.speaker == speaker] for speaker in speakers}
    missing = [speaker for speaker, own in found.items() if not own]
    if missing:
        raise DataError(f"the corpus has no recording of {', '.join(missing)}; give the table of recordings that the "
                        "model was trained on")
    return found


def unheard(corpus, settings):
    """Recordings of speakers that a model with these settings was trained on, which themselves it never heard."""
    named = {one.path.relative_to(corpus.root).as_posix(): one for one in corpus.recordings}
    utterances = [Utterance(name, one.speaker, 0, 0) for name, one in named.items()]
    return [named[utterance.path] for utterance in split_utterances(utterances, settings).held_out_utterances]


def at_peak(audio, peak_dbfs):
    """`audio`, floats (N,) that are not all zero, with its largest sample at a level in dBFS."""
    return audio * (10 ** (peak_dbfs / 20) / np.abs(audio).max())


def first_speech(audio, sample_rate_hz, seconds):
    """The first `seconds` of `audio`, float32 (N,), from where somebody speaks. Raises AudioError if it has less."""
    speech, samples = trim_silence(audio, sample_rate_hz), round(seconds * sample_rate_hz)
    if len(speech) < samples:
        raise AudioError(f"lasts {len(speech) / sample_rate_hz:.2f} s, expected {seconds:g} s to cut from; use another "
                         "pair list")
    return speech[:samples]


def rewritten(paths, change, sample_rate_hz, folder):
    """{path: a new file below `folder`} of what `change`, lists of float32 (N,) -> such lists, makes of them."""
    paths = list(dict.fromkeys(paths))
    changed = change([load_audio(path, sample_rate_hz) for path in paths])
    made = {path: folder / f"{number}.wav" for number, path in enumerate(paths)}
    for path, audio in zip(paths, changed, strict=True):
        save_audio(made[path], audio, sample_rate_hz)
    return made


def _between_genders(pairs, genders, count):
    alike = [pair for gender in ("man", "woman") for pair in between(pairs, genders, gender, gender)]
    yield Situation("same gender", "of the list; gender guessed from the median F0", as_they_are(evenly(alike, count)))
    for source, target in (("man", "woman"), ("woman", "man")):
        chosen = evenly(between(pairs, genders, source, target), count)
        yield Situation(f"{source} to {target}", "of the list; compare with the same gender", as_they_are(chosen))


def _voices_of_the_corpus(plain, corpus, settings):
    children = recordings_of(corpus.recordings, CHILDREN)
    known = f"{', '.join(CHILDREN)}, aged 6; speakers and recordings trained on"
    said = [one for own in children.values() for one in own]
    yield Situation("child's voice as source", f"the plain pairs' targets; {known}",
                    as_they_are(spoken_by(plain, said)))
    yield Situation("child's voice as target", f"the plain pairs' sources; {known}",
                    as_they_are(addressed_to(plain, children)))
    fresh = unheard(corpus, settings)
    for language, speakers in LANGUAGES.items():
        said = [one for own in recordings_of(fresh, speakers).values() for one in own]
        yield Situation(f"{language} source", f"the plain pairs' targets; {', '.join(speakers)}, speakers trained on, "
                        "these recordings not", as_they_are(spoken_by(plain, said, with_text=False)))


def _spoilt(plain, noise, mel, folder):
    rate_hz = mel.sample_rate_hz
    sources = [pair.source for pair in plain]
    references = [path for pair in plain for path in pair.references]

    def noisy(waves):
        return add_noise(waves, noise, RATIO_DB, mel)

    def short(waves):
        return [first_speech(wave, rate_hz, SHORT_S) for wave in waves]

    whole = [longest(pair.references, rate_hz) for pair in plain]
    cut = rewritten(whole, short, rate_hz, folder / "short")
    yield Situation(f"{SHORT_S:g}-second reference", "the plain pairs, the first seconds of their longest reference "
                    "alone", [Trial(pair, pair.source, (cut[path],)) for pair, path in zip(plain, whole, strict=True)])
    spoilt = rewritten(references, noisy, rate_hz, folder / "references")
    yield Situation("noisy references", f"the plain pairs, all references at {RATIO_DB:g} dB",
                    [Trial(pair, pair.source, tuple(spoilt[path] for path in pair.references)) for pair in plain])
    levels = {level: lambda waves, level=level: [at_peak(wave, level) for wave in waves]
              for level in (QUIET_DBFS, LOUD_DBFS)}
    changes = [("noisy source", f"the plain pairs, sources at {RATIO_DB:g} dB", noisy)] + [
        (f"source at {level:g} dBFS peak", "the plain pairs; the level alone is changed, nobody whispers or shouts",
         change) for level, change in levels.items()]
    for name, note, change in changes:
        made = rewritten(sources, change, rate_hz, folder / name.replace(" ", "-"))
        yield Situation(name, note, [Trial(pair, made[pair.source], pair.references) for pair in plain])


def longest(references, sample_rate_hz):
    """The one of some recordings in which somebody speaks longest."""
    return max(references, key=lambda path: len(trim_silence(load_audio(path, sample_rate_hz), sample_rate_hz)))
