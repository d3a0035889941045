"""Sliding windows over a stream of chunks."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vc.windows import sliding_windows


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
