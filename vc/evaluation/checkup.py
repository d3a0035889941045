"""A quick look at a model while it trains: a short list of pairs converted, judged by voice and words alone."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from vc.audio import save_audio
from vc.conversion import Converter
from vc.errors import AudioError
from vc.evaluation.figures import summarise
from vc.evaluation.instrument import Case, Sound
from vc.evaluation.listening import score
from vc.evaluation.pairs import read_pairs
from vc.evaluation.recognition import Recognition
from vc.evaluation.result import Item
from vc.evaluation.similarity import Similarity
from vc.evaluation.systems import MODEL
from vc.vocoders import make_vocoder

MEASURES = ("cosine_to_target", "wer")


@dataclass(frozen=True)
class Finding:
    """cosine_to_target: the mean over the pairs. wer: of all their words, in percent. score: see listening.score."""

    cosine_to_target: float
    wer: float

    @property
    def score(self):
        return score(self.cosine_to_target, self.wer)


class Checkup:
    """pairs: a list as `vc evaluate` reads it, with texts. Raises DataError, and EvaluationError without the extra."""

    def __init__(self, pairs):
        self._pairs = read_pairs(pairs)
        self._voice, self._words = Similarity(), Recognition(tuple(pair.text for pair in self._pairs))
        self._known = {}  # {path: embedding} of the recordings, which stay the same from step to step

    def measure(self, model):
        """The Finding on an AutoEncoder as it is. A result that cannot be heard has nothing of the target and no word
        right. Raises AudioError for a recording of the list that cannot be read."""
        for pair in self._pairs:
            for path in (pair.source, *pair.references):
                if path not in self._known:
                    self._known[path] = self._voice.read(Sound(path))
        converter = Converter(model, make_vocoder(None, model.config.mel, model.band_mean.device))
        items = [Item(number, MODEL, [], self._judge(converter, pair)) for number, pair in enumerate(self._pairs)]
        measures = [one for one in (*Similarity.measures, *Recognition.measures) if one.name in MEASURES]
        found = {figure.measure: figure.value for figure in summarise(measures, items, self._pairs)}
        return Finding(found["cosine_to_target"], found.get("wer", 0.0))

    def _judge(self, converter, pair):
        audio = converter.convert(pair.source, list(pair.references))
        with tempfile.TemporaryDirectory(prefix="vc-checkup-") as folder:
            sound = Sound(Path(folder) / "converted.flac", pair.text)
            save_audio(sound.path, audio, converter.sample_rate)
            try:
                voice, words = self._voice.read(sound), self._words.read(sound)
            except AudioError:  # a young model may whisper below what counts as silence
                return {"cosine_to_target": 0.0, **self._words.judge(Case("" if pair.text else None, pair.text))}
        return (self._voice.judge(Case(voice, source=self._known[pair.source],
                                       references=[self._known[path] for path in pair.references]))
                | self._words.judge(Case(words, pair.text)))
