"""What does each half of the embedding know? Fresh probes on frozen halves, judged on speech they were not trained on.

To add a probe: subclass `Probe` in a file of its own and name it in PROBES. `probe_speaker` is the small probe that
training's validation asks.
"""

from vc.errors import ConfigError
from vc.probing.base import Probe
from vc.probing.channel import Channel
from vc.probing.information import Information
from vc.probing.loudness import Loudness
from vc.probing.pitch import Pitch
from vc.probing.quick import probe_speaker
from vc.probing.speaker import Speaker
from vc.probing.text import Text

__all__ = ["PROBES", "Probe", "make_probe", "probe_speaker"]

PROBES = {"speaker": Speaker, "text": Text, "pitch": Pitch, "loudness": Loudness, "channel": Channel,
          "information": Information}


def make_probe(name) -> Probe:
    """The probe called `name`. Raises ConfigError that lists the names."""
    if name not in PROBES:
        raise ConfigError(f"unknown probe {name!r}; choose among {', '.join(PROBES)}")
    return PROBES[name]()
