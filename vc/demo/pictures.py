"""Pictures as HTML: mel with pitch curve, content half over time. One style: a dark panel that suits a light page as
well as a dark one, content in greens, speaker and pitch in orange. T is the number of columns.
"""

import base64
import html
import math

import numpy as np

from vc.evaluation.page.pictures import HIGHEST_HZ, LOWEST_HZ, pitch_height, png

# From silence to the loudest. In between, straight lines.
COLOURS = ((11, 18, 32), (20, 52, 77), (28, 111, 116), (92, 184, 147), (246, 237, 195))
RANGE_NEPERS = 7.0  # below the loudest, what is drawn of a log-mel
MAX_COLUMNS = 900
WIDTH, HEIGHT = 1000, 150  # of a panel's own coordinates; it is stretched to the page


def mel_panel(title, log_mel, f0, seconds, longest_s, floor):
    """A figure of a log-mel (M, T) with the pitch curve f0 (T,), in Hz and 0 where unvoiced, or None for no curve.

    Its width is `seconds` of `longest_s`, so that panels under each other share one time axis. floor: the magnitude of
    silence, which is dark however little else there is.
    """
    top = max(float(log_mel.max()), math.log(floor) + RANGE_NEPERS)
    image = _image((log_mel[::-1] - (top - RANGE_NEPERS)) / RANGE_NEPERS)
    said = [f"{seconds:.1f} s"]
    voiced = f0[f0 > 0] if f0 is not None else []
    if len(voiced):
        said.append(f"pitch about {np.median(voiced):.0f} Hz")
    return _panel(title, ", ".join(said), image + _curve(f0), 100 * seconds / longest_s)


def content_panel(title, content, seconds):
    """A figure of a content half (C, T'), each dimension a row."""
    low, high = float(content.min()), float(content.max())
    image = _image((content - low) / max(high - low, 1e-6))
    said = f"{content.shape[0]} numbers, {content.shape[1] / seconds:.0f} times a second"
    return _panel(title, said, image, 100)


def _panel(title, said, drawing, width_percent):
    title, said = html.escape(title), html.escape(said)
    return (f'<figure class="vc-panel"><figcaption><b>{title}</b> <span>{said}</span></figcaption>'
            f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{title}: {said}" '
            f'style="width:{width_percent:.2f}%">{drawing}</svg></figure>')


def _image(shares):
    """(rows, T) from 0, dark, to 1, bright -> an image that fills the panel, the first row on top."""
    columns = shares.shape[1]
    if columns > MAX_COLUMNS:
        shares = shares[:, np.linspace(0, columns - 1, MAX_COLUMNS).astype(int)]
    data = base64.b64encode(png(shares, COLOURS)).decode()
    return (f'<image href="data:image/png;base64,{data}" width="{WIDTH}" height="{HEIGHT}" '
            f'preserveAspectRatio="none"/>')


def _curve(f0):
    """The voiced stretches of a pitch curve, each a line."""
    if f0 is None or len(f0) < 2:
        return ""
    stretches, current = [], []
    for frame, hertz in enumerate(f0):
        if hertz > 0:
            height = HEIGHT / 100 * pitch_height(min(max(hertz, LOWEST_HZ), HIGHEST_HZ))
            current.append(f"{WIDTH * frame / (len(f0) - 1):.1f},{height:.1f}")
        elif current:
            stretches.append(current)
            current = []
    lines = [f'<polyline points="{" ".join(points)}"/>' for points in [*stretches, current] if len(points) > 1]
    return f'<g class="vc-pitch">{"".join(lines)}</g>'
