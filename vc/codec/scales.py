"""Contours as one byte a frame, and back."""

import numpy as np

from vc.pitch import HIGHEST_HZ, LOWEST_HZ

LEVEL_STEP_DB, LOWEST_DB = 3.0, -120.0
F0_STEPS = 126  # above the lowest, of 30 cents each


def level_steps(level_db):
    """Levels in dBFS, float (T,) -> uint8 (T,)."""
    return np.clip(np.round((np.asarray(level_db) - LOWEST_DB) / LEVEL_STEP_DB), 0, 255).astype(np.uint8)


def levels_of(steps):
    """What level_steps gave (T,) -> levels in dBFS, float32 (T,)."""
    return (steps * LEVEL_STEP_DB + LOWEST_DB).astype(np.float32)


def f0_steps(f0):
    """F0 in Hz, float (T,), 0 where unvoiced -> uint8 (T,), equal steps of the logarithm, 0 where unvoiced."""
    f0 = np.asarray(f0, np.float64)
    height = np.log(np.clip(f0, LOWEST_HZ, HIGHEST_HZ) / LOWEST_HZ) / np.log(HIGHEST_HZ / LOWEST_HZ)
    return np.where(f0 > 0, np.round(height * F0_STEPS) + 1, 0).astype(np.uint8)


def f0_of(steps):
    """What f0_steps gave (T,) -> F0 in Hz, float32 (T,), 0 where unvoiced."""
    f0 = LOWEST_HZ * (HIGHEST_HZ / LOWEST_HZ) ** ((steps.astype(np.float64) - 1) / F0_STEPS)
    return np.where(steps > 0, f0, 0).astype(np.float32)
