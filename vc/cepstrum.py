"""How the sounds of a voice spread around their mean, and moving what was converted to the target's spread.

Mean and deviation of single bands (vc.spectrum) do not tell how bands go together: how far apart a voice's vowels lie,
how much its formants and its loudness move as one. The cepstrum does. Its slow coefficients, the envelope, are told by
all their covariances; of the fine structure, whose many coefficients would ask for more speech than references hold,
only the deviations are kept.

Among all linear maps that give one Gaussian the covariance of another, the map of optimal transport moves the points
least (Olkin and Pukelsheim 1982), so a sound stays the sound it is. Matching covariances between domains: CORAL (Sun et
al. 2016, arXiv 1511.05547); deviations of cepstra against over-smoothing: global variance (Toda and Tokuda 2007).
"""

from dataclasses import dataclass, replace

import torch

from vc.source_filter import cosine_basis, envelope_size

LEAST_VARIANCE = 0.02  # in square nepers, added to every direction, so that none is stretched for its noise
TARGET_TRUST_FRAMES = 200  # with so many frames of the target, its correlations are trusted half
OWN_TRUST_FRAMES = 400  # the same of what is moved, where an error costs words
MAX_FINE_STRETCH = 1.5  # of a deviation; more would lift noise


@dataclass(frozen=True)
class Spread:
    """Of the cepstrum of log-mel frames of M bands, E of whose coefficients are the envelope. envelope: covariance
    (E, E). fine: deviations (M - E,). share: how much of a voice it tells, less than 1 of one that lies between a voice
    that has a spread and one that has none."""

    envelope: torch.Tensor
    fine: torch.Tensor
    share: float = 1.0


def trusted(frames, half):
    """How far to trust what so many frames tell, from 0 to 1: of `half` frames half."""
    return frames / (frames + half)


def spread_of(frames) -> Spread:
    """Of log-mel frames (M, t), at least one of them."""
    envelope, fine = _parted(cosine_basis(len(frames)).to(frames) @ (frames - frames.mean(1, keepdim=True)))
    return Spread(envelope @ envelope.T / frames.shape[1], fine.std(1, correction=0))


def with_bands_stretched(spread: Spread, stretch) -> Spread:
    """The spread of the same frames after each band's distance from its mean is multiplied: by `stretch` (M,).

    What is not known, how envelope and fine structure and the coefficients of the latter go together, counts as not
    at all.
    """
    fine = spread.fine.square().diag()
    basis = cosine_basis(len(stretch)).to(stretch)
    moved = basis @ (stretch[:, None] * basis.T)
    covariance = moved @ torch.block_diag(spread.envelope, fine) @ moved.T
    size = len(spread.envelope)
    return replace(spread, envelope=covariance[:size, :size], fine=covariance.diagonal()[size:].clamp(min=0).sqrt())


def with_spread(frames, own: Spread, target: Spread, own_frames, target_frames, trust):
    """Log-mel frames (M, T) less their mean, brought to another spread: (M, T).

    own: theirs. own_frames, target_frames: how many speech frames tell the two. trust: how far to go, from 0 to 1.
    """
    basis = cosine_basis(len(frames)).to(frames)
    envelope, fine = _parted(basis @ frames)
    share = trusted(own_frames, OWN_TRUST_FRAMES) * trusted(target_frames, TARGET_TRUST_FRAMES)
    wanted = _shrunk(own.envelope, target.envelope.to(frames), share)
    bridge = torch.lerp(torch.eye(len(wanted), device=frames.device), _transport(own.envelope, wanted), trust)
    stretch = (target.fine.to(frames) / own.fine.clamp(min=1e-3)).clamp(1 / MAX_FINE_STRETCH, MAX_FINE_STRETCH) ** trust
    return basis.T @ torch.cat([bridge @ envelope, stretch[:, None] * fine])


def _parted(cepstrum):
    """Envelope (E, T) and fine structure (M - E, T) of a cepstrum (M, T)."""
    return cepstrum.tensor_split([envelope_size(len(cepstrum))])


def _shrunk(own, target, share):
    """The target's variances; its correlations by their share, for the rest one's own."""
    ratio = (target.diagonal() / own.diagonal().clamp(min=1e-6)).sqrt()
    return torch.lerp(ratio[:, None] * own * ratio, target, share)


def _transport(own, wanted):
    """The symmetric matrix A with A own A = wanted, LEAST_VARIANCE added to both: all (E, E).

    On the CPU, in double precision and by its eigenvectors, neither of which every device offers.
    """
    least = LEAST_VARIANCE * torch.eye(len(own), dtype=torch.float64)
    root, inverse_root = _roots(own.cpu().double() + least)
    middle, _ = _roots(root @ (wanted.cpu().double() + least) @ root)
    return (inverse_root @ middle @ inverse_root).to(own)


def _roots(matrix):
    """Of a positive definite matrix the symmetric square root and its inverse."""
    values, vectors = torch.linalg.eigh(matrix)
    roots = values.clamp(min=1e-9).sqrt()
    return vectors * roots @ vectors.T, vectors / roots @ vectors.T
