"""The fundamental frequency of a voice over time.

The tracker is Boersma's (1993, IFA Proceedings 17): the autocorrelation of each windowed frame, divided by the window's
own, has its highest peaks at the period and its multiples; a path through the candidates of all frames is chosen that
is strong, avoids octave jumps and changes between voiced and unvoiced rarely. Correlations see only what lies between
HUM_HZ and VOICE_HZ: below is the hum of the mains and of rooms, which would be tracked in a voice's stead, and of the
lowest voices the fundamental alone, which the harmonics above tell of as well; beyond, noise disturbs a voice most.
"""

import numpy as np

LOWEST_HZ, HIGHEST_HZ = 60.0, 550.0
HUM_HZ, VOICE_HZ = 75.0, 1500.0
HUM_SLOPE, VOICE_SLOPE = 16, 4  # orders of the filters at these edges (Butterworth's magnitudes, no delay)
PERIODS = 3  # of LOWEST_HZ in a window
CANDIDATES = 6
VOICING_THRESHOLD = 0.45  # correlation at which voiced and unvoiced are equally likely
SILENCE_SHARE = 0.02  # of the recording's peak below which a frame is hardly voiced
LEAST_PEAK = 1e-9  # nothing is heard in a recording that is softer
OCTAVE_COST, JUMP_COST, VOICING_COST = 0.04, 0.6, 0.25
COSTS_AT_S = 0.01  # between frames so far apart a change costs what is said above
BATCH = 512


def track_pitch(wave, sample_rate_hz, hop_samples):
    """F0 in Hz of each frame, 0 where unvoiced: float32 (N,) -> float32 (T,), T = N // hop_samples + 1.

    Frame t is centred on sample t * hop_samples, as the mel's are. Voices between LOWEST_HZ and HIGHEST_HZ.
    """
    frames = len(wave) // hop_samples + 1
    wave = np.asarray(wave, np.float32)
    if np.abs(wave).max(initial=0) < LEAST_PEAK:
        return np.zeros(frames, np.float32)
    found = [_candidates(wave, start, min(start + BATCH, frames), sample_rate_hz, hop_samples)
             for start in range(0, frames, BATCH)]
    hertz, strength, loudest = (np.concatenate(parts) for parts in zip(*found, strict=True))
    silence = SILENCE_SHARE / (1 + VOICING_THRESHOLD) * loudest.max()
    unvoiced = VOICING_THRESHOLD + np.maximum(0, 2 - loudest / silence)
    hertz = np.concatenate([np.zeros_like(unvoiced)[:, None], hertz], 1)
    strength = np.concatenate([unvoiced[:, None], strength], 1)
    return _best_path(hertz, strength, COSTS_AT_S * sample_rate_hz / hop_samples)


def _candidates(wave, start, stop, sample_rate_hz, hop_samples):
    """Frequencies in Hz and strengths (t, CANDIDATES) of the frames from start to stop, and how loud each is (t,)."""
    size = round(PERIODS * sample_rate_hz / LOWEST_HZ)
    frames = _frames(wave, np.arange(start, stop) * hop_samples - size // 2, size, sample_rate_hz)
    correlation = _correlation(frames, sample_rate_hz)
    shortest, longest = int(sample_rate_hz / HIGHEST_HZ), int(np.ceil(sample_rate_hz / LOWEST_HZ))
    left, middle, right = (correlation[:, shortest + step:longest + 1 + step] for step in (-1, 0, 1))
    peak = (middle > left) & (middle >= right)
    shift = np.where(peak, left - right, 0) / (2 * np.where(peak, left - 2 * middle + right, -1))
    hertz = sample_rate_hz / (np.arange(shortest, longest + 1) + shift)
    # By its highest sample alone a short period would seem weaker than its multiples.
    strength = np.where(peak, middle - (left - right) * shift / 4 - OCTAVE_COST * np.log2(HIGHEST_HZ / hertz), -1)
    best = np.argpartition(-strength, CANDIDATES, axis=1)[:, :CANDIDATES]
    return np.take_along_axis(hertz, best, 1), np.take_along_axis(strength, best, 1), np.abs(frames).max(1)


def _frames(wave, starts, size, sample_rate_hz):
    """Windows (t, size), without hum, of a wave that is silent before and after."""
    begin, end = int(starts[0]), int(starts[-1]) + size
    padded = np.pad(wave[max(0, begin):max(0, end)], (max(0, -begin), max(0, end - len(wave))))
    heard = _without_hum(padded, sample_rate_hz)
    return np.lib.stride_tricks.sliding_window_view(heard, size)[starts - begin]


def _without_hum(wave, sample_rate_hz):
    """A waveform (N,) without what lies below HUM_HZ."""
    spectrum = np.fft.rfft(wave)
    hertz = np.fft.rfftfreq(len(wave), 1 / sample_rate_hz)[1:]
    spectrum[0] = 0
    spectrum[1:] /= np.sqrt(1 + (HUM_HZ / hertz) ** (2 * HUM_SLOPE))
    return np.fft.irfft(spectrum, len(wave)).astype(np.float32)


def _correlation(frames, sample_rate_hz):
    """Normalised autocorrelation by lag in samples, of what lies below VOICE_HZ: (t, size) -> (t, size // 2)."""
    size = frames.shape[1]
    window = np.hanning(size).astype(np.float32)
    points = 1 << (2 * size - 1).bit_length()
    passed = 1 / (1 + (np.fft.rfftfreq(points, 1 / sample_rate_hz) / VOICE_HZ) ** (2 * VOICE_SLOPE))

    def lags(windowed, weight):
        power = np.abs(np.fft.rfft(windowed, points)) ** 2
        found = np.fft.irfft(power * weight, points)[..., :size // 2]
        return found / (found[..., :1] + 1e-12)

    return lags(frames * window, passed) / lags(window, 1.0)


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
