"""The page of an evaluation: report.json becomes report.html, one file that asks for nothing else."""

from pathlib import Path

from vc.evaluation.page.document import document
from vc.evaluation.page.listening import listening_pairs
from vc.evaluation.page.markup import element, joined
from vc.evaluation.page.plots import group_bars, group_title, half_maps, probe_bars, similarity_plot
from vc.evaluation.page.tables import count, figure_table, group_size, headline, measure_legend
from vc.evaluation.result import EVERYTHING, load_result
from vc.evaluation.table import groups_of
from vc.files import write_atomically

PAGE_NAME = "report.html"


def write_page(folder):
    """Write PAGE_NAME beside the report.json in `folder`; returns its path. Raises EvaluationError, OSError."""
    path = Path(folder) / PAGE_NAME
    write_atomically(path, report_page(load_result(folder), folder))
    return path


def report_page(result, folder):
    """The page of a Result whose audio lies in `folder`, as str; the same result gives the same page."""
    sections = {
        "Headline": headline(result),
        "All figures": _all_figures(result),
        "Voice and words": _plots([similarity_plot(result), group_bars(result)],
                                  "Neither cosines nor word errors were measured."),
        "By group": _by_group(result),
        "The two halves": _plots([half_maps(result.points), probe_bars(result.probes)],
                                 "This report holds no maps and no probes."),
        "Listening": listening_pairs(result, folder),
        "Notes": _notes(result),
    }
    facts = result.model | {"pairs": len(result.pairs)}
    name = facts.pop("name", "a model")
    return document(f"Evaluation of {name}", sections,
                    {name.replace("_", " "): _readable(value) for name, value in facts.items()})


def _all_figures(result):
    note = element("p", {}, "Anchors are what the model is read against. In brackets: 95 % intervals, a dash where "
                            "too few speakers were heard to give one.")
    legend = element("div", {"class": "card"}, element("h3", {}, "How far each measure can be believed"),
                     measure_legend(result.measures))
    return joined([note, figure_table(result, EVERYTHING, _caption(result, EVERYTHING)), legend])


def _plots(plots, otherwise):
    plots = [plot for plot in plots if plot is not None]
    return joined(plots) if plots else element("p", {}, otherwise)


def _by_group(result):
    tables = [element("details", {}, element("summary", {}, _caption(result, group)),
                      figure_table(result, group, _caption(result, group)))
              for group in groups_of(result) if group != EVERYTHING]
    return joined(tables) if tables else element("p", {}, "The pairs form no groups.")


def _caption(result, group):
    return f"{group_title(group)}: {count(group_size(result, group), 'pair')}"


def _notes(result):
    lines = [element("li", {}, note) for note in result.notes]
    parts = [element("ul", {}, *lines) if lines else element("p", {}, "None.")]
    if result.failures:
        failed = [element("li", {}, failure) for failure in result.failures]
        parts += [element("h3", {}, f"What failed: {count(len(failed), 'answer')}"), element("ul", {}, *failed)]
    return joined(parts)


def _readable(value):
    """A long number in groups of three; of a fingerprint the beginning, which tells it from others."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 10_000:
        return f"{value:,}"
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 else text
