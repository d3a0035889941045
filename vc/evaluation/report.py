"""From an examiner's readings to the report that is left behind."""

import contextlib
import math
import os
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import vc
from vc.checkpoint import load_checkpoint
from vc.conversion import model_path
from vc.errors import AudioError
from vc.evaluation import listening, result
from vc.evaluation.figures import OTHER_COSINES, summarise
from vc.evaluation.groups import WOMAN_ABOVE_HZ, group_names, know_speakers
from vc.evaluation.intervals import CONFIDENCE, FEWEST, RESAMPLES
from vc.evaluation.maps import draw_maps
from vc.evaluation.systems import SYSTEMS


def write_report(request, examiner, converter, halves, probes):
    """Judge every answer, write the report and what is kept to listen to; returns the Result.

    halves: list of (speaker, {"speaker", "content"}) of the recordings. probes: what load_findings gave.
    """
    speakers = _know_speakers(request, examiner)
    items, other_cosines = _items(examiner, speakers)
    sounds = {key: answer.path for key, answer in examiner.answers.items()}
    chosen = listening.choose(items) if request.keep else {}
    kept = listening.keep(request.folder, items, sounds, chosen)
    items = [replace(item, audio=kept.get((item.pair, item.system), "")) for item in items]
    measures = [measure for instrument in examiner.instruments.values() for measure in instrument.measures]
    figures = summarise(measures, items, [question.pair for question in examiner.questions], other_cosines)
    taken = {figure.measure for figure in figures}
    found = result.Result(
        model=_describe(request, converter, examiner), measures=[one for one in measures if one.name in taken],
        systems=[result.System(name, maker.title, maker.kind) for name, maker in SYSTEMS.items()],
        pairs=_pairs(request, examiner.questions), items=items, figures=figures, points=draw_maps(halves),
        listening=chosen, probes=probes, failures=examiner.failures,
        notes=_notes(request, examiner, speakers, [one for one in measures if one.name not in taken]))
    result.save_result(request.folder, found)
    return found


def _items(examiner, speakers):
    """(list of Item, {(pair, system): cosines to the other targets})."""
    items, other_cosines = [], {}
    for question in examiner.questions:
        for system in SYSTEMS:
            answer = examiner.answers.get((question.number, system))
            values = answer and examiner.judge(answer)
            if values:
                other_cosines[question.number, system] = values.pop(OTHER_COSINES, [])
                items.append(result.Item(question.number, system, group_names(question.pair, speakers), _plain(values)))
    return items, other_cosines


def _plain(values):
    """As JSON writes them: floats of six digits, None for what is not finite."""
    return {name: None if value is None or not math.isfinite(value) else round(float(value), 6)
            for name, value in values.items()}


def _know_speakers(request, examiner):
    contours, names = defaultdict(list), set()
    for question in examiner.questions:
        pair = question.pair
        names |= {pair.source_speaker, pair.target_speaker}
        recordings = [(pair.source_speaker, pair.source), *((pair.target_speaker, path) for path in pair.references)]
        for speaker, path in recordings:
            with contextlib.suppress(AudioError):  # one that could not be read has failed its pairs
                contours[speaker].extend([examiner.reading("pitch", path)] if "pitch" in examiner.instruments else [])
    trained_on = load_checkpoint(model_path(request.model)).extra.get("speakers")
    return know_speakers(request.table, sorted(names), contours, trained_on if isinstance(trained_on, list) else None)


def _describe(request, converter, examiner):
    config = converter.model.config
    return {"name": str(request.model) if request.model else "default", "fingerprint": converter.fingerprint,
            "step": converter.step, "vocoder": converter.vocoder.fingerprint, "program": f"vc {vc.__version__}",
            "parameters": sum(parameter.numel() for parameter in converter.model.parameters()),
            "content_dims": config.model.content_dims, "speaker_dims": config.model.speaker_dims,
            "content_frames_per_s": config.mel.sample_rate_hz / config.mel.hop_samples / config.model.stride,
            "list": Path(request.pairs).name, "pairs": len(examiner.questions), "refined": request.refined}


def _pairs(request, questions):
    def told(path):
        return Path(os.path.relpath(path, Path(request.pairs).parent)).as_posix()
    return [result.Pair(question.pair.name, told(question.pair.source), question.pair.source_speaker,
                        question.pair.target_speaker, [told(path) for path in question.pair.references],
                        question.pair.text) for question in questions]


def _notes(request, examiner, speakers, missing):
    """What one must know to read the figures."""
    fitted = "a prepared corpus" if request.pca_data else "the list's sources and references themselves"
    notes = [
        f"In brackets: {CONFIDENCE:.0%} intervals. Speakers are drawn anew, a pair counts by how often both of its "
        f"were (pigeonhole bootstrap, Owen 2007), {RESAMPLES} times (1000 for the equal error rate), and of few "
        "speakers more than the middle 95 % count (Hesterberg 2015). So they tell how other speakers like these would "
        "fare. Where one side is a single speaker, that one's recordings are drawn; where it has only two to "
        f"{FEWEST - 1} speakers, or an equal error rate is without error, there is no interval. Shares have Wilson's "
        "(1927), with as many trials as the drawing leaves.",
        "Cosine to target: with the mean direction of the references. Other target speakers are known by the "
        "references of the first pair that names them.",
        "The classical converter moves the mean and deviation of log-F0 to the target's, stretches the spectral "
        "envelope by one ratio found on long-term means, and moves its long-term mean onto the target's (WORLD).",
        "The principal components describe stacked mel frames by as many numbers a second as the content half, fitted "
        f"on {fitted}; converting replaces each component's mean and deviation by those of the target's references.",
        *(note for instrument in examiner.instruments.values() for note in instrument.notes()),
    ]
    if not request.refined:
        notes.append("Converted: what the two halves say by themselves, without what recordings tell beyond them.")
    if speakers.gender_is_guessed:
        notes.append(f"Woman and man are guesses from the median F0 of a speaker's recordings, above or below "
                     f"{WOMAN_ABOVE_HZ:.0f} Hz; a column gender in the table of recordings would tell.")
    return notes + [f"Nothing could be said of {measure.title}." for measure in missing]
