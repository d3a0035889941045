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
