"""Can it be heard where a long conversion was put together? Roughness of the result there against everywhere else.

Roughness is spectral flux: how much the magnitude spectrum changes from one frame to the next, as a share of both.
A ratio of 1 means that nothing shows. Beside each ratio stands what chance alone gives: the range that holds nine in
ten of the ratios that the same pattern of places has when it is moved to anywhere else in the recording.
"""

import tempfile
from pathlib import Path

import numpy as np
import torch
from figures import Figure
from sources import write_utterances, write_vowel

from vc.conversion import OVERLAP_S, WINDOW_S, load
from vc.data.store import SpeechStore
from vc.vocoders.griffin_lim import BLOCK_FRAMES, OVERLAP_FRAMES

SECONDS = 300
FRAME_S, HOP_S = 0.02, 0.005
REACH_S = 0.05  # how far from a border its seam is looked for
AUDIBLE_DB = 40.0  # frames further below the loudest are pauses, whose flux is noise
SHIFTS = 500


def measure(options):
    """Figures for real speech and for a vowel that never changes, of vocoder joints and of the model's windows."""
    torch.set_num_threads(1)
    converter = load(options.model, "cpu")
    voice = converter.voice_of(options.target or options.clip)
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        speech, vowel = Path(folder) / "speech.wav", Path(folder) / "vowel.wav"
        joints_s = write_utterances(speech, SpeechStore(options.data), SECONDS)
        write_vowel(vowel, SECONDS, converter.sample_rate)
        for name, path, foreign_s in (("speech", speech, joints_s), ("vowel", vowel, [])):
            for way, audio in (("converted", converter.convert(path, voice)),
                               ("vocoder alone", converter.resynthesise(path))):
                places = border_places(len(audio) / converter.sample_rate, converter.mel)
                if way == "vocoder alone":
                    del places["window borders"]
                figures += _figures(f"{name}, {way}", roughness(audio, converter.sample_rate), places, foreign_s)
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
    audible = strength > strength.max() * 10 ** (-AUDIBLE_DB / 20)
    return np.append(np.nan, np.where(audible[1:] & audible[:-1], flux, np.nan))


def seam_ratio(flux, places_s, elsewhere):
    """Mean flux around the places over the mean elsewhere, a mask of frames."""
    return np.nanmean(flux[_near(len(flux), places_s)]) / np.nanmean(flux[elsewhere])


def chance_range(flux, places_s, elsewhere):
    """5th and 95th percentile of the ratios of the same pattern, moved round the recording by random times."""
    duration_s = len(flux) * HOP_S
    shifts_s = np.random.default_rng(0).uniform(1, duration_s - 1, SHIFTS)
    ratios = [seam_ratio(flux, (places_s + shift_s) % duration_s, elsewhere) for shift_s in shifts_s]
    return np.nanquantile(ratios, [0.05, 0.95])


def _figures(name, flux, places, foreign_s):
    flux = flux.copy()
    flux[_near(len(flux), foreign_s)] = np.nan  # where the source itself was joined
    elsewhere = ~_near(len(flux), np.concatenate(list(places.values())), reach_s=4 * REACH_S)
    figures = []
    for kind, places_s in places.items():
        low, high = chance_range(flux, places_s, elsewhere)
        figures.append(Figure("seams", f"{name}: {len(places_s)} {kind}", seam_ratio(flux, places_s, elsewhere),
                              "times", note=f"chance {low:.2f} to {high:.2f}; 1 is no seam"))
    return figures


def _near(frames, places_s, reach_s=REACH_S):
    """Mask (frames,) of the frames whose centre lies within reach of a place."""
    mask = np.zeros(frames, bool)
    for place_s in places_s:
        first, last = ((place_s + offset_s - FRAME_S / 2) / HOP_S for offset_s in (-reach_s, reach_s))
        mask[max(0, round(first)):max(0, round(last) + 1)] = True
    return mask
