"""What needs no model: duration, level, clipping, and the time that converting took."""

from typing import final

from vc.audio import audio_info, load_audio
from vc.evaluation.instrument import Instrument
from vc.evaluation.result import Measure
from vc.level import clipped_share, speech_level_db


@final
class Signal(Instrument):
    """Reads the file as it is, at its own rate and level."""

    measures = (
        Measure("duration_ratio", "duration over the source's", "", "", "Exact; 1 keeps the source's timing."),
        Measure("level_difference", "level above the source's", "dB", "",
                "Exact to a tenth of a decibel: the level of the speech, pauses do not count."),
        Measure("clipped", "samples cut off at full scale", "%", "lower",
                "Exact: runs of three or more samples at full scale."),
        Measure("real_time_factor", "real-time factor", "", "lower",
                "Depends on the machine and on what else it does: compare rows of one report."),
    )
    needs = ("output", "source")

    def describe(self, text):
        return "1"

    def read(self, sound):
        """[seconds, speech level in dBFS, share of clipped samples]"""
        rate_hz = audio_info(sound.path).sample_rate_hz
        audio = load_audio(sound.path, rate_hz)
        return [len(audio) / rate_hz, speech_level_db(audio, rate_hz), clipped_share(audio)]

    def judge(self, case):
        seconds, level_db, clipped = case.output
        source_s, source_db, _ = case.source
        return {"duration_ratio": seconds / source_s if case.says_source else None,
                "level_difference": level_db - source_db if case.says_source else None,
                "clipped": 100 * clipped, "real_time_factor": case.seconds_ratio}
