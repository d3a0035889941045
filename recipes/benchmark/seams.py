"""Can it be heard where a long conversion was put together? Roughness of the result there against no seam at all.

Roughness is spectral flux: how much the magnitude spectrum changes from one frame to the next, as a share of both. The
same recording is converted twice, the second time with LEAD_S more before it, so that all borders fall elsewhere; what
is read is the flux at the borders of the first over that of the second at the very same moments. A ratio of 1 means
that nothing shows. Beside it stands what chance alone gives: the range that holds nine in ten of the ratios that the
same pattern of places has when it is moved to where neither has a border.
"""

import tempfile
from pathlib import Path

import numpy as np
import soundfile
import torch
from figures import Figure
from sources import write_utterances, write_vowel

from vc.conversion import OVERLAP_S, WINDOW_S, load
from vc.data.store import SpeechStore
from vc.vocoders.griffin_lim import BLOCK_FRAMES, OVERLAP_FRAMES

SECONDS = 300
LEAD_S = 4.6  # half of the way between two Griffin-Lim joints, and no multiple of the windows' 4 s or 20 s
FRAME_S, HOP_S = 0.02, 0.005
REACH_S = 0.03  # how far from a border its seam is looked for
AUDIBLE_DB = 40.0  # frames further below the loudest are pauses, whose flux is noise
SHIFTS = 500


def measure(options):
    """Figures for real speech and for a vowel that goes on and on, of Griffin-Lim joints and of the model's windows."""
    torch.set_num_threads(1)
    converter = load(options.model, "cpu", "griffin-lim")  # the neural vocoder's blocks have no joints
    voice = converter.voice_of(options.target)
    ways = {"converted": lambda path: converter.convert(path, voice), "vocoder alone": converter.resynthesise}
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        speech, vowel = Path(folder) / "speech.wav", Path(folder) / "vowel.wav"
        write_utterances(speech, SpeechStore(options.data), SECONDS)
        write_vowel(vowel, SECONDS, converter.sample_rate)
        for path in (speech, vowel):
            led, plain = path, _without_lead(path)
            for way, convert in ways.items():
                fluxes = _aligned_roughness(convert(plain), convert(led), converter.sample_rate)
                places = border_places(len(fluxes[0]) * HOP_S, converter.mel)
                figures += _figures(f"{path.stem}, {way}", *fluxes, places, kinds=list(places)[way == "vocoder alone":])
    return figures


def border_places(duration_s, mel):
    """{kind: where such borders lie in a result, in s}."""
    step_s, fade_s = WINDOW_S - OVERLAP_S, OVERLAP_S
    starts_s = np.arange(step_s, duration_s - fade_s, step_s)
    frame_s = mel.hop_samples / mel.sample_rate_hz
    block_s = (BLOCK_FRAMES - 1 - 2 * OVERLAP_FRAMES) * frame_s
    # Two blocks are faded into each other in the half analysis frame before the end of what the second one repeats.
    joint_s = OVERLAP_FRAMES * frame_s - mel.fft_samples / 4 / mel.sample_rate_hz
    return {"window borders": np.sort(np.concatenate([starts_s, starts_s + fade_s])),
            "Griffin-Lim joints": np.arange(block_s, duration_s - 2 * joint_s, block_s) + joint_s}


def roughness(audio, sample_rate_hz):
    """Spectral flux in [0, 1] of each frame against the one before, NaN in pauses: (N,) -> (frames,).

    Frame i begins at i * HOP_S.
    """
    size, hop = round(FRAME_S * sample_rate_hz), round(HOP_S * sample_rate_hz)
    frames = np.lib.stride_tricks.sliding_window_view(audio, size)[::hop]
    magnitude = np.abs(np.fft.rfft(frames * np.hanning(size).astype(np.float32))).astype(np.float32)
    strength = np.linalg.norm(magnitude, axis=1)
    flux = np.linalg.norm(np.diff(magnitude, axis=0), axis=1) / (strength[1:] + strength[:-1] + 1e-9)
    audible = strength > np.quantile(strength, 0.999) * 10 ** (-AUDIBLE_DB / 20)
    return np.append(np.nan, np.where(audible[1:] & audible[:-1], flux, np.nan))


def seam_ratio(flux, reference, places_s):
    """Sum of the flux near the places over that of the reference, both (frames,); a NaN counts in neither."""
    near = _near(len(flux), places_s) & np.isfinite(flux) & np.isfinite(reference)
    return flux[near].sum() / reference[near].sum() if near.any() else np.nan


def chance_range(flux, reference, places_s):
    """5th and 95th percentile of the ratios of the same pattern, moved round the recording by random times."""
    duration_s = len(flux) * HOP_S
    shifts_s = np.random.default_rng(0).uniform(1, duration_s - 1, SHIFTS)
    return np.nanquantile([seam_ratio(flux, reference, (places_s + shift_s) % duration_s) for shift_s in shifts_s],
                          [0.05, 0.95])


def _figures(name, flux, reference, places, kinds):
    all_s = np.concatenate(list(places.values()))
    free = ~_near(len(flux), np.concatenate([all_s, all_s - LEAD_S]), reach_s=2 * REACH_S)
    # Where the reference has a border of its own nothing can be compared.
    reference = np.where(_near(len(flux), all_s - LEAD_S), np.nan, reference)
    figures = []
    for kind in kinds:
        low, high = chance_range(np.where(free, flux, np.nan), reference, places[kind])
        figures.append(Figure("seams", f"{name}: {len(places[kind])} {kind}",
                              seam_ratio(flux, reference, places[kind]), "times",
                              note=f"chance {low:.2f} to {high:.2f}; 1 is no seam"))
    return figures


def _aligned_roughness(plain, led, sample_rate_hz):
    """Roughness of both, of equal length, the second without its lead."""
    fluxes = roughness(plain, sample_rate_hz), roughness(led[round(LEAD_S * sample_rate_hz):], sample_rate_hz)
    frames = min(map(len, fluxes))
    return fluxes[0][:frames], fluxes[1][:frames]


def _without_lead(path):
    """A copy of the wav without its first LEAD_S."""
    audio, sample_rate_hz = soundfile.read(path, dtype="int16")
    plain = path.with_name(f"{path.stem}-plain.wav")
    soundfile.write(plain, audio[round(LEAD_S * sample_rate_hz):], sample_rate_hz)
    return plain


def _near(frames, places_s, reach_s=REACH_S):
    """Mask (frames,) of the frames whose centre lies within reach of a place."""
    mask = np.zeros(frames, bool)
    for place_s in places_s:
        first, last = ((place_s + offset_s - FRAME_S / 2) / HOP_S for offset_s in (-reach_s, reach_s))
        mask[max(0, round(first)):max(0, round(last) + 1)] = True
    return mask
