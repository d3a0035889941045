"""From measured pairs to the table: which pairs form a group, which figures form a column, and how they are written.

Measured pairs come as {row: [Measured, or None where it failed, for each pair]}; a row is one of ROWS.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

from intervals import CONFIDENCE, RESAMPLES, ratio_of_sums

ROWS = {
    "source": "source unchanged",
    "target": "target's own recording",
    "resynthesis": "source through analysis and Griffin-Lim",
    "converted": "converted",
}
# In eval/ and in corpus/, LibriSpeech's speakers are called ls..., speechocean762's so...
ACCENTS = {"ls": "native", "so": "non-native"}


@dataclass(frozen=True)
class Column:
    """A ratio of sums over pairs.

    numerator, denominator: functions of (Measured, the Measured of the same pair's resynthesis).
    `same_text`: compares errors in the source's text, so the target's own recording has none.
    """

    title: str
    numerator: Callable
    denominator: Callable
    is_percent: bool = True
    same_text: bool = False


COLUMNS = {
    "target_cosine": Column("cosine to target", lambda own, base: own.target_cosine, lambda own, base: 1, False),
    "source_cosine": Column("cosine to source", lambda own, base: own.source_cosine, lambda own, base: 1, False),
    "closer_to_target": Column("closer to target, %", lambda own, base: own.is_closer_to_target, lambda own, base: 1),
    "wer": Column("WER, %", lambda own, base: own.word_errors, lambda own, base: own.words),
    "cer": Column("CER, %", lambda own, base: own.letter_errors, lambda own, base: own.letters),
    "wer_above_resynthesis": Column("WER above Griffin-Lim's, points",
                                    lambda own, base: own.word_errors - base.word_errors,
                                    lambda own, base: own.words, same_text=True),
}


def group_names(pair):
    """The groups that a Pair counts in."""
    accents = [ACCENTS.get(speaker[:2]) for speaker in (pair.source_speaker, pair.target_speaker)]
    return ["all", "{} to {}".format(*accents)] if all(accents) else ["all"]


def summarise(pairs, measured):
    """{group: {"pairs": int, "rows": {row: {"pairs": int, column: {"value", "low", "high"} or None}}}}"""
    members = {}
    for number, pair in enumerate(pairs):
        for group in group_names(pair):
            members.setdefault(group, []).append(number)
    return {group: {"pairs": len(numbers), "rows": {row: _row(row, numbers, measured) for row in measured}}
            for group, numbers in members.items()}


def _row(row, numbers, measured):
    present = [number for number in numbers if measured[row][number]]
    figures = {"pairs": len(present)}
    for name, column in COLUMNS.items():
        used = [(measured[row][number], measured["resynthesis"][number]) for number in present]
        if column.same_text:
            used = [] if row == "target" else [(own, base) for own, base in used if base]
        figure = ratio_of_sums([column.numerator(*both) for both in used], [column.denominator(*both) for both in used])
        figures[name] = asdict(figure) if figure else None
    return figures


def markdown(groups, notes):
    """The table of what `summarise` returns, with `notes` (strings) below it."""
    lines = []
    for group, content in groups.items():
        lines += [f"## {group[0].upper()}{group[1:]}: {content['pairs']} pairs", "",
                  "| | " + " | ".join(column.title for column in COLUMNS.values()) + " |",
                  "|---|" + "---|" * len(COLUMNS)]
        for row, figures in content["rows"].items():
            missing = content["pairs"] - figures["pairs"]
            title = ROWS[row] + (f" ({missing} pair{'s' * (missing > 1)} missing)" if missing else "")
            cells = [format_figure(figures[name], column.is_percent) for name, column in COLUMNS.items()]
            lines.append(f"| {title} | " + " | ".join(cells) + " |")
        lines.append("")
    lines += [f"- In brackets: {CONFIDENCE:.0%} intervals, {RESAMPLES} bootstrap resamples of the pairs.",
              *(f"- {note}" for note in notes)]
    return "\n".join(lines) + "\n"


def format_figure(figure, is_percent):
    """0.694 [0.681, 0.706], in percent 35.2 [30.1, 40.3], and a dash for None."""
    if figure is None:
        return "-"
    value, low, high = (f"{100 * number:.1f}" if is_percent else f"{number:.3f}"
                        for number in (figure["value"], figure["low"], figure["high"]))
    return f"{value} [{low}, {high}]"
