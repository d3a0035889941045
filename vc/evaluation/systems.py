"""What answers a pair: the model, and the anchors that it is read against. To add one, give it a line in SYSTEMS."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vc.evaluation.cache import digest, program_digest

MODEL = "model"
VOCODED_SOURCE = "source_vocoded"


@dataclass(frozen=True)
class Maker:
    """A row. begins_with: the recording that is worked on, "source", or "target" for another recording of the target.

    tool: the Studio's attribute that makes the sound, "" where the recording is taken as it is. make: (tool, recording,
    references) -> waveform (N,). depends: (Facts) -> what the sound depends on besides the recordings, a tuple of str.
    wants_references: whether it depends on them.
    """

    title: str
    kind: str = "anchor"
    begins_with: str = "source"
    tool: str = ""
    make: Callable = lambda tool, recording, references: tool.convert(recording, references)
    depends: Callable = lambda facts: (facts.mel, facts.vocoder)
    wants_references: bool = True

    @property
    def says_source(self):
        return self.begins_with == "source"


def _resynthesise(tool, recording, references):
    return tool.resynthesise(recording)


SYSTEMS = {
    MODEL: Maker("converted", "model", tool="converter",
                 depends=lambda facts: (facts.fingerprint, facts.vocoder, facts.refined)),
    "source": Maker("source unchanged"),
    "target": Maker("target's other recording", begins_with="target"),
    VOCODED_SOURCE: Maker("source through mel and vocoder alone", tool="converter", make=_resynthesise,
                          wants_references=False),
    "target_vocoded": Maker("target's other recording through mel and vocoder alone", begins_with="target",
                            tool="converter", make=_resynthesise, wants_references=False),
    "classical": Maker("classical signal processing (WORLD)", tool="classical", depends=lambda facts: (facts.mel,)),
    "pca": Maker("principal components, as many numbers as the content half", tool="pca",
                 depends=lambda facts: (facts.mel, facts.vocoder, facts.components)),
}


@dataclass(frozen=True)
class Facts:
    """What decides how sounds are made, each as one string: the model's fingerprint, the vocoder, the mel, the
    principal components, and whether conversion is refined."""

    fingerprint: str
    vocoder: str
    mel: str
    components: str
    refined: str


def sound_path(folder, name, recording, references, facts):
    """Where the answer of a system lies or will lie: the recording itself, or a file in `folder`.

    The file's name tells what it was made from, so that another model, pair, mel or program never meets one of an
    earlier run.
    """
    maker = SYSTEMS[name]
    if not maker.tool:
        return recording
    heard = references if maker.wants_references else ()
    made_from = digest(program_digest(), name, *maker.depends(facts), recording, *heard)
    return Path(folder) / f"{recording.stem}_{name}_{made_from[:12]}.flac"
