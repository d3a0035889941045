"""Work on a recording of any length in windows that overlap, in bounded memory."""

import torch


def sliding_windows(chunks, size, step):
    """Iterator over tensors (..., n), any n -> iterator over (window (..., size), is_last).

    Window i begins at i * step. The last one is shorter when the recording ends within it, but always longer than
    size - step, the overlap with the one before; nothing is yielded when nothing came.
    """
    assert 0 < step <= size
    held = None
    for chunk in chunks:
        held = chunk if held is None else torch.cat([held, chunk], dim=-1)
        while held.shape[-1] > size:
            yield held[..., :size], False
            held = held[..., step:]
    if held is not None and held.shape[-1] > 0:
        yield held, True


def windows_with_margins(chunks, size, before, after):
    """Sliding windows, each with what it is good for: iterator over (window (..., size), begin, end).

    What is worked out of a window is right from `begin` to `end`, where it has seen all of `before` and `after` of its
    neighbourhood, or all there is; these parts add up to the whole. As in `sliding_windows`, the last may be shorter.
    """
    begin = 0
    for window, is_last in sliding_windows(chunks, size, size - before - after):
        yield window, begin, window.shape[-1] - (0 if is_last else after)
        begin = before
