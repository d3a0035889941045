"""What was said? A probe that writes characters down, trained with connectionist temporal classification (Graves et al.
2006). Split by speaker; no text of the judged part is trained on, since read corpora repeat theirs.

A rate at chance does not show that a half knows no text. On half an hour of speech the default effort was too little
for this probe to learn to spell from the content half, from which conversions are understood.
"""

import unicodedata
from typing import final

import torch
from torch.nn import functional as F

from vc.errors import DataError
from vc.evaluation.recognition import edit_distance
from vc.probing.base import HALVES, Probe
from vc.probing.findings import judge
from vc.probing.fitting import fit, lengths_of, padded, seeded, standardised
from vc.probing.heads import Frames
from vc.probing.parts import FEWEST_GROUPS, Parts, split_by_speaker

BLANK = 0
DILATIONS = (1, 2, 4)  # 0.7 s of context at 40 frames a second
WIDTH_FACTOR = 2  # of the effort's width: spelling takes more than naming a class
BATCH = 16


@final
class Text(Probe):
    """Character error rate on new speakers. The speaker half is repeated at every frame of its recording.

    Chance is what the same probe makes of halves whose texts were exchanged among the recordings.
    """

    def measure(self, heard, listener, effort):
        heard = [piece for piece in heard if plain(piece.text)]
        speakers = [piece.speaker_name for piece in heard]
        if len(set(speakers)) < FEWEST_GROUPS:
            raise DataError(f"{len(set(speakers))} speaker(s) with texts, expected at least {FEWEST_GROUPS}; prepare "
                            f"from a table with a text column, or choose other probes with --only")
        texts = [plain(piece.text) for piece in heard]
        parts = _without_judged_texts(split_by_speaker(speakers, effort.seed), texts)
        clusters = [speakers[i] for i in parts.test.tolist()]
        findings = {}
        for half in HALVES:
            sequences = [piece.content if half == "content" else
                         piece.speaker[:, None].expand(-1, piece.content.shape[1]) for piece in heard]
            written = transcribe(sequences, texts, parts, effort)
            exchanged = transcribe(sequences, _exchanged(texts, parts, effort), parts, effort)
            chance = _rate(exchanged, texts, parts)(torch.arange(len(parts.test)))
            findings[f"text_from_{half}"] = judge(half, "text, characters wrong", "CER", chance,
                                                  _rate(written, texts, parts), clusters, effort)
        return findings


def plain(text):
    """Lower-case letters, digits and apostrophes with single spaces between words."""
    letters = unicodedata.normalize("NFC", text).casefold()
    return " ".join("".join(letter if letter.isalnum() or letter == "'" else " " for letter in letters).split())


def transcribe(sequences, texts, parts, effort):
    """What a probe writes down of the test part: list of str. sequences: list of (C, T'). texts: list of str."""
    letters = sorted(set("".join(texts[i] for i in parts.training.tolist())))
    codes = [torch.tensor([letters.index(letter) + 1 for letter in text if letter in letters]) for text in texts]
    sequences = standardised(sequences, parts.training)

    def loss(indices):
        batch, mask = padded(sequences, indices)
        log_shares = probe(batch, mask).log_softmax(1).permute(2, 0, 1)
        targets = [codes[i] for i in indices.tolist()]
        # A text too long for its frames cannot be written; it counts nothing rather than infinitely much.
        return F.ctc_loss(log_shares, torch.cat(targets), mask.sum((1, 2)).long(),
                          torch.tensor([len(target) for target in targets]), blank=BLANK, zero_infinity=True)

    with seeded(effort):
        probe = Frames(sequences[0].shape[0], WIDTH_FACTOR * effort.width, len(letters) + 1, DILATIONS)
        fit(probe, loss, parts, effort, lengths=lengths_of(sequences), batch=BATCH)
    with torch.no_grad():
        return [_read(probe(*padded(sequences, index)).argmax(1)[0], letters) for index in parts.test.split(1)]


def _read(path, letters):
    """The most likely path (T',) without repeats and blanks, as text."""
    return "".join(letters[code - 1] for code in torch.unique_consecutive(path).tolist() if code != BLANK)


def _without_judged_texts(parts, texts):
    judged = {texts[i] for i in parts.test.tolist()}
    training, validation = (torch.tensor([i for i in part.tolist() if texts[i] not in judged], dtype=torch.long)
                            for part in (parts.training, parts.validation))
    if not len(training) or not len(validation):
        raise DataError("all speakers say the same texts, so none is left to train a text probe on; give recordings "
                        "with further texts, or choose other probes with --only")
    return Parts(training, validation, parts.test)


def _exchanged(texts, parts, effort):
    """The texts, those of each part dealt anew among its recordings."""
    texts, generator = list(texts), torch.Generator().manual_seed(effort.seed)
    for part in (parts.training, parts.validation):
        order = part[torch.randperm(len(part), generator=generator)]
        for place, text in zip(part.tolist(), [texts[i] for i in order.tolist()], strict=True):
            texts[place] = text
    return texts


def _rate(written, texts, parts):
    """Errors over characters of test items, as a function of their places (n,)."""
    wanted = [texts[i] for i in parts.test.tolist()]
    errors = torch.tensor([edit_distance(said, text) for said, text in zip(written, wanted, strict=True)]).float()
    lengths = torch.tensor([len(text) for text in wanted]).float()
    return lambda places: float(errors[places].sum() / lengths[places].sum())
