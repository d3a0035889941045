"""Who is heard in several items: the labels that intervals are resampled by. P is a number of items."""


def of_pairs(pairs):
    """Labels of the sources and of the targets, (P,) each, as the `clusters` of vc.evaluation.intervals.

    pairs: whatever has source, source_speaker, target_speaker and references. A side each of whose labels meets one of
    the other only is left out: what it has in common, the other has too.
    """
    sides = (of_recordings([pair.source_speaker for pair in pairs], [pair.source for pair in pairs]),
             of_recordings([pair.target_speaker for pair in pairs], [tuple(pair.references) for pair in pairs]))
    if all(sides):
        meetings = len(set(zip(*sides[0], *sides[1])))
        for side, other in (sides, sides[::-1]):
            if meetings == len(set(*side)):
                return other
    return sides[0] + sides[1]


def of_recordings(speakers, recordings):
    """The same of one side: its speakers (P,), or where there is only one, the recordings (P,), and the interval then
    holds for that speaker. Nothing where these too are all the same; without any side items are drawn one by one."""
    labels = next((labels for labels in (speakers, recordings) if len(set(labels)) > 1), None)
    return () if labels is None else (labels,)
