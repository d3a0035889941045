"""All voices as points: their speaker halves, seen from the side that shows most of the differences.

The side is found by principal component analysis (Pearson 1901) of the voices shown.
"""

import html

import numpy as np

from vc.demo.labels import label_sides
from vc.evaluation.maps import principal_plane

WIDTH, HEIGHT, MARGIN = 640, 400, 56
LONGEST_LABEL = 20  # letters; more would fit neither left nor right of a point in the middle
SPARK = "M0,-11L11,0L0,11L-11,0Z"  # what is not a voice of its own is a diamond


def project(speakers):
    """(V, S) speaker halves -> (V, 2) between 0 and 1, and the share of all variance that the two axes show."""
    flat, centred = principal_plane(speakers), speakers - speakers.mean(axis=0)
    span = np.abs(flat).max() or 1.0
    return 0.5 + flat / (2 * span), float(np.square(flat).sum() / max(np.square(centred).sum(), 1e-12))


def map_svg(voices, chosen="", marks=(), choosable=True):
    """HTML of the map. voices: {name: Voice}, each a button where they are choosable. marks: names among them that are
    drawn as diamonds."""
    names = list(voices)
    points, shown = project(np.stack([voices[name].speaker.numpy() for name in names]))
    places = [(MARGIN + x * (WIDTH - 2 * MARGIN), MARGIN + (1 - y) * (HEIGHT - 2 * MARGIN)) for x, y in points]
    sides = label_sides([_label(name) for name in names], places, (WIDTH, HEIGHT))
    dots = [_mark(name, place, side) if name in marks else _dot(name, place, side, name == chosen, choosable)
            for name, place, side in zip(names, places, sides, strict=True)]
    return (f'<figure class="vc-map"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="group" aria-label="Map of the voices">'
            f'{"".join(dots)}</svg><figcaption>Voices that sound alike lie close. Not all that lie close sound alike: '
            f'the two directions drawn hold {shown:.0%} of the differences between these voices.</figcaption></figure>')


def _dot(name, place, side, is_chosen, choosable):
    role = (f' role="button" tabindex="0" data-voice="{html.escape(name)}" aria-label="Choose {html.escape(name)}" '
            f'aria-pressed="{str(is_chosen).lower()}"') if choosable else ""
    return _point("vc-dot", '<circle r="11"/>', name, place, side, role)


def _mark(name, place, side):
    return _point("vc-mark", f'<path d="{SPARK}"/>', name, place, side)


def _point(kind, shape, name, place, side, role=""):
    (x, y, anchor), label = side, _label(name)
    whole = f"<title>{html.escape(name)}</title>" if label != name else ""
    return (f'<g class="{kind}" transform="translate({place[0]:.0f},{place[1]:.0f})"{role}>{whole}{shape}'
            f'<text x="{x}" y="{y}" text-anchor="{anchor}">{html.escape(label)}</text></g>')


def _label(name):
    return name if len(name) <= LONGEST_LABEL else name[:LONGEST_LABEL - 1].rstrip() + "…"
