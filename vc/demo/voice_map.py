"""All voices as points: their speaker halves, seen from the side that shows most of the differences.

The side is found by principal component analysis (Pearson 1901) of the voices shown.
"""

import html

import numpy as np

WIDTH, HEIGHT, MARGIN = 640, 400, 56
LABEL_GAP = 16  # between the heights of two labels that would cover each other
SPARK = "M0,-11L11,0L0,11L-11,0Z"  # what is not a voice of its own is a diamond


def project(speakers):
    """(V, S) speaker halves -> (V, 2) between 0 and 1, and the share of all variance that the two axes show."""
    centred = speakers - speakers.mean(axis=0)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    flat = centred @ axes[:2].T
    flat = np.pad(flat, ((0, 0), (0, 2 - flat.shape[1])))
    span = np.abs(flat).max() or 1.0
    return 0.5 + flat / (2 * span), float((sizes[:2] ** 2).sum() / max((sizes ** 2).sum(), 1e-12))


def map_svg(voices, chosen="", marks=()):
    """HTML of the map. voices: {name: Voice}, each a button. marks: names among them that are no voices to choose,
    drawn as diamonds."""
    names = list(voices)
    points, shown = project(np.stack([voices[name].speaker.numpy() for name in names]))
    places = [(MARGIN + x * (WIDTH - 2 * MARGIN), MARGIN + (1 - y) * (HEIGHT - 2 * MARGIN)) for x, y in points]
    label_y = _spread([y for _, y in places])
    dots = [_dot(name, place, y, name == chosen, name in marks) for name, place, y in zip(names, places, label_y,
                                                                                          strict=True)]
    return (f'<figure class="vc-map"><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="group" aria-label="Map of the voices">'
            f'{"".join(dots)}</svg><figcaption>Voices that lie close sound alike. The two directions drawn hold '
            f'{shown:.0%} of the differences between these voices.</figcaption></figure>')


def _dot(name, place, label_y, is_chosen, is_mark):
    (x, y), name = place, html.escape(name, quote=True)
    shape = f'<path d="{SPARK}"/>' if is_mark else '<circle r="11"/>'
    side, anchor = (18, "start") if x < WIDTH / 2 else (-18, "end")
    label = f'<text x="{side}" y="{label_y - y + 5:.0f}" text-anchor="{anchor}">{name}</text>'
    role = "" if is_mark else (f' role="button" tabindex="0" data-voice="{name}" aria-label="Choose {name}" '
                               f'aria-pressed="{str(is_chosen).lower()}"')
    kind = "vc-mark" if is_mark else "vc-dot"
    return f'<g class="{kind}" transform="translate({x:.0f},{y:.0f})"{role}>{shape}{label}</g>'


def _spread(heights):
    """The heights of labels, moved down where two would lie on each other."""
    moved = list(heights)
    order = sorted(range(len(moved)), key=moved.__getitem__)
    for above, below in zip(order, order[1:], strict=False):
        moved[below] = max(moved[below], moved[above] + LABEL_GAP)
    return moved
