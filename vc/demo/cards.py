"""The gallery of voices as HTML: a card each, with what its spectrum looks like in place of a portrait."""

import base64
import html
from pathlib import Path

import numpy as np

BARS = 24
FLOOR_NEPERS = 5.0  # below the strongest band, where a bar has no height
TYPES = {".opus": "audio/ogg", ".flac": "audio/flac", ".wav": "audio/wav"}

# The value of the gallery is the name of the chosen voice. gradio compares new HTML with old and touches what differs
# only, so what is focused stays so.
TEMPLATE = '<div class="vc-gallery" role="radiogroup" aria-label="Voice">${cards}</div>'
ON_LOAD = """
const show = () => element.querySelectorAll('input').forEach(box => { box.checked = box.value === props.value; });
element.addEventListener('change', event => {
  if (event.target.type === 'radio') { props.value = event.target.value; trigger('change'); }
});
watch(['value', 'cards'], show);
show();
"""


def gallery_cards(studio, session):
    """HTML of all cards that this visitor sees."""
    return "".join(_card(name, voice, studio.people.get(name)) for name, voice in studio.voices(session).items())


def _card(name, voice, person):
    """person: a Person of the gallery, or None for an enrolled voice, of which no recording is kept."""
    shown, about = html.escape(name, quote=True), html.escape(person.about if person else "your voice")
    play = play_button(person.clip, f"Play {person.name}") if person else ""
    thanks = html.escape(f"{person.licence}; {person.source}", quote=True) if person else "yours"
    return (f'<div class="vc-card"><label title="{thanks}"><input type="radio" name="vc-voice" value="{shown}">'
            f'{_spectrum(voice)}<span class="vc-name">{shown}</span><span class="vc-about">{about}</span></label>'
            f'{play}</div>')


def play_button(recording, label):
    """A button that plays a short recording, which travels inside the page."""
    data = base64.b64encode(Path(recording).read_bytes()).decode()
    return (f'<button type="button" class="vc-play" aria-label="{html.escape(label, quote=True)}" aria-pressed="false" '
            f'data-sound="data:{TYPES[Path(recording).suffix]};base64,{data}"></button>')


def _spectrum(voice):
    """The long-term spectrum of a voice as bars, low to high."""
    mean = np.array([band.mean() for band in np.array_split(voice.spectrum.mean.numpy(), BARS)])
    heights = ((mean - mean.max() + FLOOR_NEPERS) / FLOOR_NEPERS).clip(0.06, 1)
    bars = "".join(f'<rect x="{4 * i}" y="{32 * (1 - height):.1f}" width="3" height="{32 * height:.1f}" rx="1"/>'
                   for i, height in enumerate(heights))
    return f'<svg viewBox="0 0 {4 * BARS - 1} 32" preserveAspectRatio="xMinYMid" aria-hidden="true">{bars}</svg>'
