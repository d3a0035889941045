"""The decoder's last layer, fitted to a voice in closed form.

The speaker half is one point for all that a voice can do, and the decoder says every sound the way that voices near
that point mostly do. Where recordings of the voice are at hand, they tell what it got wrong: the decoder repeats them,
and what is left over - the recorded mel less the repeated one - is predicted from what the decoder's last layer sees,
by a linear map that ridge regression finds in one step. In conversion the map corrects what the decoder says of the
source.

The map is attention over the target's frames with the softmax left out: each of them counts by how alike it is to the
source's in the eyes of the last layer. A model that is trained with its layer refitted in each step learns to see what
lets few frames tell much. Closed-form solvers inside of training: Bertinetto et al. 2019, "Meta-learning with
differentiable closed-form solvers" (arXiv 1805.08136). Linear maps fitted to a speaker: maximum likelihood linear
regression in recognition (Leggetter and Woodland 1995). Attention to the target in voice conversion: FragmentVC (Lin et
al. 2021, arXiv 2010.14150), TriAAN-VC (Park et al. 2023, arXiv 2303.09057).
"""

import torch
from torch.nn import functional as F

STIFFNESS = 25.0  # of the regression: what a map has to pay for its size, so that few frames correct little
HIGHEST_LEVERAGE = 0.9  # a frame unlike all others is its own explanation; what is left of it stays within ten times
CONSTANT = 3.5  # the feature that is always on; it pays for what is wrong of every sound


def fit(features, left_over, speech):
    """The map of each voice (B, M, W + 1), float32.

    features: what the last layer saw while the decoder repeated recordings (B, W, T). left_over: of their log-mels
    (B, M, T). speech: which of the frames count (B, T), bool.
    """
    if features.shape[2] > features.shape[1]:
        return solve(evidence(features, left_over, speech))
    with torch.autocast(features.device.type, enabled=False):  # few frames: the same map from a smaller matrix
        seen = _seen(features, speech)
        return torch.cholesky_solve(left_over.float().mT, _root(seen.mT @ seen)).mT @ seen.mT


def evidence(features, left_over, speech):
    """What frames tell of the map (B, M + W + 1, W + 1), float32: that of more frames is the sum. Shapes as in `fit`.
    """
    with torch.autocast(features.device.type, enabled=False):  # sums of squares need all the digits
        seen = _seen(features, speech)
        return torch.cat([left_over.float(), seen], dim=1) @ seen.mT


def solve(told):
    """The map of each voice (B, M, W + 1), from what `evidence` says."""
    left_over, seen = told.tensor_split([-told.shape[2]], dim=1)
    return torch.cholesky_solve(left_over.mT, _root(seen)).mT


def correction(maps, features, speech):
    """What to add to the decoder's log-mel, zero outside of speech: (B, M, W + 1), (B, W, T), (B, T) -> (B, M, T)."""
    with torch.autocast(features.device.type, enabled=False):
        return maps @ _seen(features, speech)


def unexplained(features, left_over, speech):
    """What no voice explains: left_over less, for each frame of speech, what a map fitted to the others tells of it.

    Shapes as in `fit`; (B, M, T). In closed form, by the frame's leverage (Allen 1974, the PRESS statistic).
    """
    with torch.autocast(features.device.type, enabled=False):
        seen = _seen(features, speech)
        weights = torch.cholesky_solve(seen, _root(seen @ seen.mT))  # with them, left_over @ weights.mT is the map
        leverage = (seen * weights).sum(1, keepdim=True)
        return (left_over - left_over @ weights.mT @ seen) / (1 - leverage.clamp(max=HIGHEST_LEVERAGE))


def _root(products):
    """Cholesky factor of the regression's matrix, from the products of all features, or of all frames: (B, n, n)."""
    matrix = products + STIFFNESS * torch.eye(products.shape[1], device=products.device)
    return torch.linalg.cholesky_ex(matrix).L  # stiff enough not to fail, and asking whether it did waits for a GPU


def _seen(features, speech):
    """Of the frames that are speech, the features and the constant: (B, W + 1, T), 0 elsewhere."""
    return F.pad(features.float(), (0, 0, 0, 1), value=CONSTANT) * speech.unsqueeze(1)
