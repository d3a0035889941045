"""HTML and SVG whose text is escaped unless it is Markup: file names and transcripts come from outside."""

import html

_WITHOUT_END = ("br", "img", "link", "meta")


class Markup(str):
    """Text that is HTML already."""


def element(name, attributes, *children):
    """<name attributes>children</name> as Markup.

    attributes: {name: value}; one of None is left out. children: Markup as it is, anything else escaped.
    """
    opening = "".join(f' {key}="{escaped(value)}"' for key, value in attributes.items() if value is not None)
    if name in _WITHOUT_END:
        return Markup(f"<{name}{opening}>")
    return Markup(f"<{name}{opening}>{joined(children)}</{name}>")


def joined(parts):
    """Parts one after the other, as Markup: Markup as it is, anything else escaped."""
    return Markup("".join(part if isinstance(part, Markup) else escaped(part) for part in parts))


def escaped(text):
    """`text` so that it reads as text, also between quotation marks, and can be written as UTF-8: a file name may hold
    bytes that are no text in any encoding."""
    return Markup(html.escape(str(text).encode("utf-8", "backslashreplace").decode("utf-8")))
