"""From recordings to pictures: what the tabs draw."""

from vc.demo.pictures import content_panel, mel_panel
from vc.pitch import track_pitch


def mel_panels(studio, recordings):
    """HTML of the panels of {title: path}, under each other on one time axis, with pitch curves."""
    rate_hz, floor = studio.converter.sample_rate, studio.converter.mel.floor
    sounds = {title: studio.beginning(path) for title, path in recordings.items()}
    longest_s = max(len(sound) for sound in sounds.values()) / rate_hz
    panels = [mel_panel(title, studio.converter.log_mel(sound).numpy(), _pitch(studio, sound), len(sound) / rate_hz,
                        longest_s, floor) for title, sound in sounds.items()]
    return f'<div class="vc-panels">{"".join(panels)}</div>'


def halves_panels(studio, title, halves):
    """HTML of a recording's mel and, below, its content half."""
    converter = studio.converter
    seconds = halves.log_mel.shape[1] * converter.mel.hop_samples / converter.sample_rate
    return (mel_panel(title, halves.log_mel.numpy(), None, seconds, seconds, converter.mel.floor)
            + content_panel("its content half", halves.content.numpy(), seconds))


def _pitch(studio, sound):
    """F0 in Hz of float32 (N,): (T,), 0 where unvoiced."""
    return track_pitch(sound, studio.converter.sample_rate, studio.converter.mel.hop_samples)
