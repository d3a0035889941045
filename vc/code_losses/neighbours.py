"""The code at one moment shall tell its neighbours in time: what was said just before and what comes next.

Skip-thought vectors (Kiros et al. 2015, arXiv 1506.06726) spell out the neighbours; choosing the true one among others
is enough, and leaves details alone (contrastive predictive coding, van den Oord et al. 2018, arXiv 1807.03748).
"""

from typing import final

from vc.bounds import PairCritic, info_nce
from vc.code_losses.base import CodeLoss
from vc.registry import expect


@final
class Neighbours(CodeLoss):
    """Less the information, by InfoNCE, that a stretch of `context` content frames gives about the frame that lies
    `ahead` frames after it, and about the one as far before it, each chosen among all such frames of its utterance.

    Other utterances' frames could be ruled out by the voice, and the code would be paid for carrying it. Near frames
    share what the encoder's convolutions see, and would be told by that.
    """

    def __init__(self, bands, content_dims, *, ahead=8, context=4, width=128):
        super().__init__(bands, content_dims)
        for name, value in (("ahead", ahead), ("context", context), ("width", width)):
            expect(f"code_losses.neighbours.{name}", value, value >= 1, "at least 1")
        self.ahead, self.context = ahead, context
        self.next, self.previous = (PairCritic(content_dims * context, content_dims, width) for _ in range(2))

    def forward(self, coding):
        content = coding.content
        expect("code_losses.neighbours.ahead", self.ahead, content.shape[2] > self.context + self.ahead,
                f"with context={self.context} less than the segment's {content.shape[2]} content frames")
        return (self._loss(self.next, content) + self._loss(self.previous, content.flip(2))) / 2

    def _loss(self, critic, content):
        """content: (B, C, T'). Of K places in it, the stretches (B, K, context * C) and the frames ahead (B, K, C)."""
        stretches = content.unfold(2, self.context, 1)[:, :, :-self.ahead].transpose(1, 2).flatten(2)
        wanted = content[:, :, self.context - 1 + self.ahead:].mT
        return -info_nce(critic(stretches, wanted)).mean()
