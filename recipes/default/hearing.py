"""Let a model's encoder hear at once what it hears in five voices, and in noise what it hears without.

    python recipes/default/hearing.py MODEL -o runs/hearing data.path=data/corpus corruptions.noise.path=NOISE

In training the input's voice is moved and the content half has to stay what it was. It does not quite: what a move
still changes in it is the voice, or chance, and has less of a say in the mean of what is heard of a recording as it is
and in four other voices, higher or lower, of a larger or smaller person. Averaging over changes that must not matter is
known as test-time augmentation (Krizhevsky et al. 2012). It costs five times the work, once and for all if the encoder
learns that mean (Hinton, Vinyals and Dean 2015, arXiv 1503.02531): here from itself as it was, which hears clean
recordings, while it hears sources in moved voices, references as they are, some of both in rooms and, where the config
names a folder of it, behind noise. The decoder stands still, and the speaker halves of references are to stay what they
were.

What ships with a model, its calibration and its prior, has to be made anew. A killed run goes on with --resume; the
result is in best.safetensors and last.safetensors of the folder.
"""

import itertools
import math

import torch
from course import course_parser, exit_with, hold, teachers

from vc import losses
from vc.data.corruptions import Corruptions
from vc.distributed import Crew
from vc.objective import Objective, Outcome
from vc.source_filter import SourceFilter

MOVED = 0.8  # of the way that training moves voices
NOISE = {"share": 0.4, "lowest_db": 5.0, "highest_db": 30.0}
ROOM = {"share": 0.4}


class Hearing(Objective):
    """The losses of an encoder that learns from itself as it was, in five voices."""

    def __init__(self, config, speakers, device="cpu", crew=Crew()):
        super().__init__(config, speakers, device, crew)
        self._teacher = teachers(config, device)
        ratios = config.perturb.formant_ratio ** MOVED, 2 ** (MOVED * config.perturb.pitch_semitones / 12)
        formant, pitch = torch.tensor(list(itertools.product(*((1 / ratio, ratio) for ratio in ratios)))).T
        self._moves = SourceFilter(config.mel, device).moved(formant.to(device), pitch.to(device))

    def _make_corruptions(self, device):
        noise = self.config.corruptions.get("noise")
        of_noise = {"noise": NOISE | {"path": noise["path"]}} if noise else {}
        return Corruptions(of_noise | {"room": ROOM}, self.config.mel, device)

    def main_parameters(self):
        return list(self.model.encoder.parameters())

    def compile(self):
        self.model.encoder.compile()

    def forward(self, batch, step, generator):
        with torch.no_grad():
            _, source, moved, reference, spoilt, _ = map(self.crew.share, self._prepare(batch, generator))
            half = -(-len(source) // 2)
            content, _ = self._taught(source[:half])
            content_of_reference, speaker = self._taught(reference[half:])
        heard, heard_as_it_is = self.model.encode(moved[:half]), self.model.encode(spoilt[half:])
        terms = {"content": losses.content_consistency(heard.unsqueezed, content),
                 "content_of_reference": losses.content_consistency(heard_as_it_is.unsqueezed, content_of_reference),
                 "speaker": losses.speaker_consistency(heard_as_it_is.speaker, speaker)}
        return Outcome(sum(terms.values()), terms, {})

    def _taught(self, log_mel):
        """Of log-mels (B, M, T), what the teacher hears in five voices in the mean, before the bottleneck (B, C, T'),
        and the speaker halves of the voices as they are (B, S)."""
        moved = (self._moves @ log_mel[:, None]).clamp(min=math.log(self.config.mel.floor))
        heard = self._teacher[0].encode(torch.cat([log_mel[:, None], moved], dim=1).flatten(0, 1))
        content, speaker = (half.unflatten(0, (len(log_mel), -1)) for half in (heard.unsqueezed, heard.speaker))
        return content.mean(1), speaker[:, 0]


def main(arguments):
    parser = course_parser(__doc__)
    parser.add_argument("settings", nargs="*", metavar="section.key=value")
    options = parser.parse_intermixed_args(arguments)
    hold(Hearing, options, options.settings)


if __name__ == "__main__":
    exit_with(main)
