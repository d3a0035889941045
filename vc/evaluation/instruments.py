"""All measures. To add one: an Instrument in a file of its own (see vc.evaluation.instrument) and a line here."""

from vc.evaluation.cepstrum import Cepstrum
from vc.evaluation.naturalness import Naturalness
from vc.evaluation.pitch import Pitch
from vc.evaluation.recognition import Recognition
from vc.evaluation.signal import Signal
from vc.evaluation.similarity import Similarity

INSTRUMENTS = {
    "similarity": Similarity,
    "recognition": Recognition,
    "naturalness": Naturalness,
    "pitch": Pitch,
    "cepstrum": Cepstrum,
    "signal": Signal,
}
