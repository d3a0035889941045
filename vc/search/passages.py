"""What an index keeps of a recording: its two halves, window by window, and what the content half says in one voice.

The content half is made for a decoder: what a listener hears as the same may lie apart in it. So it is also said,
without any melody, in one fixed voice, the same for all recordings; two people who say the same then give nearly the
same mel, and mels can be compared.
"""

import functools
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F

from vc.assets import TARGET_CLIP
from vc.audio import stream_audio
from vc.conversion import MIN_REFERENCE_S
from vc.errors import SearchError
from vc.level import (
    SILENCE_DBFS,
    level_gain,
    require_speech,
    speech_level_db,
    trim_silence,
    without_offset,
)
from vc.survey import measure
from vc.windows import sliding_windows

# Windows overlap by MAX_QUERY_S, so that whatever is looked for lies whole in one of them.
WINDOW_S, MAX_QUERY_S = 30.0, 10.0
WHISPER_BANDS = 64
COMMON_VOICE = TARGET_CLIP


@dataclass(frozen=True)
class Passage:
    """A window of a recording. speaker: speaker half (S,), of unit length. content: content half (C, T'), whispered:
    what it says in the common voice, as a mel standardised by band (K, T'); both float16."""

    start_s: float
    seconds: float
    speaker: np.ndarray
    content: np.ndarray
    whispered: np.ndarray


class Listener:
    """Makes passages of recordings with a Converter's model."""

    def __init__(self, converter):
        self.converter = converter
        mel = converter.mel
        self.frame_s = mel.hop_samples * converter.model.config.model.stride / mel.sample_rate_hz

    def passages(self, path):
        """(list of Passage, seconds) of a recording of any length, in bounded memory but for what is kept. Passages
        without speech are left out. Raises AudioError."""
        rate_hz = self.converter.sample_rate
        meter = measure(path, rate_hz)
        if meter.speech_level_db < SILENCE_DBFS or meter.samples < MIN_REFERENCE_S * rate_hz:
            return [], meter.samples / rate_hz
        gain = level_gain(meter.speech_level_db)
        blocks = (torch.from_numpy(block * gain) for block in stream_audio(path, rate_hz))
        size, step = round(WINDOW_S * rate_hz), round((WINDOW_S - MAX_QUERY_S) * rate_hz)
        heard = [self.hear(window.numpy(), number * step / rate_hz)
                 for number, (window, _) in enumerate(sliding_windows(blocks, size, step))
                 if speech_level_db(window.numpy(), rate_hz) > SILENCE_DBFS]
        return heard, meter.samples / rate_hz

    def query(self, audio, path):
        """Passage of a short recording, float32 (N,), without the pauses at its edges. Raises AudioError for one
        without speech, SearchError for one of more than MAX_QUERY_S."""
        rate_hz = self.converter.sample_rate
        require_speech(audio, rate_hz, path, MIN_REFERENCE_S)
        audio = trim_silence(audio, rate_hz)
        if len(audio) > MAX_QUERY_S * rate_hz:
            raise SearchError(f"{path}: lasts {len(audio) / rate_hz:.1f} s, expected at most {MAX_QUERY_S:g} s to look "
                              f"for by content; cut out the words that are to be found")
        return self.hear(audio * level_gain(speech_level_db(audio, rate_hz)))

    @torch.no_grad()
    def hear(self, wave, start_s=0.0):
        """Passage of sound at the nominal level, float32 (N,), which begins at `start_s` of its recording."""
        wave = without_offset(wave, self.converter.sample_rate)
        log_mel = self.converter.log_mel(wave)[None].to(self.converter.device)
        model, embedding = self.converter.model, self.converter.model.encode(log_mel)
        silent = torch.zeros(1, log_mel.shape[2], device=log_mel.device)
        said = model.decode(embedding.content, self._common_voice[None].to(log_mel.device), silent)
        standardised = (said - model.band_mean) / model.band_std
        bands, frames = min(WHISPER_BANDS, said.shape[1]), embedding.content.shape[2]
        whispered = F.adaptive_avg_pool2d(standardised, (bands, frames))
        speaker, content, whispered = (tensor[0].cpu().numpy() for tensor in
                                       (embedding.speaker, embedding.content, whispered))
        return Passage(start_s, len(wave) / self.converter.sample_rate, speaker, content.astype(np.float16),
                       whispered.astype(np.float16))

    @functools.cached_property
    def _common_voice(self):
        return self.converter.halves(COMMON_VOICE).speaker
