"""One evaluation from a list of pairs to a report: every system answers every pair, every answer is measured.

The work comes in three rounds that workers share: sounds are made, recordings are read by the instruments, halves are
taken for the maps. What a round gives is kept by content, so that a killed run goes on where it stopped and a second
model shares the anchors. The rest is arithmetic on readings, in this process.
"""

import io
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vc.conversion import load, model_path
from vc.errors import AudioError, DataError
from vc.evaluation.cache import Cache, digest, program_digest
from vc.evaluation.examiner import Examiner, Question
from vc.evaluation.instruments import INSTRUMENTS
from vc.evaluation.page import write_page
from vc.evaluation.pairs import evenly, own_recordings, parallel_recordings, read_pairs
from vc.evaluation.pca import MelReader, corpus_speech, fit_components, recordings_speech
from vc.evaluation.report import write_report
from vc.evaluation.studio import Settings, Studio, start_studio
from vc.evaluation.systems import Facts
from vc.evaluation.workforce import workforce
from vc.files import write_atomically
from vc.probing.report import load_findings
from vc.workers import processors


@dataclass(frozen=True)
class Request:
    """What to evaluate. model: None for the one in the package. manifest: table (path, speaker, text) with further
    recordings of the targets, by default manifest.tsv beside the pairs. limit: so many pairs, evenly from the list.
    cache: folder for what is kept, by default within `folder`. pca_data: a prepared corpus to fit the principal
    components on, by default the list's own recordings. workers: processes, by default one a processor. keep: copy
    sounds to listen to. force: make sounds anew. probes: what `vc probe` wrote of the same model. refined: see
    vc.conversion.load."""

    pairs: Path
    folder: Path
    model: Path | None = None
    manifest: Path | None = None
    device: str = "auto"
    vocoder: str | None = None
    workers: int | None = None
    limit: int | None = None
    cache: Path | None = None
    pca_data: Path | None = None
    keep: bool = False
    force: bool = False
    probes: Path | None = None
    refined: bool = True

    @property
    def table(self):
        """The table of recordings."""
        return Path(self.manifest or Path(self.pairs).parent / "manifest.tsv")


def evaluate(request: Request):
    """Evaluate and write the report; returns the Result. Raises VcError where nothing can be evaluated; what fails for
    one answer stands in the result's failures."""
    questions, texts = read_questions(request)
    converter = load(request.model, request.device, request.vocoder, request.refined)
    probes = {} if request.probes is None else load_findings(request.probes, converter.fingerprint)
    instruments = {name: instrument(texts) for name, instrument in INSTRUMENTS.items()}
    cache_folder = Path(request.cache or Path(request.folder) / "cache")
    components = fit_pca(converter.model.config, questions, cache_folder, request.pca_data)
    settings = Settings(model_path(request.model), request.device, request.vocoder, components, texts, request.refined)
    facts = Facts(converter.fingerprint, converter.vocoder.fingerprint, converter.mel.model_dump_json(),
                  components.stem, str(request.refined))
    with workforce(start_studio, settings, request.workers or processors(), Studio(settings, converter)) as work:
        examiner = Examiner(work, Cache(cache_folder / "readings.jsonl"), instruments, facts,
                            some_of(questions, request.limit))
        examiner.make_sounds(cache_folder / "sounds", request.force)
        examiner.read()
        halves = examiner.take_halves(recordings_of(examiner.questions))
        report = write_report(request, examiner, converter, halves, probes)
    write_page(request.folder)
    return report


def read_questions(request):
    """(all Questions of the list, all texts that may be heard). Raises DataError."""
    pairs, manifest = read_pairs(request.pairs), request.table
    if not manifest.exists():
        raise DataError(f"{manifest}: no such table of recordings; name one with the target speakers by --manifest")
    others, parallels = own_recordings(pairs, manifest), parallel_recordings(pairs, manifest)
    questions = [Question(number, *parts) for number, parts in enumerate(zip(pairs, others, parallels))]
    if not recordings_of(questions):
        raise DataError(f"{pairs[0].source}: not found, nor any other recording that {request.pairs} names; its paths "
                        f"begin at its own folder")
    # The recogniser's candidates come from all texts, so that a part of the list gives the same readings as the whole.
    return questions, tuple([pair.text for pair in pairs] + [other.text for other in others if other])


def some_of(questions, limit):
    """At most `limit` of them, numbered anew, evenly over the list, which begins with the pairs of one source."""
    if limit is None:
        return questions
    return [replace(question, number=number) for number, question in enumerate(evenly(questions, limit))]


def recordings_of(questions):
    """{path: speaker} of all sources and references, those that exist."""
    found = {}
    for question in questions:
        found.setdefault(question.pair.source, question.pair.source_speaker)
        found.update(dict.fromkeys(question.pair.references, question.pair.target_speaker))
    return {path: speaker for path, speaker in found.items() if path.is_file()}


def fit_pca(config, questions, folder, corpus=None):
    """Path of the principal components for a model's config, kept in `folder`: fitted on a prepared corpus, or on all
    sources and references of the list that can be read. Raises DataError, or AudioError where none can."""
    reader = MelReader(config)
    paths = sorted(recordings_of(questions))
    origin = [(Path(corpus) / "manifest.tsv")] if corpus else paths
    if not all(path.is_file() for path in origin):
        raise DataError(f"{corpus}: not a prepared corpus (no manifest.tsv); make one with `vc prepare`")
    count = config.model.content_dims
    made_from = digest(program_digest(), config.mel.model_dump_json(), f"{reader.stride} {count}", *origin)
    path = folder / f"pca_{made_from}.npz"
    if not path.exists():
        components = fit_components(corpus_speech(reader, corpus) if corpus else _list_speech(reader, paths), count)
        content = io.BytesIO()
        np.savez(content, mean=components.mean, basis=components.basis)
        write_atomically(path, content.getvalue())
    return path


def _list_speech(reader, paths):
    """The speech of those recordings that can be read; the others fail their pairs by name. Raises AudioError where
    none can."""
    errors = []
    for path in paths:
        try:
            yield from recordings_speech(reader, [path])
        except AudioError as error:
            errors.append(error)
    if len(errors) == len(paths):
        raise AudioError(f"{errors[0]} (nor can any other recording of the list be read)")
