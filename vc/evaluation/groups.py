"""Which pairs are looked at together: by gender, by accent, and by whether the model knows the target.

Gender and accent come from the columns `gender` and `accent` (or `group`) of the table of recordings, where it has
them. Else gender is guessed from the median pitch, and the accent known for the corpora that name it in their speakers'
names.
"""

from dataclasses import dataclass

import numpy as np

from vc.data.layouts import table_rows

# Medians of read speech: men mostly 85 to 155 Hz, women 165 to 255 Hz.
WOMAN_ABOVE_HZ = 160.0
GENDERS = {"f": "woman", "female": "woman", "woman": "woman", "m": "man", "male": "man", "man": "man"}
# How the speakers of LibriSpeech and of speechocean762 are called in the project's own lists, before a number.
ACCENTS = {"ls": "native", "so": "non-native"}


@dataclass(frozen=True)
class Speakers:
    """What is known of the speakers, {speaker: word} each. seen: those the model trained on, None where unknown."""

    genders: dict
    accents: dict
    seen: frozenset | None = None
    gender_is_guessed: bool = False


def know_speakers(manifest, speakers, contours, seen=None) -> Speakers:
    """manifest: the table of recordings. contours: {speaker: list of F0 contours in Hz (T,)}, for guessing."""
    rows = list(table_rows(manifest))
    genders = _column(rows, "gender", GENDERS)
    guessed = {speaker: guess_gender(contours.get(speaker, ())) for speaker in speakers if speaker not in genders}
    accents = _column(rows, "accent") or _column(rows, "group") or {
        speaker: ACCENTS[speaker[:2]] for speaker in speakers
        if speaker[:2] in ACCENTS and speaker[2:].isdecimal()}
    known = genders | {speaker: gender for speaker, gender in guessed.items() if gender}
    return Speakers(known, accents, None if seen is None else frozenset(seen), any(guessed.values()))


def group_names(pair, speakers: Speakers):
    """The groups that a pair counts in, besides the one of all pairs."""
    both = pair.source_speaker, pair.target_speaker
    names = [f"{facts[both[0]]} to {facts[both[1]]}" for facts in (speakers.genders, speakers.accents)
             if all(speaker in facts for speaker in both)]
    if speakers.seen is not None:
        names.append("target seen in training" if pair.target_speaker in speakers.seen else "target never seen")
    return names


def guess_gender(contours):
    """woman or man, from the median over all voiced frames; None where there is none."""
    hz = np.concatenate([np.zeros(0), *(np.asarray(contour, float) for contour in contours)])
    voiced = hz[hz > 0]
    return None if not len(voiced) else "woman" if np.median(voiced) > WOMAN_ABOVE_HZ else "man"


def _column(rows, name, words=None):
    """{speaker: what the column says}, of those it says something of that `words` knows."""
    found = {}
    for row in rows:
        cell = (row.get(name) or "").strip()
        word = cell if words is None else words.get(cell.lower())
        if word:
            found.setdefault(row["speaker"].strip(), word)
    return found
