"""Let a model learn what it and other models say together: the mean of their conversions.

    python recipes/default/distil.py MODEL OTHER [OTHER ...] -o runs/distilled data.path=data/corpus

Models that were trained apart err apart, so their mean errs less than each of them (bagging, Breiman 1996); one model
can learn from it what it would cost several to say (Hinton, Vinyals and Dean 2015, arXiv 1503.02531). And where
reconstruction teaches to repeat, this teaches to convert: of what one speaker says in another's voice no recording
exists, but an opinion does. The committee hears recordings as they are, the learner half of them in a moved voice, and
is to say the same: so its content half learns to keep the words and leave the voice, by what comes of it in the end.
Its last layer is fitted to references that it hears in a moved voice too, as conversion will. Reconstruction is learnt
along with it, as before, and its speaker halves are held to what they were: nothing else here would keep the voices
apart.

OTHERs need the same mel. What ships with a model, its calibration and its prior, has to be made anew. A killed run goes
on with --resume; the result is in best.safetensors and last.safetensors of the folder.
"""

from dataclasses import replace
from functools import partial

import torch
from course import course_parser, exit_with, hold, teachers

from vc import losses
from vc.distributed import Crew
from vc.errors import ConfigError
from vc.objective import Objective, Outcome
from vc.spectrum import speech_frames

# Of repeating a recording, adapted to its voice and not; the conversions and the anchor weigh 1.
OWN, OWN_PLAIN = 0.3, 0.1


class Distillation(Objective):
    """The losses of a model that learns from itself as it was and from `others`, files of models."""

    def __init__(self, config, speakers, device="cpu", crew=Crew(), *, others):
        if crew.size > 1:  # the gradient would not pass on to whoever holds the voice that is asked for
            raise ConfigError(f"distil.py: got {crew.size} processes; run it with one")
        super().__init__(config, speakers, device, crew)
        self._members = teachers(config, device, others)

    def main_parameters(self):
        return list(self.model.parameters())  # nobody classifies speakers here

    def compile(self):
        super().compile()
        for member in self._members:
            member.encoder.compile()
            member.decoder.compile()

    def forward(self, batch, step, generator):
        model, hop = self.model, self.config.mel.hop_samples
        with torch.no_grad():
            batch, clean, heard, _, reference, _ = map(self.crew.share, self._prepare(batch, generator))
        speaks = speech_frames(batch.reference, hop)

        def say(member, content, voices):
            """What it says of content (B, C, T') in voices, an Embedding of the references, and its maps of them."""
            maps = member.adapt(voices, reference, batch.reference_f0, speaks)
            return self._convert_some(member, content, voices.speaker, maps, batch)[0], maps

        with torch.no_grad():
            references = [member.encode(reference) for member in self._members]
            opinions = [say(member, member.encode(clean).content, voices)[0]
                        for member, voices in zip(self._members, references, strict=True)]
        moved = -(-len(clean) // 2)
        embedding = model.encode(torch.cat([heard[:moved], clean[moved:]]))
        penalties, weights, metrics = self._squeeze(embedding)
        own, in_moved_voice = model.encode(reference), model.encode(self.perturb(reference[:moved], generator))
        own = replace(own, content=torch.cat([in_moved_voice.content, own.content[moved:]]))
        converted, maps = say(model, embedding.content, own)
        drawn = model.draw(embedding.content[:moved], own.speaker[:moved], batch.source_f0[:moved])
        adapted = drawn.adapted(maps[:moved], speech_frames(batch.source[:moved], hop))
        terms = {"distillation": losses.reconstruction(converted, sum(opinions) / len(opinions), model.band_std),
                 "adapted_reconstruction": losses.reconstruction(adapted, clean[:moved], model.band_std),
                 "reconstruction": losses.reconstruction(drawn.log_mel, clean[:moved], model.band_std),
                 "anchor": losses.speaker_consistency(own.speaker, references[0].speaker)}
        total = (terms["distillation"] + OWN * terms["adapted_reconstruction"] + OWN_PLAIN * terms["reconstruction"]
                 + terms["anchor"])
        total = total + sum(weights[name] * penalty for name, penalty in penalties.items())
        return Outcome(total, terms | penalties, metrics)


def main(arguments):
    parser = course_parser(__doc__)
    parser.add_argument("others", nargs="+", metavar="OTHER", help="models to learn from; then section.key=value")
    options = parser.parse_intermixed_args(arguments)
    overrides = [text for text in options.others if "=" in text]
    others = [text for text in options.others if "=" not in text]
    hold(partial(Distillation, others=others), options, overrides)


if __name__ == "__main__":
    exit_with(main)
