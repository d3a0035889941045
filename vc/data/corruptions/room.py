"""Rooms, so that a model learns what walls add to a voice."""

import math
from typing import final

import torch

from vc.data.corruptions.base import Corruption, power
from vc.registry import expect

LEAST_POWER = 1e-12  # of a silent item


@final
class Room(Corruption):
    """Puts each item into a room of its own, as loud as it was.

    After the direct sound comes white noise that dies away exponentially (Polack 1988; Habets 2016, "Fifty years of
    reverberation reduction"): the time in which it falls by 60 dB is drawn evenly from shortest_s to longest_s, how far
    all of it lies below the direct sound evenly in dB from lowest_db to highest_db.
    """

    def __init__(self, mel, device="cpu", *, shortest_s=0.15, longest_s=0.6, lowest_db=0.0, highest_db=12.0):
        super().__init__(mel, device)
        expect("corruptions.room.shortest_s", shortest_s, 0 < shortest_s <= longest_s,
               f"above 0, at most longest_s, {longest_s:g}")
        expect("corruptions.room.lowest_db", lowest_db, lowest_db <= highest_db, f"at most highest_db, {highest_db:g}")
        self.shortest_s, self.longest_s = shortest_s, longest_s
        self.lowest_db, self.highest_db = lowest_db, highest_db

    def wave(self, wave, generator):
        (items, samples), reach = wave.shape, round(self.longest_s * self.mel.sample_rate_hz)
        dies_s = torch.empty(items, 1).uniform_(self.shortest_s, self.longest_s, generator=generator)
        below_db = torch.empty(items, 1).uniform_(self.lowest_db, self.highest_db, generator=generator)
        seconds = torch.arange(1, reach) / self.mel.sample_rate_hz
        echo = torch.randn(items, reach - 1, generator=generator) * torch.exp(-math.log(1000) * seconds / dies_s)
        echo = echo / echo.norm(dim=1, keepdim=True) * 10 ** (-below_db / 20)
        response = torch.cat([torch.ones(items, 1), echo], dim=1).to(wave)
        points = 1 << (samples + reach - 1).bit_length()
        heard = torch.fft.irfft(torch.fft.rfft(wave, points) * torch.fft.rfft(response, points), points)[:, :samples]
        return heard * (power(wave) / power(heard).clamp(min=LEAST_POWER)).sqrt()
