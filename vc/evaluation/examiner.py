"""Has sounds made, recordings read and answers judged; every result is kept by content, every failure named.

A question is a pair, an answer what one system says to it.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import tqdm

from vc.data.layouts import Recording
from vc.errors import AudioError, EvaluationError
from vc.evaluation.cache import digest, program_digest
from vc.evaluation.instrument import Case
from vc.evaluation.pairs import Pair
from vc.evaluation.studio import Halves, Make, Read
from vc.evaluation.systems import SYSTEMS, VOCODED_SOURCE, sound_path


@dataclass(frozen=True)
class Question:
    """A pair with its number in the report. other: another recording of the target, parallel: the target saying the
    source's text; None where there is none."""

    number: int
    pair: Pair
    other: Recording | None
    parallel: Recording | None


@dataclass(frozen=True)
class Answer:
    """path: where its sound lies. text: what is said in it."""

    question: Question
    system: str
    path: Path
    text: str


class Examiner:
    """work: see vc.evaluation.workforce. answers: {(number, system): Answer}, those there are. failures: a line for
    each one that could not be made or measured."""

    def __init__(self, work, cache, instruments, facts, questions):
        self.instruments, self.questions = instruments, questions
        self.answers, self.failures = {}, []
        self._work, self._cache, self._facts = work, cache, facts
        self._unreadable = {}  # path: why
        # A speaker who is the target of several pairs is known by the references of the first.
        self._targets = {question.pair.target_speaker: question.pair.references for question in reversed(questions)}

    def make_sounds(self, folder, force=False):
        """Have every system answer every question. force: also where the sound is there already."""
        tasks = {}
        for question in self.questions:
            for system in SYSTEMS:
                try:
                    task = self._plan(question, system, folder, force)
                except (AudioError, EvaluationError) as error:
                    self._fail(question, system, error)
                else:
                    tasks |= {task.path: task} if task else {}
        broken = {}
        for task, outcome in self._done("making sounds", tasks.values()):
            if outcome.failure:
                broken[task.path] = outcome.failure
            else:
                self._cache.put(_time_key(task.path), outcome.value)
        for key, answer in list(self.answers.items()):
            if answer.path in broken:
                self._fail(answer.question, answer.system, broken[answer.path])
                del self.answers[key]

    def read(self):
        """Have read what the answers are judged by."""
        wanted, keys = {}, {}
        for answer in self.answers.values():
            parts = self._parts(answer)
            for name, instrument in self.instruments.items():
                for path, text in _flat([parts[need] for need in instrument.needs]):
                    key = self._key(name, path, text)
                    if key is not None and key not in self._cache and key not in keys:
                        keys[key] = (path, text)
                        wanted.setdefault((path, text), []).append(name)
        tasks = [Read(path, text, tuple(names)) for (path, text), names in wanted.items()]
        for task, outcome in self._done("reading recordings", tasks):
            if outcome.failure:
                self._unreadable[task.path] = outcome.failure
            else:
                for name, reading in outcome.value.items():
                    self._cache.put(self._key(name, task.path, task.text), reading)

    def judge(self, answer):
        """{measure or weight: number or None}, or None where it cannot be measured, which the failures tell."""
        values, parts = {}, self._parts(answer)
        try:
            for name, instrument in self.instruments.items():
                case = self._case(name, {need: parts[need] for need in instrument.needs}, answer)
                values |= instrument.judge(case)
        except (AudioError, EvaluationError) as error:
            self._fail(answer.question, answer.system, error)
            return None
        return values

    def reading(self, name, path, text=""):
        """What an instrument read in a recording. Raises AudioError where it could not."""
        key = self._key(name, path, text)
        if key is None or key not in self._cache:
            raise AudioError(self._unreadable.get(path, f"{path}: was not read"))
        return self._cache[key]

    def take_halves(self, speakers):
        """[(speaker, both halves), ...] of recordings, {path: speaker}; what cannot be read is noted and left out."""
        keys = {path: digest(program_digest(), "halves", self._facts.fingerprint, path) for path in speakers}
        tasks = [Halves(path) for path, key in keys.items() if key not in self._cache]
        for task, outcome in self._done("taking halves", tasks):
            if outcome.failure:
                self.failures.append(f"halves of {task.path}: {outcome.failure}")
            else:
                self._cache.put(keys[task.path], outcome.value)
        return [(speaker, self._cache[keys[path]]) for path, speaker in speakers.items() if keys[path] in self._cache]

    def _plan(self, question, system, folder, force):
        """Note the answer; the task that makes it, None where nothing is to be made."""
        maker, pair = SYSTEMS[system], question.pair
        if maker.says_source:
            recording, text = pair.source, pair.text
        elif question.other is None:
            raise EvaluationError(f"the table of recordings holds no recording of {pair.target_speaker} that is not a "
                                  f"reference; add one or choose fewer references")
        else:
            recording, text = question.other.path, question.other.text
        path = sound_path(folder, system, recording, pair.references, self._facts)
        self.answers[question.number, system] = Answer(question, system, path, text)
        if maker.tool and (force or not path.exists() or _time_key(path) not in self._cache):
            return Make(system, recording, pair.references, path)
        return None

    def _parts(self, answer):
        """{part of a Case: (path, text), or None where there is none, or a list of such, or a list of lists}"""
        question, pair = answer.question, answer.question.pair
        vocoded = self.answers.get((question.number, VOCODED_SOURCE))
        return {"output": (answer.path, answer.text), "source": (pair.source, pair.text),
                "vocoded": vocoded and (vocoded.path, pair.text),
                "parallel": question.parallel and (question.parallel.path, ""),
                "references": [(path, "") for path in pair.references],
                "others": [[(path, "") for path in paths] for speaker, paths in self._targets.items()
                           if speaker != pair.target_speaker]}

    def _case(self, name, parts, answer):
        """What an instrument judges by. Raises AudioError where the answer, its source or a reference was not read."""
        held = {need: self._readings(name, parts[need]) for need in ("output", "source", "references") if need in parts}
        # What else could not be read is another pair's loss, and named there.
        held |= {need: next(iter(self._readable(name, [parts[need]])), None)
                 for need in ("vocoded", "parallel") if need in parts}
        held |= {need: self._readable(name, parts[need]) for need in ("others",) if need in parts}
        return Case(text=answer.text, says_source=SYSTEMS[answer.system].says_source,
                    seconds_ratio=self._cache[_time_key(answer.path)] if SYSTEMS[answer.system].tool else None, **held)

    def _readings(self, name, part):
        if part is None:
            return None
        return [self._readings(name, one) for one in part] if isinstance(part, list) else self.reading(name, *part)

    def _readable(self, name, parts):
        """The readings of those that could be read."""
        held = []
        for part in parts:
            try:
                held.append(self._readings(name, part))
            except AudioError:
                continue
        return held

    def _key(self, name, path, text):
        """Under which a reading is kept; None, and noted, where the recording is not there."""
        try:
            return digest(program_digest(), "reading", name, self.instruments[name].describe(text), path)
        except AudioError as error:
            self._unreadable[path] = str(error)
            return None

    def _done(self, what, tasks):
        tasks = list(tasks)
        return tqdm.tqdm(self._work(tasks), desc=what, total=len(tasks), file=sys.stderr, disable=not tasks)

    def _fail(self, question, system, error):
        self.failures.append(f"{question.pair.name}, {SYSTEMS[system].title}: {' '.join(str(error).split())}")


def _time_key(path):
    """Under which the time that a sound took is kept."""
    return f"time of {path.name}"


def _flat(parts):
    """The (path, text) in nested lists."""
    for part in parts:
        if isinstance(part, list):
            yield from _flat(part)
        elif part is not None:
            yield part
