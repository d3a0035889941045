"""Does it sound clean? DNSMOS (Reddy et al. 2022), a network that guesses how people would rate a recording."""

import importlib.metadata
from functools import cached_property
from pathlib import Path
from typing import final

import numpy as np

from vc.evaluation.instrument import SAMPLE_RATE_HZ, Instrument
from vc.evaluation.packages import require_packages
from vc.evaluation.result import Measure


@final
class Naturalness(Instrument):
    """Runs in one thread, so that workers do not fight for the processors."""

    measures = (Measure("dnsmos", "DNSMOS overall", "", "higher",
                        "A guard, not a verdict: it hears noise, reverberation and the buzz of a vocoder, but ranks "
                        "synthetic speech above people."),)

    def __init__(self, texts=()):
        super().__init__(texts)
        require_packages("naturalness", "speechmos", "onnxruntime", "librosa", "requests")

    def describe(self, text):
        return f"speechmos {importlib.metadata.version('speechmos')}"

    def read(self, sound):
        # The network was made for whole recordings; it repeats short ones until they last nine seconds.
        found = self._model(np.clip(sound.levelled, -1, 1), SAMPLE_RATE_HZ, False)
        return float(found["ovrl_mos"])

    def judge(self, case):
        return {"dnsmos": case.output}

    @cached_property
    def _model(self):
        import onnxruntime
        from speechmos import dnsmos

        folder, options = Path(dnsmos.__file__).parent / "dnsmos_models", onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        model = dnsmos.DNSMOS(str(folder / "sig_bak_ovr.onnx"), str(folder / "model_v8.onnx"))
        # The package offers no way to limit its threads but to open the networks once more.
        model.onnx_sess, model.p808_onnx_sess = (
            onnxruntime.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])
            for name in ("sig_bak_ovr.onnx", "model_v8.onnx"))
        return model
