"""How close a result is to target and source, and what a machine still understands: the evaluation's own measures.

They need Resemblyzer and pocketsphinx (`pip install vc[evaluate]`). Where one is missing its line is left out.
"""

import functools
import html

import numpy as np

from vc.audio import load_audio
from vc.errors import VcError
from vc.level import require_speech, speech_level_db

SAMPLE_RATE_HZ = 16000
LEVEL_DBFS = -30.0  # Resemblyzer's features are not logarithmic; this is the level it was trained at


@functools.cache
def embedder():
    """The evaluation's SpeakerEmbedder, or None where it is not installed."""
    try:
        from vc.evaluation.similarity import SpeakerEmbedder

        return SpeakerEmbedder()
    except (ImportError, VcError):
        return None


def badge(source, target, result, said="", others=()):
    """HTML that says how a result compares, or "" where nothing can be measured.

    target: a recording of the target voice, or None. said: the text of the source, or "". others: texts that lend the
    recogniser words to choose among.
    """
    lines = [*_similarity(source, target, result), *_understood(result, said, others)]
    return f'<div class="vc-badge">{"".join(lines)}</div>' if lines else ""


def _similarity(source, target, result):
    if embedder() is None or target is None:
        return []
    voices = [embedder().embed(_levelled(path)) for path in (result, target, source)]
    to_target, to_source = (float(np.dot(voices[0], voice)) for voice in voices[1:])
    verdict = ("closer to the target than to the source" if to_target > to_source
               else "still closer to the source than to the target")
    return [f"<p><b>{html.escape(verdict.capitalize())}</b> to Resemblyzer's ear, where 1 is the same recording and two "
            f"strangers have about 0.55.</p>", _bar("to the target", to_target, "vc-target"),
            _bar("to the source", to_source, "vc-source")]


def _bar(label, cosine, kind):
    return (f'<div class="vc-bar {kind}"><span>{label}</span><meter min="0" max="1" value="{cosine:.3f}" '
            f'aria-label="{label}"></meter><span>{cosine:.2f}</span></div>')


def _understood(result, said, others):
    if not said.strip():
        return []
    try:
        from vc.evaluation.recognition import Recogniser, edit_distance, split_words

        heard = Recogniser([said, *others]).transcribe(_levelled(result), said)
    except (ImportError, VcError):
        return []
    words = split_words(said)
    wrong = min(edit_distance(words, split_words(heard)), len(words))
    return [f"<p><b>{len(words) - wrong} of {len(words)} words</b> were understood by pocketsphinx, a strict listener: "
            f"<q>{html.escape(heard)}</q></p>"]


def _levelled(path):
    audio = load_audio(path, SAMPLE_RATE_HZ)
    require_speech(audio, SAMPLE_RATE_HZ, path, min_s=0.1)
    return audio * np.float32(10 ** ((LEVEL_DBFS - speech_level_db(audio, SAMPLE_RATE_HZ)) / 20))
