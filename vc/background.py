"""What lies behind the voice of a recording, and a reference's mel as far as it tells of the voice.

The quietest frames of a recording have its noise alone; what stands out against them is speech. Where a band of a frame
holds little more than noise nothing is known of the voice: there the decoder's own idea of it stands in, band by band
as far as noise drowns it (missing data, Cooke et al. 2001, "Robust automatic speech recognition with missing and
unreliable acoustic data"). The encoder has learnt to hear through noise and hears references as they are; what is
fitted to them, the decoder's last layer and the long-term spectrum, would take the noise for the voice.

What is quiet in a recording without pauses is weak speech, and some noise belongs to every recording and to how a voice
sounds in it. So only what rises above TOLERATED_DB below the speech counts as noise. EXPERIMENTS.md in recipes/default
has the figures that chose this.
"""

import torch

from vc.level import NOMINAL_LEVEL_DB
from vc.spectrum import is_speech

QUIETEST = 0.1  # which share of the frames tells of the noise
STANDS_OUT_DB = 6.0  # above the quietest frames, for a frame to be speech
SURELY_SPEECH_DB = 8.0  # below the nominal level; a frame above that is speech whatever lies behind it
TOLERATED_DB = 20.0  # below the speech, noise does no harm
DOUBT = 4.0  # how many times as much power as the noise a band has to have for half of the trust
LEAST_LEFT = 0.05  # of a band's power, once the noise is taken off


def stands_out(level_db):
    """Which frames of a recording are speech, whatever lies behind it: levels in dBFS (T,), at the nominal level ->
    (T,), bool."""
    bound_db = level_db.quantile(QUIETEST) + STANDS_OUT_DB
    return is_speech(level_db) & (level_db > bound_db.clamp(max=NOMINAL_LEVEL_DB - SURELY_SPEECH_DB))


def noise_behind(log_mel, level_db, speech):
    """Power of what counts as noise in each band of a recording: (M, T), (T,) in dBFS, which frames are speech (T,),
    bool -> (M, 1)."""
    power = torch.exp(2 * log_mel)
    noise = power[:, level_db <= level_db.quantile(QUIETEST)].mean(1, keepdim=True)
    tolerated = power[:, speech].sum() / speech.sum().clamp(min=1) * 10 ** (-TOLERATED_DB / 10)
    return noise * (1 - tolerated / noise.sum()).clamp(min=0)


def without_noise(log_mel, drawn, noise):
    """The log-mel (M, T) of a recording as far as it stands out against the noise (M, 1), elsewhere what the decoder
    says of it, `drawn` (M, T)."""
    power = torch.exp(2 * log_mel)
    own = (power - noise).clamp(min=LEAST_LEFT * power)
    trust = own / (own + DOUBT * noise)
    return torch.lerp(drawn, own.log() / 2, trust)
