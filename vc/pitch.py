"""The fundamental frequency of a voice over time.

The tracker is Boersma's (1993, IFA Proceedings 17): the autocorrelation of each windowed frame, divided by the window's
own, has its highest peaks at the period and its multiples; a path through the candidates of all frames is chosen that
is strong, avoids octave jumps and changes between voiced and unvoiced rarely. Correlations see only what lies below
VOICE_HZ, where noise disturbs a voice least.
"""

import numpy as np

LOWEST_HZ, HIGHEST_HZ = 60.0, 550.0
VOICE_HZ = 1500.0
PERIODS = 3  # of LOWEST_HZ in a window
CANDIDATES = 6
VOICING_THRESHOLD = 0.45  # correlation at which voiced and unvoiced are equally likely
SILENCE_SHARE = 0.02  # of the recording's peak below which a frame is hardly voiced
OCTAVE_COST, JUMP_COST, VOICING_COST = 0.02, 0.35, 0.14
COSTS_AT_S = 0.01  # between frames so far apart a change costs what is said above
BATCH = 512


def track_pitch(wave, sample_rate_hz, hop_samples):
    """F0 in Hz of each frame, 0 where unvoiced: float32 (N,) -> float32 (T,), T = N // hop_samples + 1.

    Frame t is centred on sample t * hop_samples, as the mel's are. Voices between LOWEST_HZ and HIGHEST_HZ.
    """
    frames = len(wave) // hop_samples + 1
    wave = np.asarray(wave, np.float32)
    peak = float(np.abs(wave).max(initial=0))
    if peak == 0:
        return np.zeros(frames, np.float32)
    found = [_candidates(wave, start, min(start + BATCH, frames), sample_rate_hz, hop_samples, peak)
             for start in range(0, frames, BATCH)]
    hertz, strength = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return _best_path(hertz, strength, COSTS_AT_S * sample_rate_hz / hop_samples)


def _candidates(wave, start, stop, sample_rate_hz, hop_samples, peak):
    """Frequencies in Hz and strengths (t, 1 + CANDIDATES) of the frames from start to stop; the first is "unvoiced"."""
    size = round(PERIODS * sample_rate_hz / LOWEST_HZ)
    frames = _frames(wave, np.arange(start, stop) * hop_samples - size // 2, size)
    loudest = np.abs(frames - frames.mean(1, keepdims=True)).max(1)
    correlation = _correlation(frames, sample_rate_hz)
    shortest, longest = int(sample_rate_hz / HIGHEST_HZ), int(np.ceil(sample_rate_hz / LOWEST_HZ))
    left, middle, right = (correlation[:, shortest + step:longest + 1 + step] for step in (-1, 0, 1))
    height = np.where((middle > left) & (middle >= right), middle, -1)
    best = np.argpartition(-height, CANDIDATES, axis=1)[:, :CANDIDATES]
    left, middle, right, height = (np.take_along_axis(values, best, 1) for values in (left, middle, right, height))
    curvature = left - 2 * middle + right
    shift = np.where(height > 0, (left - right) / (2 * np.where(curvature < 0, curvature, -1)), 0).clip(-0.5, 0.5)
    hertz = sample_rate_hz / (best + shortest + shift)
    strength = middle - (left - right) * shift / 4 - OCTAVE_COST * np.log2(HIGHEST_HZ / hertz)
    strength = np.where(height > 0, strength, -1)
    unvoiced = VOICING_THRESHOLD + np.maximum(0, 2 - loudest / peak / (SILENCE_SHARE / (1 + VOICING_THRESHOLD)))
    return (np.concatenate([np.zeros_like(unvoiced)[:, None], hertz], 1),
            np.concatenate([unvoiced[:, None], strength], 1))


def _frames(wave, starts, size):
    """Windows (t, size) of a wave that is silent before and after."""
    before, after = max(0, -int(starts[0])), max(0, int(starts[-1]) + size - len(wave))
    padded = np.pad(wave[max(0, int(starts[0])):max(0, int(starts[-1]) + size)], (before, after))
    offsets = starts - starts[0]
    return np.lib.stride_tricks.sliding_window_view(padded, size)[offsets]


def _correlation(frames, sample_rate_hz):
    """Normalised autocorrelation by lag in samples, of what lies below VOICE_HZ: (t, size) -> (t, size // 2)."""
    size = frames.shape[1]
    window = np.hanning(size).astype(np.float32)
    points = 1 << (2 * size - 1).bit_length()
    passed = 1 / (1 + (np.fft.rfftfreq(points, 1 / sample_rate_hz) / VOICE_HZ) ** 8)

    def lags(windowed, weight):
        power = np.abs(np.fft.rfft(windowed, points)) ** 2
        found = np.fft.irfft(power * weight, points)[..., :size // 2]
        return found / (found[..., :1] + 1e-12)

    windowed = (frames - frames.mean(1, keepdims=True)) * window
    return lags(windowed, passed) / lags(window, 1.0)


def _best_path(hertz, strength, cost_scale):
    """The strongest path (T,) in Hz through candidates (T, K), by dynamic programming."""
    octaves = np.log2(np.where(hertz > 0, hertz, 1))
    voiced = hertz > 0
    score, origins = strength[0], []
    for t in range(1, len(hertz)):
        both = voiced[t - 1][:, None] & voiced[t][None]
        changes = voiced[t - 1][:, None] ^ voiced[t][None]
        cost = np.where(both, JUMP_COST * np.abs(octaves[t - 1][:, None] - octaves[t][None]), VOICING_COST * changes)
        total = score[:, None] - cost_scale * cost
        origins.append(total.argmax(0))
        score = total.max(0) + strength[t]
    path = [int(score.argmax())]
    for origin in reversed(origins):
        path.append(int(origin[path[-1]]))
    return hertz[np.arange(len(hertz)), path[::-1]].astype(np.float32)
