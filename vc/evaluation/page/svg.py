"""Parts of plots. Positions are percentages of the drawing, so that it follows the window's width while its text,
marks and lines keep their size; colours are classes of page.css."""

import math
from dataclasses import dataclass

from vc.evaluation.page.markup import element, joined

# Outlines around (0, 0), five pixels to each side; also told apart without colour.
SHAPES = (
    "M-5 0A5 5 0 1 0 5 0A5 5 0 1 0 -5 0Z",
    "M-4.4 -4.4H4.4V4.4H-4.4Z",
    "M0 -6L6 0L0 6L-6 0Z",
    "M0 -5.6L5.8 4.4H-5.8Z",
)


@dataclass(frozen=True)
class Scale:
    """What the two ends of an axis stand for."""

    low: float
    high: float

    def share(self, value):
        """Place of a value on the axis as a percentage, kept within it."""
        share = (value - self.low) / (self.high - self.low)
        return 100 * min(max(share, 0.0), 1.0)

    def ticks(self):
        """Round values within the axis, about five."""
        step = _round_step((self.high - self.low) / 5)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(number * step, 12) for number in range(first, last + 1)]


def scale_around(values, margin=0.05):
    """A Scale that holds all values, with some air at both ends; [0, 1] for none."""
    values = list(values)
    if not values:
        return Scale(0.0, 1.0)
    low, high = min(values), max(values)
    air = margin * (high - low) or 0.5
    return Scale(low - air, high + air)


def rounded_scale(values):
    """A Scale from 0, or a round value below, to a round value that is not below any."""
    low, high = min(0.0, *values), max(0.0, *values)
    if low == high:
        return Scale(0.0, 1.0)
    step = _round_step((high - low) / 5)
    return Scale(math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step)


def _round_step(step):
    """The smallest of 1, 2, 2.5 and 5 times a power of ten that is not below `step`."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= step * (1 - 1e-9))


def drawing(description, css_class, *parts):
    """The <svg> that holds parts. description: what somebody hears who does not see it."""
    return element("svg", {"class": css_class, "role": "img", "aria-label": description}, *parts)


def marker(shape, x, y, css_class, title):
    """One of SHAPES at percentages (x, y); the title shows where the pointer rests."""
    path = element("path", {"d": SHAPES[shape % len(SHAPES)]})
    return element("svg", {"x": f"{x:.2f}%", "y": f"{y:.2f}%", "class": f"mark {css_class}"}, path,
                   element("title", {}, title))


def line(x1, y1, x2, y2, css_class):
    """A line between two places in percent."""
    return element("line", {"x1": f"{x1:.2f}%", "y1": f"{y1:.2f}%", "x2": f"{x2:.2f}%", "y2": f"{y2:.2f}%",
                            "class": css_class})


def box(x, y, width, height, css_class):
    """A rectangle, all in percent."""
    return element("rect", {"x": f"{x:.2f}%", "y": f"{y:.2f}%", "width": f"{width:.2f}%", "height": f"{height:.2f}%",
                            "class": css_class})


def text(x, y, content, css_class, dx=0, dy=0):
    """Words at percentages (x, y), moved by (dx, dy) pixels."""
    return element("text", {"x": f"{x:.2f}%", "y": f"{y:.2f}%", "dx": dx or None, "dy": dy or None,
                            "class": css_class}, content)


def axes(across, up, across_title, up_title):
    """Grid lines with their values and the titles of both axes; `across` and `up` are Scales."""
    parts = []
    for value in across.ticks():
        x = across.share(value)
        parts += [line(x, 0, x, 100, "grid"), text(x, 100, f"{value:g}", "tick middle", dy=18)]
    for value in up.ticks():
        y = 100 - up.share(value)
        parts += [line(0, y, 100, y, "grid"), text(0, y, f"{value:g}", "tick end", dx=-8, dy=4)]
    parts.append(text(50, 100, across_title, "axis middle", dy=40))
    # Turned around its own place, which only an inner drawing can have in percent.
    turned = element("text", {"class": "axis middle", "transform": "rotate(-90)", "dy": -44}, up_title)
    parts.append(element("svg", {"x": "0%", "y": "50%", "class": "mark"}, turned))
    return joined(parts)


def key(shape, css_class, label):
    """An entry of a legend: a mark and what it stands for."""
    mark = element("svg", {"class": "key-mark", "aria-hidden": "true"}, marker(shape, 50, 50, css_class, label))
    return element("li", {}, mark, label)
