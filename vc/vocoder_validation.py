"""How good is the vocoder on what it was not trained on: held-out utterances, and speakers it has never heard."""

import torch

from vc.features import LogMel
from vc.validation import ValidationReport, fixed_batches, picture
from vc.vocoder_losses import WaveformLosses
from vc.vocoder_objective import frame_losses, load_own_voice


class VocoderValidation:
    """Holds fixed batches, drawn once, so that readings of different steps can be compared."""

    def __init__(self, config, store, split, device):
        self.config = config
        self.log_mel = LogMel(config.mel).to(device)
        self.losses = WaveformLosses(config.mel).to(device)
        own_voice = load_own_voice(config, device)
        self._recorded = own_voice is None
        batches = fixed_batches(config, store, split, device)
        self._heard = {name: (batch, self.log_mel(batch.source) if self._recorded else own_voice(batch))
                       for name, batch in batches.items()}

    @torch.no_grad()
    def measure(self, model, probe=False) -> ValidationReport:
        """The score is the difference of the spectra on held-out speakers. There is nothing to probe."""
        model.eval()
        values, pictures, audio, score = {}, {}, {}, 0.0
        for name, (batch, heard) in self._heard.items():
            prediction = model.predict(heard, None if self._recorded else batch.source_f0, self._recorded)
            made = model.speak(prediction, self._recorded)
            waveform = self.losses(made, batch.source[:, :made.shape[1]])
            score = waveform["spectrum"].item()
            terms = frame_losses(model, prediction, batch.source) | waveform
            values |= {f"validation/{name}/{term}": value.item() for term, value in terms.items()}
            pictures |= {f"{name}/recording_made": picture([heard[0], self.log_mel(made)[0]])}
            rate = self.config.mel.sample_rate_hz
            audio |= {f"{name}/recording": (batch.source[0].cpu(), rate), f"{name}/made": (made[0].cpu(), rate)}
        return ValidationReport(values, score, pictures, audio)
