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

import argparse
import sys
from dataclasses import replace
from functools import partial

import torch

from vc import losses
from vc.checkpoint import load_model, require_same_mel
from vc.conversion import model_path
from vc.distributed import Crew
from vc.errors import VcError
from vc.finetuning import going_on_from
from vc.objective import Objective, Outcome
from vc.spectrum import speech_frames
from vc.training import Trainer

KEPT = ("mel", "model", "loss", "perturb", "strangers", "corruptions", "data")  # of the model's config
SETTINGS = {
    "adversary": {"form": "none"},
    "train": {"steps": 1000, "batch": 8, "learning_rate": 3e-4, "warmup_steps": 20, "average_decay": 0.985,
              "consistency_share": 1.0, "validate_every": 200, "save_every": 100, "probe_every": 1000000},
}
# Of repeating a recording, adapted to its voice and not; the conversions and the anchor weigh 1.
OWN, OWN_PLAIN = 0.3, 0.1


class Distillation(Objective):
    """The losses of a model that learns from itself as it was and from `others`, files of models."""

    def __init__(self, config, speakers, device="cpu", crew=Crew(), *, others):
        super().__init__(config, speakers, device, crew)
        self._members = []  # a plain list, so that they are no part of the training state
        for path in (config.train.start_from, *others):
            member, _ = load_model(model_path(path))
            require_same_mel(path, member.config.mel, config.mel)
            self._members.append(member.to(device))

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
            batch, clean, heard, reference, _ = map(self.crew.share, self._prepare(batch, generator))
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
        penalties, metrics = self._squeeze(embedding)
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
        return Outcome(total + sum(penalties.values()), terms | penalties, metrics)


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", metavar="MODEL", help="that learns")
    parser.add_argument("others", nargs="+", metavar="OTHER", help="models to learn from; then section.key=value")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="of the run")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_intermixed_args(arguments)
    settings = [text for text in options.others if "=" in text]
    others = [text for text in options.others if "=" not in text]
    config = going_on_from(options.model, KEPT, SETTINGS, settings)
    trainer = Trainer(config, options.output, resume=options.resume, device=options.device,
                      objective=partial(Distillation, others=others))
    try:
        trainer.run()
    finally:
        trainer.close()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except VcError as error:
        sys.exit(f"distil: error: {error}")
