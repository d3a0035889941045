"""The frame of a page: one file that asks for nothing else, in the light or the dark."""

from importlib import resources

from vc.evaluation.page.markup import Markup, element, joined

# The browser itself refuses whatever is not in the file; there is no script on the page either.
_POLICY = "default-src 'none'; img-src data:; media-src data:; style-src 'unsafe-inline'"


def document(title, sections, facts=None):
    """A whole page as str. sections: {heading: its Markup}. facts: {name: value} to stand under the title."""
    style = resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    head = element("head", {}, element("meta", {"charset": "utf-8"}),
                   element("meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY}),
                   element("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}),
                   element("meta", {"name": "color-scheme", "content": "light dark"}),
                   element("link", {"rel": "icon", "href": "data:,"}),
                   element("title", {}, title), element("style", {}, Markup(style)))
    anchors = {heading: f"part{number}" for number, heading in enumerate(sections)}
    links = [element("a", {"href": f"#{anchor}"}, heading) for heading, anchor in anchors.items()]
    parts = [element("section", {"id": anchors[heading], "aria-labelledby": f"{anchors[heading]}-title"},
                     element("h2", {"id": f"{anchors[heading]}-title"}, heading), content)
             for heading, content in sections.items()]
    body = element("body", {}, element("header", {}, element("h1", {}, title), _fact_list(facts or {}),
                                       element("nav", {"aria-label": "Parts of this page"}, *links)),
                   element("main", {}, *parts))
    return "<!DOCTYPE html>\n" + element("html", {"lang": "en"}, head, body) + "\n"


def _fact_list(facts):
    entries = [element("div", {}, element("dt", {}, name), element("dd", {}, value)) for name, value in facts.items()]
    return element("dl", {"class": "facts"}, *entries) if entries else joined([])
