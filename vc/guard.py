"""Against forgetting: a model that goes on from another's weights says what that one said, in all other voices.

Fine-tuning hears one speaker or a few, and the old ones' speech is not at hand, so nothing in the data asks the model
to keep their voices. Two things do instead. The encoder stands still: both halves of any recording stay what they
were, and so does what the adversary once taught the content half, which no single speaker could teach. And the
decoder is asked to answer as the model it began with wherever the new recordings do not decide (learning without
forgetting, Li and Hoiem 2016, arXiv 1606.09282): what is said in them, in the voices of strangers, is decoded by both.

A stranger is made up on the spot. Speaker halves of real people point in almost all directions of the unit sphere, a
little towards their common mean; a random direction with a drawn share of a true half in it is therefore as near to
some real person as to any, at every distance from the voice that is learnt.

A penalty on how far the weights move (L2-SP, Li et al. 2018, arXiv 1802.01483) would ask for less code, but it cannot
tell a change that the new voice needs from one that the others would hear. What the guard keeps: recipes/finetune.
"""

import copy

import torch
from torch import nn
from torch.nn import functional as F

from vc import losses
from vc.config import GuardConfig
from vc.distributed import Crew

OCTAVES = 1.0  # a stranger's F0 lies up to so far above or below the speaker's


class Guard(nn.Module):
    """Keeps the model that training begins with, and lets the encoder of the trained one stand still.

    `start` is saved with the training state, so that a run resumes without the file it began with.
    """

    def __init__(self, settings: GuardConfig, model, crew=Crew()):
        super().__init__()
        self.share, self.crew = settings.share, crew
        self.start = copy.deepcopy(model).requires_grad_(False)
        model.encoder.requires_grad_(False)

    def remember(self, model):
        """The model as it is now is the one to stay near."""
        self.start.load_state_dict(model.state_dict())

    def forward(self, model, content, speaker, f0, generator):
        """How differently the two say a share of the batch in other voices: the reconstruction loss, a scalar.

        content: (B, C, T'), speaker: (B, S), f0: (B, T) in Hz. generator: decides on the voices.
        """
        chosen = max(1, round(len(content) * self.share))
        content, strangers = content[:chosen], self._strangers(speaker[:chosen], generator)
        octaves = (2 * self._drawn(torch.rand, chosen, 1, generator) - 1) * OCTAVES
        moved = f0[:chosen] * 2 ** octaves.to(f0.device)
        with torch.no_grad():
            wanted = self.start.decode(content, strangers, moved)
        return losses.reconstruction(model.decode(content, strangers, moved), wanted, model.band_std)

    def _strangers(self, speaker, generator):
        """(B, S): each half somewhere between the true one and a random direction."""
        items, dims = speaker.shape
        share = self._drawn(torch.rand, items, 1, generator).to(speaker)
        direction = F.normalize(self._drawn(torch.randn, items, dims, generator), dim=1).to(speaker)
        return F.normalize(share * direction + (1 - share) * speaker, dim=1)

    def _drawn(self, draw, items, dims, generator):
        """(items, dims), this process's share of what all of them draw together."""
        return self.crew.share(draw(items * self.crew.size, dims, generator=generator))
