"""The errors a user can meet.

Every message says what was got, what was expected and what to do about it; the command line prints it as one
line and exits with 1.
"""


class VcError(Exception):
    """Base of all errors that `vc` raises on purpose."""


class AudioError(VcError):
    """A recording cannot be read, used or written."""


class ConfigError(VcError):
    """A setting is unknown, of the wrong type or out of range."""


class DataError(VcError):
    """A folder of recordings or a prepared data set cannot be used."""


class CheckpointError(VcError):
    """A model file is damaged, foreign, of another version or does not fit its use."""


class VoiceError(VcError):
    """An enrolled voice is missing, exists already or belongs to another model."""


class SearchError(VcError):
    """An index of recordings belongs to another model, or a query cannot be looked for."""


class CheckError(VcError):
    """A calibration cannot be used, or a cost table makes no sense."""


class TrainingError(VcError):
    """Training cannot go on, for instance because a loss is not finite."""


class EvaluationError(VcError):
    """A list of pairs cannot be evaluated, a measure is not installed, or a report cannot be read."""


class CodecError(VcError):
    """A model has no codes, or a file of encoded speech is damaged, foreign or another model's."""
