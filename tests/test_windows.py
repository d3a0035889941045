"""Sliding windows over a stream of chunks."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vc.windows import sliding_windows, windows_with_margins


@settings(max_examples=200, deadline=None)
@given(chunks=st.lists(st.integers(0, 30), max_size=8), size=st.integers(1, 20), data=st.data())
def test_windows_cover_everything_however_it_is_cut(chunks, size, data):
    step = data.draw(st.integers(1, size))
    total = sum(chunks)
    pieces = torch.arange(total).split(chunks) if chunks else ()
    windows = list(sliding_windows(iter(pieces), size, step))
    assert [is_last for _, is_last in windows] == [False] * (len(windows) - 1) + [True] * (total > 0)
    for i, (window, is_last) in enumerate(windows):
        assert window.tolist() == list(range(i * step, min(i * step + size, total)))
        assert is_last or len(window) == size
    if len(windows) > 1:
        assert len(windows[-1][0]) > size - step


@settings(max_examples=200, deadline=None)
@given(total=st.integers(0, 60), before=st.integers(0, 6), after=st.integers(0, 6), more=st.integers(1, 10))
def test_what_lies_within_the_margins_adds_up(total, before, after, more):
    """And has all of its neighbourhood beside it, or all there is."""
    parts, size = [], before + after + more
    for window, begin, end in windows_with_margins(torch.arange(total).split(1) if total else (), size, before, after):
        parts += (part := window[begin:end].tolist())
        assert window[0] <= max(0, part[0] - before) and window[-1] >= min(total - 1, part[-1] + after)
    assert parts == list(range(total))
