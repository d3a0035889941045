"""The warning of recordings that do not sound like speech, sources and references alike."""

import logging

from vc.errors import CheckError

STRANGE_SHARE = 0.1  # recordings are speech nearly always, so what is warned of has to be strange indeed

_log = logging.getLogger(__name__)


def strange_from(model, converter):
    """The score from which a recording is warned of; None where the model, what --model names, has no calibration."""
    from vc.calibration import CostTable, calibration_beside, load_calibration
    from vc.conversion import model_path

    try:
        calibration = load_calibration(calibration_beside(model_path(model)), converter)
    except CheckError:
        return None
    return calibration.threshold(CostTable(share=STRANGE_SHARE))


def warn_of_strange(converter, recording, threshold, speech=None):
    """One line where a recording does not begin like speech that the model knows; it is used all the same. speech: what
    it holds, float32 (N,), where that has been read already."""
    from vc.familiarity import glance

    found = glance(converter, recording if speech is None else speech) if threshold is not None else None
    if found is not None and found.score >= threshold:
        _log.warning("%s: does not sound like speech that the model knows (score %.2f, from %.2f on); see `vc check`",
                     recording, found.score, threshold)
