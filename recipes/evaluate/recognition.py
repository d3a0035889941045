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
from pathlib import Path

import numpy as np

from vc.errors import VcError

CANDIDATES = 100
# Far above pocketsphinx's 6.5 to 9.5: the weaker the language model, the more words it finds in noises.
LANGUAGE_WEIGHT = 15.0
SENTENCE_END_PROBABILITY = 0.1  # sentences of about ten words


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


class Recogniser:
    """Writes down what it hears, knowing which text it is about to hear. `texts`: all texts of the test.

    `unknown` holds their words that pocketsphinx's dictionary lacks. They cannot be recognised and count as errors in
    every row alike. Raises VcError where pocketsphinx is missing.
    """

    def __init__(self, texts):
        try:
            import pocketsphinx
        except ModuleNotFoundError:
            raise VcError("word errors need pocketsphinx, which is not installed; pip install vc[evaluate]") from None
        self._library = pocketsphinx
        spoken = {word for text in texts for word in split_words(text)}
        pronunciations = _pronunciations(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"), spoken)
        self.vocabulary = set(pronunciations)
        self.unknown = spoken - self.vocabulary
        if not self.vocabulary:
            raise VcError("word errors need English texts: pocketsphinx knows none of the words in the pair list")
        self._folder = tempfile.TemporaryDirectory(prefix="vc-evaluate-")
        # A dictionary of these words alone: with all 135,000 each change of language model takes seconds.
        dictionary = Path(self._folder.name) / "words.dict"
        dictionary.write_text("\n".join(line for lines in pronunciations.values() for line in lines) + "\n")
        self._settings = dict(lw=LANGUAGE_WEIGHT, fwdflatlw=LANGUAGE_WEIGHT, bestpathlw=LANGUAGE_WEIGHT)
        self._decoder = pocketsphinx.Decoder(hmm=pocketsphinx.get_model_path("en-us/en-us"), dict=str(dictionary),
                                             lm=str(self._write_model("")), loglevel="FATAL", **self._settings)

    def describe(self, text):
        """All that a transcript depends on besides the sound, as one string."""
        return json.dumps([importlib.metadata.version("pocketsphinx"), self._settings, self._arpa(text)])

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

    def _arpa(self, text):
        return unigram_arpa(choose_candidates(split_words(text), self.vocabulary))

    def _write_model(self, text):
        path = Path(self._folder.name) / "text.arpa"
        path.write_text(self._arpa(text))
        return path


def _pronunciations(dictionary, spoken):
    """{word: its lines in pocketsphinx's dictionary}, of the words in `spoken`. A second line begins `word(2)`."""
    found = {}
    for line in Path(dictionary).read_text(encoding="utf-8").splitlines():
        word = re.sub(r"\(\d+\)$", "", line.partition(" ")[0])
        if word in spoken:
            found.setdefault(word, []).append(line)
    return found
