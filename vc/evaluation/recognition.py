"""How much of a text a machine understands in a recording: words and letters that pocketsphinx gets wrong.

pocketsphinx carries its English model, so nothing is fetched; but it is a weak recogniser, and with its own language
model, or with all words of a test to choose from, it errs on recorded people in half to nine tenths of the words. Then
there is little left that a converter could spoil. So the recogniser takes a listening test with a closed set instead:
for each text it chooses, in any order and number, among the text's own words and as many words of the other texts as
make CANDIDATES. What it is worth was tried on 67 recordings of eval/, whole and damaged on purpose; the increase in
WER, in units of its standard error, went from 5.2 to 7.1 (mel smoothed over 5 frames of 12.5 ms), from 7.6 to 10.6
(over 9 frames) and from 6.1 to 7.1 (noise 15 dB below the speech). Errors still are many: compare rows, never quote one
alone.
"""

import importlib.metadata
import json
import math
import random
import re
import tempfile
from functools import cached_property
from pathlib import Path
from typing import final

import numpy as np

from vc.errors import EvaluationError
from vc.evaluation.instrument import Instrument
from vc.evaluation.packages import require_packages
from vc.evaluation.result import Measure

CANDIDATES = 100
# Far above pocketsphinx's 6.5 to 9.5: the weaker the language model, the more words it finds in noises.
LANGUAGE_WEIGHT = 15.0
SENTENCE_END_PROBABILITY = 0.1  # sentences of about ten words

_TRUST = "Weak: pocketsphinx errs on recorded people too, so only differences between rows over many sentences tell."


def split_words(text):
    """Words of a text as they are counted: lower case, letters, digits and apostrophes."""
    return re.findall(r"[a-z0-9']*[a-z0-9][a-z0-9']*", text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))


def edit_distance(reference, hypothesis):
    """Fewest substitutions, deletions and insertions that make one sequence (words or letters) the other."""
    row = list(range(len(hypothesis) + 1))
    for deletions, wanted in enumerate(reference, start=1):
        diagonal, row[0] = row[0], deletions
        for column, got in enumerate(hypothesis, start=1):
            cheapest = min(diagonal + (wanted != got), row[column] + 1, row[column - 1] + 1)
            diagonal, row[column] = row[column], cheapest
    return row[-1]


def choose_candidates(text_words, vocabulary):
    """The words to choose among: those of the text that `vocabulary` (a set) holds, filled up from it to CANDIDATES.

    The same text and vocabulary give the same words, a sorted list.
    """
    own = set(text_words) & vocabulary
    others = sorted(vocabulary - own)
    drawn = random.Random(" ".join(text_words)).sample(others, min(len(others), max(0, CANDIDATES - len(own))))
    return sorted(own | set(drawn))


def unigram_arpa(words):
    """A language model in ARPA's format in which each of `words`, all different, is as likely as the next."""
    word_line = f"{math.log10((1 - SENTENCE_END_PROBABILITY) / len(words)):.4f}"
    lines = ["\\data\\", f"ngram 1={len(words) + 2}", "", "\\1-grams:",
             "-99 <s>", f"{math.log10(SENTENCE_END_PROBABILITY):.4f} </s>", *(f"{word_line} {word}" for word in words),
             "", "\\end\\"]
    return "\n".join(lines) + "\n"


@final
class Recognition(Instrument):
    """Writes down what it hears, knowing which text it is about to hear.

    `unknown` holds the texts' words that pocketsphinx's dictionary lacks. They cannot be recognised and count as errors
    in every row alike.
    """

    measures = (
        Measure("wer", "WER", "%", "lower", _TRUST, weight="words"),
        Measure("cer", "CER", "%", "lower", _TRUST, weight="letters"),
        Measure("wer_above_vocoded", "WER above the vocoded source's", "points", "lower",
                _TRUST + " What the recogniser does not understand of the source itself is not held against a system.",
                weight="words"),
        Measure("wer_to_source", "WER against what is heard in the vocoded source", "%", "lower",
                _TRUST + " Wrong where the source is misheard, in the same way for all systems.", weight="heard_words"),
        Measure("cer_to_source", "CER against what is heard in the vocoded source", "%", "lower",
                _TRUST + " Wrong where the source is misheard, in the same way for all systems.",
                weight="heard_letters"),
    )
    needs = ("output", "vocoded")

    def __init__(self, texts=()):
        super().__init__(texts)
        require_packages("word errors", "pocketsphinx")

    def describe(self, text):
        version = importlib.metadata.version("pocketsphinx")
        return json.dumps([version, self._settings, self._arpa(text)]) if split_words(text) else version

    def read(self, sound):
        """The words heard, a string, or None where the text is unknown: there is nothing to choose among."""
        return self.transcribe(sound.levelled, sound.text) if split_words(sound.text) else None

    def judge(self, case):
        said = split_words(case.text)
        if case.output is None or not said:
            return dict.fromkeys(measure.name for measure in self.measures)
        heard = split_words(case.output)
        words, letters = error_rates(said, heard)
        values = {"wer": words, "words": len(said), "cer": letters, "letters": len(" ".join(said))}
        if not case.says_source or case.vocoded is None:
            return values | dict.fromkeys(("wer_above_vocoded", "wer_to_source", "cer_to_source"))
        understood = split_words(case.vocoded)
        above = error_rates(understood, heard) if understood else (None, None)
        return values | {"wer_above_vocoded": words - error_rates(said, understood)[0],
                         "wer_to_source": above[0], "heard_words": len(understood),
                         "cer_to_source": above[1], "heard_letters": len(" ".join(understood))}

    def notes(self):
        words = [word for text in self.texts for word in split_words(text)]
        unknown = sum(word in self.unknown for word in words)
        return ["WER and CER are pooled: all errors over all words. pocketsphinx chooses among "
                f"{CANDIDATES} candidate words a text, those of the text included; read a row against the others, not "
                "by itself.",
                f"{unknown} of the texts' {len(words)} words are not in pocketsphinx's dictionary; they count as "
                "errors in every row."]

    @property
    def vocabulary(self):
        """The words of all texts that can be recognised, a set."""
        return set(self._pronunciations)

    @property
    def unknown(self):
        """The words of all texts that cannot."""
        return {word for text in self.texts for word in split_words(text)} - self.vocabulary

    def transcribe(self, audio, text):
        """audio: float32 (N,) in [-1, 1] at 16 kHz -> the words heard, a string."""
        decoder = self._decoder
        model = self._library.NGramModel(decoder.config, decoder.logmath, str(self._write_model(text)))
        decoder.add_lm("this text", model)
        decoder.activate_search("this text")
        # Else the running mean of the features carries over, and a transcript depends on what was heard before.
        decoder.reinit_feat(decoder.config)
        decoder.start_utt()
        decoder.process_raw(np.round(np.clip(audio, -1, 1) * 32767).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        heard = decoder.hyp()
        return heard.hypstr if heard else ""

    @property
    def _settings(self):
        return dict(lw=LANGUAGE_WEIGHT, fwdflatlw=LANGUAGE_WEIGHT, bestpathlw=LANGUAGE_WEIGHT)

    @cached_property
    def _library(self):
        import pocketsphinx

        return pocketsphinx

    @cached_property
    def _pronunciations(self):
        spoken = {word for text in self.texts for word in split_words(text)}
        found = _pronunciations(self._library.get_model_path("en-us/cmudict-en-us.dict"), spoken)
        if spoken and not found:
            raise EvaluationError("word errors need English texts: pocketsphinx knows none of the words in the pair "
                                  "list; leave the texts out to go without")
        return found

    @cached_property
    def _folder(self):
        return tempfile.TemporaryDirectory(prefix="vc-evaluate-")

    @cached_property
    def _decoder(self):
        # A dictionary of these words alone: with all 135,000 each change of language model takes seconds.
        dictionary = Path(self._folder.name) / "words.dict"
        dictionary.write_text("\n".join(line for lines in self._pronunciations.values() for line in lines) + "\n")
        return self._library.Decoder(hmm=self._library.get_model_path("en-us/en-us"), dict=str(dictionary),
                                     lm=str(self._write_model("")), loglevel="FATAL", **self._settings)

    def _arpa(self, text):
        return unigram_arpa(choose_candidates(split_words(text), self.vocabulary))

    def _write_model(self, text):
        path = Path(self._folder.name) / "text.arpa"
        path.write_text(self._arpa(text))
        return path


def error_rates(said, heard):
    """Word and letter errors in percent of what was said, both lists of words, the first not empty."""
    letters, heard_letters = " ".join(said), " ".join(heard)
    return 100 * edit_distance(said, heard) / len(said), 100 * edit_distance(letters, heard_letters) / len(letters)


def _pronunciations(dictionary, spoken):
    """{word: its lines in pocketsphinx's dictionary}, of the words in `spoken`. A second line begins `word(2)`."""
    found = {}
    for line in Path(dictionary).read_text(encoding="utf-8").splitlines():
        word = re.sub(r"\(\d+\)$", "", line.partition(" ")[0])
        if word in spoken:
            found.setdefault(word, []).append(line)
    return found
