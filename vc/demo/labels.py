"""Labels of a map: each beside its point, where it hides no point and no other label and does not leave the map."""

LETTER, LINE = 13.5, 24.0  # room for a bold letter, on a phone, where letters are largest beside the map
CUT_OFF = 10.0  # what lies outside the map counts so many times what another covers
REACH = 11.0  # of a point, from its middle
# Where the text begins, ends or has its middle, seen from the point: right, left, below, above. The first that is free.
SIDES = ((18, 5, "start"), (-18, 5, "end"), (0, 33, "middle"), (0, -20, "middle"))
SHIFT = {"start": 0.0, "end": 1.0, "middle": 0.5}  # share of a text that lies left of its anchor


def label_sides(names, places, size):
    """One of SIDES for each name at its place (x, y) on a map of `size` (width, height), chosen one after the other."""
    taken = [(x - REACH, y - REACH, x + REACH, y + REACH) for x, y in places]
    chosen = []
    for name, place in zip(names, places, strict=True):
        hidden = {side: _hidden(label_box(name, place, side), taken, size) for side in SIDES}
        chosen.append(min(hidden, key=hidden.get))
        taken.append(label_box(name, place, chosen[-1]))
    return chosen


def label_box(name, place, side):
    """(left, top, right, bottom) of a label."""
    width, (x, y, anchor) = LETTER * len(name), side
    left, baseline = place[0] + x - SHIFT[anchor] * width, place[1] + y
    return left, baseline - 0.75 * LINE, left + width, baseline + 0.25 * LINE


def overlap(one, other):
    """The area that two boxes share."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return max(width, 0.0) * max(height, 0.0)


def _hidden(box, taken, size):
    """How much of a label could not be read: what others cover and what lies outside."""
    area = (box[2] - box[0]) * (box[3] - box[1])
    return sum(overlap(box, other) for other in taken) + CUT_OFF * (area - overlap(box, (0, 0, *size)))
