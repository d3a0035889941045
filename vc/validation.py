"""How good is the model on what it was not trained on: held-out utterances, and speakers it has never heard."""

import itertools
from dataclasses import dataclass, field

import torch

from vc import losses
from vc.data.batches import BatchLoader
from vc.data.perturbation import Perturbation
from vc.data.sampling import SegmentSampler, group_by_speaker
from vc.features import LogMel
from vc.pitch_range import move_pitch, pitch_range
from vc.probing import probe_speaker
from vc.spectrum import speech_frames
from vc.vocoders import make_vocoder

BATCH = 32
PIECE_S = 2.0  # probes hear pieces, so that a speaker of one long utterance can be probed too
PIECES_PER_SPEAKER = 6
PROBED_SPEAKERS = 40


@dataclass(frozen=True)
class ValidationReport:
    """values: scalars by name. score: lower is better, chooses the best checkpoint: the restoration error on held-out
    speakers or, with data.validation_pairs, WER in percent / 200 - cosine to target over those pairs. pictures: mels
    (H, W) in [0, 1]. audio: {name: (waveform (N,), sample rate in Hz)}.

    Restoration: the input's voice is perturbed, the speaker half comes from another utterance, and the error is taken
    against the unperturbed mel. It is a conversion whose right answer is known, so it falls only when the content half
    carries the words and not the voice; and unlike what the model's own encoder says of a converted mel, it measures
    the same thing at every step.
    """

    values: dict
    score: float
    pictures: dict = field(default_factory=dict)
    audio: dict = field(default_factory=dict)


class Validation:
    """Holds fixed batches, drawn once, so that readings of different steps can be compared."""

    def __init__(self, config, store, split, device):
        self.config, self.device = config, device
        self.log_mel = LogMel(config.mel).to(device)
        self.perturb = Perturbation(config.mel, config.perturb, device)
        self.vocoder = make_vocoder("griffin-lim", config.mel)
        self._store = store
        self._batches = fixed_batches(config, store, split, device)
        self._checkup = _checkup(config.data.validation_pairs)
        piece_samples = round(PIECE_S * config.mel.sample_rate_hz)
        self._probed = (_pieces(split.held_out_speakers, piece_samples)
                        or _pieces(split.held_out_utterances, piece_samples))

    @torch.no_grad()
    def measure(self, model, probe=False) -> ValidationReport:
        """Without any held-out recording the report is empty and its score 0, so that the last model is the best."""
        model.eval()
        values, pictures, audio, score = {}, {}, {}, 0.0
        for name, batch in self._batches.items():
            source, reference = self.log_mel(batch.source), self.log_mel(batch.reference)
            content, voice = model.encode(source).content, model.encode(reference)
            wanted = voice.speaker
            rebuilt = model.decode(content, wanted, batch.source_f0)
            other, others = wanted.roll(1, dims=0), pitch_range(batch.reference_f0.roll(1, dims=0))
            moved_f0 = move_pitch(batch.source_f0, pitch_range(batch.source_f0), others)
            converted = model.decode(content, other, moved_f0)
            moved = model.encode(self.perturb(source, torch.Generator().manual_seed(0))).content
            restored = self._restored(model, moved, voice, batch, reference)
            score = losses.reconstruction(restored, source, model.band_std).item()
            values |= {
                f"validation/{name}/reconstruction": losses.reconstruction(rebuilt, source, model.band_std).item(),
                f"validation/{name}/restoration": score,
                f"validation/{name}/speaker_consistency":
                    losses.speaker_consistency(model.encode(converted).speaker, other).item()}
            pictures |= {f"{name}/source_rebuilt_converted": picture([source[0], rebuilt[0], converted[0]])}
            audio |= {f"{name}/converted": self._listen(converted[0]), f"{name}/rebuilt": self._listen(rebuilt[0])}
        if probe and self._probed:
            found = self._probe(model)
            values |= {"probe/content_accuracy": found.content_accuracy,
                       "probe/speaker_accuracy": found.speaker_accuracy, "probe/chance": found.chance}
        if self._checkup:
            finding = self._checkup.measure(model)
            values |= {"evaluation/cosine_to_target": finding.cosine_to_target, "evaluation/wer": finding.wer}
            score = -finding.score
        return ValidationReport(values, score, pictures, audio)

    def _restored(self, model, content, voice, batch, reference):
        """Content in its own speaker's voice, the last layer fitted to the reference where training does that too."""
        drawn = model.draw(content, voice.speaker, batch.source_f0)
        if self.config.loss.adapted_reconstruction == 0:
            return drawn.log_mel
        speech, heard = (speech_frames(wave, self.config.mel.hop_samples) for wave in (batch.source, batch.reference))
        return drawn.adapted(model.adapt(voice, reference, batch.reference_f0, heard), speech)

    def _listen(self, log_mel):
        return self.vocoder(log_mel.cpu().float()), self.config.mel.sample_rate_hz

    def _probe(self, model):
        log_mels = []
        for _, start, end in self._probed:
            samples = torch.from_numpy(self._store.samples[start:end].copy()).to(self.device)
            log_mels.append(self.log_mel(samples[None].float() / 32768)[0])
        return probe_speaker(model, log_mels, [speaker for speaker, _, _ in self._probed])


def _checkup(pairs):
    """What converts and judges data.validation_pairs; None without such a list. Raises DataError, EvaluationError."""
    if pairs is None:
        return None
    from vc.evaluation.checkup import Checkup

    return Checkup(pairs)


def fixed_batches(config, store, split, device):
    """{group: Batch} of what the split holds out, the same at each call; a group of one speaker is left out."""
    groups = {"held_out_utterances": split.held_out_utterances, "held_out_speakers": split.held_out_speakers}
    return {name: _fixed_batch(config, store, spoken, device) for name, spoken in groups.items()
            if len(group_by_speaker(spoken)) >= 2}


def _fixed_batch(config, store, utterances, device):
    data, rate = config.data, config.mel.sample_rate_hz
    sampler = SegmentSampler(utterances, round(data.segment_s * rate), round(data.reference_s * rate), data.balance,
                             seed=0)
    loader = BatchLoader(store, sampler, min(BATCH, len(sampler.speakers) * 4), config.mel.hop_samples, device)
    batch = loader.at(0)
    loader.close()
    return batch


def _pieces(utterances, piece_samples):
    """[(speaker, start, end), ...] of speakers with enough speech, as many pieces of each; [] for fewer than two.

    The first half of a speaker's pieces, by which a probe learns who that is, and the second, by which it is judged,
    are of different utterances where these are long enough: within one, it would know the recording again.
    """
    chosen = []
    for speaker, spoken in group_by_speaker(utterances).items():
        starts = [range(utterance.offset_samples,
                        utterance.offset_samples + utterance.samples - piece_samples + 1, piece_samples)
                  for utterance in spoken]
        pieces = [(speaker, start, start + piece_samples) for start in _in_two_halves(starts)]
        if len(pieces) == PIECES_PER_SPEAKER:
            chosen.append(pieces)
    return [piece for pieces in chosen[:PROBED_SPEAKERS] for piece in pieces] if len(chosen) >= 2 else []


def _in_two_halves(starts):
    """PIECES_PER_SPEAKER of the pieces of several utterances, or all where there are fewer: each utterance is dealt to
    the half that is behind, and each half takes its pieces from as many utterances as it can."""
    half, dealt, lengths = PIECES_PER_SPEAKER // 2, ([], []), [0, 0]
    for own in starts:
        behind = int(lengths[1] < lengths[0])
        dealt[behind].append(own)
        lengths[behind] += len(own)
    halves = [[start for turn in itertools.zip_longest(*utterances) for start in turn if start is not None]
              for utterances in dealt]
    if min(map(len, halves)) < half:  # one long utterance, perhaps, and little else
        return list(itertools.chain(*starts))[:PIECES_PER_SPEAKER]
    return halves[0][:half] + halves[1][:half]


def picture(log_mels):
    """Mels above each other, low frequencies at the bottom of each: (3 M, T) in [0, 1]."""
    low, high = log_mels[0].min(), log_mels[0].max()
    stacked = torch.cat([log_mel.flip(0) for log_mel in log_mels])
    return ((stacked - low) / (high - low + 1e-6)).clamp(0, 1).cpu()
