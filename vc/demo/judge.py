"""How close a result is to target and source, and what a machine still understands: the evaluation's own instruments.

They need Resemblyzer and pocketsphinx (`pip install vc[evaluate]`). Where one is missing, or can do nothing with what
it is given, such as silence, its line is left out.
"""

import contextlib
import functools
import html

from vc.errors import AudioError, VcError


@functools.cache
def similarity():
    """The evaluation's Similarity, or None where Resemblyzer is not installed."""
    try:
        from vc.evaluation.similarity import Similarity

        return Similarity()
    except (ImportError, VcError):
        return None


def recognition(texts):
    """The evaluation's Recognition for these texts, or None where pocketsphinx is not installed."""
    try:
        from vc.evaluation.recognition import Recognition

        return Recognition(texts)
    except (ImportError, VcError):
        return None


def badge(source, target, result, said="", others=()):
    """HTML that says how a result compares, or "" where nothing can be measured.

    target: a recording of the target voice, or None. said: the text of the source, or ""; a page that is still being
    set up sends None. others: texts that lend the recogniser words to choose among.
    """
    lines = []
    if target is not None and similarity() is not None:
        with contextlib.suppress(AudioError):
            lines += _similarity_lines(similarity(), source, target, result)
    if said and said.strip() and (listener := recognition([said, *others])):
        with contextlib.suppress(AudioError):
            lines += _recognition_lines(listener, result, said)
    return f'<div class="vc-badge">{"".join(lines)}</div>' if lines else ""


def _similarity_lines(ear, source, target, result):
    from vc.evaluation.instrument import Case, Sound

    result, source, target = (ear.read(Sound(path)) for path in (result, source, target))
    values = ear.judge(Case(result, source=source, references=[target]))
    verdict = "Closer to the target than to the source" if values["nearer_target"] else "Still closer to the source"
    return [f"<p><b>{verdict}</b> to Resemblyzer's ear, where 1 is the same recording and two strangers have about "
            f"0.55.</p>", _bar("to the target", values["cosine_to_target"], "vc-target"),
            _bar("to the source", values["cosine_to_source"], "vc-source")]


def _bar(label, cosine, kind):
    return (f'<div class="vc-bar {kind}"><span>{label}</span><meter min="0" max="1" value="{cosine:.3f}" '
            f'aria-label="{label}"></meter><span>{cosine:.2f}</span></div>')


def _recognition_lines(listener, result, said):
    from vc.evaluation.instrument import Case, Sound

    heard = listener.read(Sound(result, said))
    values = listener.judge(Case(heard, said))
    understood = max(0, round(values["words"] * (1 - values["wer"] / 100)))
    return [f"<p><b>{understood} of {values['words']} words</b> were understood by pocketsphinx, a strict listener: "
            f"<q>{html.escape(heard)}</q></p>"]
