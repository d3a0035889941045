"""Probes on halves whose answer is known: what is there is found, what is not is not, and the command says so."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from helpers import add_unvoiced
from torch.nn import functional as F

from vc import bounds
from vc.checkpoint import load_checkpoint
from vc.config import Config, MelConfig, load_config
from vc.data.store import StoreWriter
from vc.errors import ConfigError, DataError
from vc.level import NOMINAL_LEVEL_DB, speech_level_db
from vc.probing import PROBES, findings, heads, information, make_probe, parts, text
from vc.probing.fitting import Effort, fit, padded
from vc.probing.heads import classify, classify_frames, regress, regress_frames
from vc.probing.listener import Heard
from vc.probing.report import load_findings
from vc.probing.run import run_probes
from vc.probing.speech import draw_sample

EFFORT = Effort(steps=200, patience=30, width=24, resamples=200, candidates=64)
SPEAKERS, RECORDINGS, FRAMES = 6, 10, 41  # content frames of one second


class FakeListener:
    """Stands for the encoder: louder speech moves the content half and not the speaker half."""

    mel, stride = MelConfig(), 2

    def hear(self, piece):
        level_db = 20 * math.log10(np.abs(piece.audio).max())
        generator = torch.Generator().manual_seed(int(abs(level_db) * 1e6))
        content = level_db / 6 + torch.randn(4, FRAMES, generator=generator) / 4
        return replace(piece, content=content, speaker=torch.randn(8, generator=generator))


def speech(content=None, speaker=None, said=lambda who, number: "", channel=lambda who: "", speakers=SPEAKERS,
           recordings=RECORDINGS):
    """Pieces of so many speakers. content, speaker: (speaker, number) -> tensor; noise where not given."""
    generator = torch.Generator().manual_seed(0)
    heard = []
    for who in range(speakers):
        for number in range(recordings):
            heard.append(Heard(
                np.full(16000, 0.05, np.float32), f"{who}/{number}", f"s{who}", channel(who), said(who, number),
                content(who, number) if content else torch.randn(4, FRAMES, generator=generator),
                speaker(who, number) if speaker else torch.randn(8, generator=generator),
                torch.randn(16, 2 * FRAMES - 1, generator=generator).half()))
    return heard


def measure(name, heard):
    return make_probe(name).measure(heard, FakeListener(), EFFORT)


def assert_at_chance(found):
    assert found.low <= found.chance <= found.high, found


# Who, where, how loud


def test_the_speaker_is_found_where_he_is_and_only_there():
    found = measure("speaker", speech(speaker=lambda who, number: F.one_hot(torch.tensor(who), 8).float()))
    assert found["speaker_from_speaker"].value == found["speaker_from_speaker_balanced"].value == 1
    assert_at_chance(found["speaker_from_content"])
    assert_at_chance(found["speaker_from_content_balanced"])
    assert found["speaker_from_content_balanced"].chance == 1 / SPEAKERS
    assert found["speaker_from_content"].n == SPEAKERS * round(RECORDINGS / 4)


def test_the_speaker_is_found_in_the_order_of_the_frames_too():
    """Speakers who differ in how fast the code moves have one mean and deviation; the convolutions tell them apart."""
    def content(who, number):
        time = torch.arange(60) * (0.3 + 0.4 * who) + number
        return torch.stack([time.sin(), time.cos()]) * 1.0
    assert measure("speaker", speech(content=content))["speaker_from_content"].value > 0.9


def test_no_recording_of_a_judged_one_is_trained_on():
    heard = speech(recordings=2)
    with pytest.raises(DataError, match="0 speaker.s. with 3 recordings or more, expected at least 2"):
        measure("speaker", heard)


def test_the_channel_is_found_on_new_speakers():
    heard = speech(speaker=lambda who, number: torch.linspace(0, who % 2 + number / 100, 8),
                   channel=lambda who: ("studio", "street")[who % 2])
    found = measure("channel", heard)
    assert found["channel_from_speaker"].value == 1 and found["channel_from_speaker"].chance == 0.5
    assert_at_chance(found["channel_from_content"])
    with pytest.raises(DataError, match="0 channel.s. with 3 speakers or more, expected at least 2"):
        measure("channel", speech())


def test_loudness_is_found_in_the_half_that_it_moves():
    found = measure("loudness", speech())
    assert found["loudness_from_content"].value > 0.8
    assert found["loudness_from_speaker"].value < 0.2


# Pitch


def test_planted_linear_signal_is_explained_and_noise_is_not():
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(200, 8, generator=generator)
    targets = 5 + vectors @ torch.randn(8, generator=generator) + torch.randn(200, generator=generator) / 3
    dealt = parts.split_by_speaker([str(i // 5) for i in range(200)], 0)
    for sequences, least, most in ((vectors, 0.85, 1.0), (torch.randn(200, 8, generator=generator), -0.3, 0.15)):
        predictions = regress([vector[:, None] for vector in sequences], targets, dealt, EFFORT)
        assert least < findings.explained(predictions, targets[dealt.test], targets[dealt.training].mean()) < most


def test_a_signal_in_a_direction_of_little_variance_is_found():
    """As pitch in a speaker half: gradient descent does not get there in the steps that it has."""
    generator = torch.Generator().manual_seed(0)
    targets = torch.randn(400, generator=generator)
    vectors = torch.randn(400, 1, generator=generator).repeat(1, 16) + 0.01 * torch.randn(400, 16, generator=generator)
    vectors[:, 0] += 0.05 * targets
    dealt = parts.split_by_speaker([str(i // 5) for i in range(400)], 0)
    predictions = regress([vector[:, None] for vector in vectors], targets, dealt, EFFORT)
    assert findings.explained(predictions, targets[dealt.test], targets[dealt.training].mean()) > 0.9


def test_frames_are_judged_where_they_are_valid():
    """The target is the content's first channel where valid and nonsense elsewhere; frames say yes where it is high."""
    heard = speech()
    contents = [piece.content for piece in heard]
    valid = [torch.arange(FRAMES) % 3 > 0 for _ in heard]
    targets = [torch.where(known, content[0], 1000.0) for content, known in zip(contents, valid, strict=True)]
    dealt = parts.split_by_speaker([piece.speaker_name for piece in heard], 0)
    judged = torch.cat([targets[i][valid[i]] for i in dealt.test.tolist()])
    assert findings.explained(regress_frames(contents, targets, valid, dealt, EFFORT), judged, 0.0) > 0.9
    labels = [content[0] > 1 for content in contents]
    said = classify_frames(contents, labels, dealt, EFFORT)
    assert findings.balanced_accuracy(said.long(), torch.cat([labels[i] for i in dealt.test.tolist()]).long()) > 0.9


def test_the_truth_about_pitch_is_that_of_the_sound():
    """Each speaker hums at a pitch of his own, which the speaker half says, with a vibrato, which content says."""
    def vibrato(time_s, number):
        return np.sin(2 * np.pi * 2 * time_s + number)

    def content(who, number):
        moving = torch.from_numpy(vibrato(np.arange(FRAMES) * 0.025, number)).float()
        return torch.cat([moving[None], torch.randn(3, FRAMES, generator=torch.Generator().manual_seed(number))])

    heard = []
    for piece in speech(content, lambda who, number: torch.full((8,), 0.1 * who), speakers=18, recordings=2):
        who, number = map(int, piece.recording.split("/"))
        f0_hz = 100 * 1.05 ** who * np.exp(0.1 * vibrato(np.arange(16000) / 16000, number))
        phase = 2 * np.pi * np.cumsum(f0_hz) / 16000
        audio = sum(np.sin(k * phase) / k for k in range(1, 10)).astype(np.float32) / 20
        heard.append(Heard(**{**vars(piece), "audio": audio}))
    found = measure("pitch", heard)
    assert found["pitch_from_speaker"].value > 0.9
    assert found["pitch_from_content"].value < 0.3
    assert found["intonation_from_content"].value > 0.6
    assert found["pitch_frames_from_content"].value < 0.5


# Text


def spelled(who, number):
    """Seven letters of four, each of three frames, with a pause of one after it; and what they spell."""
    letters = np.random.default_rng([who, number]).integers(4, size=7)
    frames = torch.cat([torch.cat([F.one_hot(torch.tensor(letter), 4).repeat(3, 1), torch.zeros(1, 4)])
                        for letter in letters])
    return frames.T.float(), "".join("abcd"[letter] for letter in letters)


def test_text_is_read_where_it_is_written_and_only_there():
    found = measure("text", speech(content=lambda *at: spelled(*at)[0], said=lambda *at: spelled(*at)[1],
                                   recordings=20))
    assert found["text_from_content"].value < 0.1
    assert found["text_from_content"].chance > 0.6
    assert found["text_from_speaker"].value > 0.6


def test_text_needs_texts_that_not_all_speakers_say():
    with pytest.raises(DataError, match="0 speaker.s. with texts, expected at least 3"):
        measure("text", speech())
    with pytest.raises(DataError, match="all speakers say the same texts"):
        measure("text", speech(said=lambda who, number: "yes" if number % 2 else "no"))


def test_letters():
    assert text.plain("  »Où est-il?«\tIt's 9.") == "où est il it's 9"


# The input


def gaussians(correlation, pairs=4000):
    """Pairs of two-dimensional normal vectors, correlated in both dimensions."""
    generator = torch.Generator().manual_seed(0)
    one, noise = torch.randn(2, pairs, 2, generator=generator)
    dealt = parts.split_by_speaker([str(i % 40) for i in range(pairs)], 0)
    return one, correlation * one + math.sqrt(1 - correlation ** 2) * noise, dealt


def test_the_bound_on_the_information_lies_below_the_closed_form_and_near_it():
    one, other, dealt = gaussians(0.8)
    true = -math.log(1 - 0.8 ** 2)
    found = information.lower_bound(one, other, dealt, EFFORT, bounds.info_nce, 64).mean()
    assert 0.75 * true < found < true + 0.1


def test_the_divergence_lies_between_none_and_log_2():
    one, other, dealt = gaussians(0.8)
    found = information.lower_bound(one, other, dealt, EFFORT, bounds.divergence, 64).mean()
    # By numeric integration of log 2 minus the cross-entropy of the true density ratio.
    ratio = _log_ratio(one, other, 0.8)
    exchanged = _log_ratio(one, other.roll(1, dims=0), 0.8)
    true = math.log(2) - (F.softplus(-ratio).mean() + F.softplus(exchanged).mean()) / 2
    assert 0.75 * true < found < true + 0.03 < math.log(2)


def _log_ratio(one, other, correlation):
    """Of joint to independent density of each pair."""
    rest = 1 - correlation ** 2
    return (-math.log(rest) / 2 - (correlation ** 2 * (one ** 2 + other ** 2) - 2 * correlation * one * other)
            / (2 * rest)).sum(1)


@pytest.mark.parametrize("counts", [[20] * 25, [1] * 60, [2, 3, 9, 40], [30]])
def test_the_ceilings_are_what_a_critic_that_knows_the_code_finds(counts):
    """Dealt often: scores that say how much more often a pair is true than exchanged."""
    codes = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    n, generator = len(codes), torch.Generator().manual_seed(0)
    rivals = torch.tensor(counts)[codes] - 1
    found = {name: [] for name in bounds.BOUNDS}
    for _ in range(2000):
        dealt = torch.randperm(n, generator=generator)[:24]
        known = -(rivals[dealt] / (n - 1)).clamp(min=1e-9).log()  # log of true / exchanged
        scores = torch.where(codes[dealt][:, None] == codes[dealt], known[:, None], -50.0)
        for name, bound in bounds.BOUNDS.items():
            found[name].append(bound(scores).mean().item())
    for name, ceiling in information.CEILINGS.items():
        most = ceiling(codes[:, None].float(), 24)
        assert most == pytest.approx(np.mean(found[name]), abs=0.01), name
    assert information.most_information(torch.arange(700)[:, None], 512) == pytest.approx(math.log(512))
    assert information.most_divergence(torch.arange(700)[:, None], 512) == pytest.approx(math.log(2))


def test_what_is_printed_as_the_most_is_less_for_a_half_that_recordings_keep():
    found = measure("information", speech())
    most = {half: float(found[f"information_from_{half}"].title.split("up to ")[1].rstrip(")")) for half in
            ("content", "speaker")}
    assert most["content"] == pytest.approx(math.log(64), abs=0.01)
    assert 2 < most["speaker"] < math.log(2 * RECORDINGS)  # of two judged speakers


def test_information_is_found_in_the_half_that_has_it_and_not_in_exchanged_pairs():
    def content(who, number):
        return torch.randn(4, FRAMES, generator=torch.Generator().manual_seed(100 * who + number))

    heard = speech(content=content)
    for piece in heard:  # the code repeats what the input says in the middle of its window
        piece.log_mel[:4, ::2] = piece.content.half()
        piece.log_mel[:4, 1::2] = piece.content.half()[:, :-1]
    found = measure("information", heard)
    assert found["information_from_content"].value > 0.5
    assert found["divergence_from_content"].value > 0.1
    for name in found:  # by size: two judged speakers are too few for an interval, see `judge`
        assert found[name].low is None and found[name].high is None
        if "exchanged" in name or "from_speaker" in name:
            assert abs(found[name].value) < 0.02, found[name]


# What they stand on


def leaves_out_the_judged(predict):
    """Whether what a probe says of the test part stays the same when its first item, and all answers of the test part,
    are others. predict: (sequences, answers in (0, 1) an item, parts) -> an entry, or several, for each test item."""
    generator = torch.Generator().manual_seed(0)
    sequences = [torch.randn(3, 8, generator=generator) for _ in range(40)]
    answers = torch.stack([sequence[0].mean() > 0 for sequence in sequences]).float()
    dealt = parts.split_by_speaker([str(i // 2) for i in range(40)], 0)
    before = predict(sequences, answers, dealt)
    others = answers.clone()
    others[dealt.test] = 1 - answers[dealt.test]
    sequences[dealt.test[0]] = 100 * sequences[dealt.test[0]] + 50
    after = predict(sequences, others, dealt)
    own = len(before) // len(dealt.test)
    return torch.allclose(before[own:].float(), after[own:].float(), atol=1e-4)


LITTLE = Effort(steps=20, width=8, resamples=50)


@pytest.mark.parametrize("predict", [
    lambda x, y, dealt: regress(x, y, dealt, LITTLE),
    lambda x, y, dealt: classify(x, y.long(), dealt, LITTLE),
    lambda x, y, dealt: classify(x, y.long(), dealt, LITTLE, balanced=True),
    lambda x, y, dealt: regress_frames(x, [one.repeat(8) for one in y], [torch.ones(8) > 0] * 40, dealt, LITTLE),
    lambda x, y, dealt: classify_frames(x, [one.repeat(8) > 0 for one in y], dealt, LITTLE)])
def test_no_probe_learns_from_what_it_is_judged_on(predict):
    assert leaves_out_the_judged(predict)


@pytest.mark.parametrize("head", [heads.Frames(3, 6, 2, (1, 2)), heads.Pooled(3, 6, 2)])
def test_a_padded_item_is_probed_as_the_single_one(head):
    sequences, head = [torch.randn(3, length) + 1 for length in (9, 4)], head.eval()
    both, alone = head(*padded(sequences, torch.tensor([0, 1])))[1:], head(*padded(sequences, torch.tensor([1])))
    torch.testing.assert_close(both[..., :4], alone)


def test_frames_that_pad_a_batch_do_not_count(monkeypatch):
    """Of undecided answers the loss is log 2 a frame, however much shorter one item is than the other."""
    losses = []
    monkeypatch.setattr(heads, "_of_frames", lambda sequences, valid, parts, effort, loss: losses.append(loss) or
                        torch.zeros(1))
    classify_frames([torch.randn(3, length) for length in (9, 4)], [torch.zeros(length) > 0 for length in (9, 4)],
                    parts.Parts(*torch.tensor([[0], [1], [1]])), LITTLE)
    assert losses[0](torch.zeros(2, 1, 9), torch.tensor([0, 1])).item() == pytest.approx(math.log(2))


def test_pieces_of_a_recording_are_not_known_again():
    """A speaker half that names the recording names its speaker, too, to a probe that has heard another piece."""
    def speaker(who, number):
        return torch.randn(200, generator=torch.Generator().manual_seed(100 * who + number))

    heard = [piece for piece in speech(speaker=speaker) for _ in range(4)]
    found = make_probe("speaker").measure(heard, FakeListener(), LITTLE)
    assert found["speaker_from_speaker"].value < 0.5


def test_the_channel_is_not_told_by_who_speaks():
    def speaker(who, number):
        return torch.randn(200, generator=torch.Generator().manual_seed(who))

    heard = speech(speaker=speaker, channel=lambda who: ("studio", "street")[who % 2], speakers=40, recordings=3)
    found = make_probe("channel").measure(heard, FakeListener(), LITTLE)
    assert found["channel_from_speaker"].value < 0.8


def test_a_moment_is_a_window_of_speech_and_the_code_of_its_middle():
    """Of the frames' numbers as speech and of the codes' own as codes."""
    piece = replace(speech()[0], log_mel=torch.arange(17.0)[None].half(), content=torch.arange(9.0)[None])
    moments = information._draw([piece], FakeListener(), EFFORT)
    assert sorted(moments.content.flatten().tolist()) == [2, 3, 4, 5, 6]  # whose eight frames are all there
    assert torch.equal(moments.inputs, 2 * moments.content + torch.arange(-4.0, 4.0))


def test_pairs_are_exchanged_within_their_part():
    dealt = parts.split_by_speaker([str(i) for i in range(40)], 0)
    exchanged = information._deal(dealt, EFFORT)
    for part in (dealt.training, dealt.validation, dealt.test):
        assert sorted(exchanged[part].tolist()) == part.tolist() != exchanged[part].tolist()


def test_accuracies_by_hand():
    guesses, labels = torch.tensor([0, 0, 0, 1]), torch.tensor([0, 0, 1, 1])
    assert findings.accuracy(guesses, labels) == 0.75
    assert findings.balanced_accuracy(torch.tensor([0, 0, 0, 0]), torch.tensor([0, 0, 0, 2])) == 0.5
    targets = torch.tensor([1.0, 3.0])
    assert findings.explained(targets, targets, 2.0) == 1
    assert findings.explained(torch.tensor([2.0, 2.0]), targets, 2.0) == 0


def test_intervals_rest_on_clusters():
    """Ten copies of each of ten items are no more evidence than the ten."""
    items = torch.randn(10, generator=torch.Generator().manual_seed(0)).repeat_interleave(10)
    wide, narrow = (findings.judge("content", "", "R2", 0.0, lambda i: float(items[i].mean()), clusters, EFFORT)
                    for clusters in ([i // 10 for i in range(100)], range(100)))
    assert wide.value == narrow.value == pytest.approx(float(items.mean()))
    assert wide.low < narrow.low < wide.value < narrow.high < wide.high
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_an_accuracy_of_nothing_is_not_certain():
    """Wilson's interval of as many trials as there are clusters: 0 of 29 is at most 0.117."""
    def of(hits, clusters):
        hits = torch.tensor(hits, dtype=torch.float32)
        return findings.judge("content", "", "accuracy", 0.1, lambda i: float(hits[i].mean()), clusters, EFFORT)
    nothing = of([0.0] * 58, [i // 2 for i in range(58)])
    assert (nothing.value, nothing.low, nothing.high) == (0, 0, pytest.approx(1 - 29 / (29 + 1.96**2), abs=1e-4))
    assert of([1.0] * 40, ["one"] * 40).low == pytest.approx(1 / (1 + 1.96**2), abs=1e-4)
    some = of([1.0, 1.0, 1.0, 0.0] * 25, range(100))
    assert (some.low, some.high) == pytest.approx((0.657, 0.825), abs=0.015)


def test_each_stratum_is_in_all_parts_and_no_group_in_two():
    groups = [f"{i // 2}" for i in range(80)]
    strata = ["many" if i < 60 else "few" for i in range(80)]
    dealt = parts.split(groups, strata, 0)
    members = [{(strata[i], groups[i]) for i in part.tolist()}
               for part in (dealt.training, dealt.validation, dealt.test)]
    assert sum(len(part) for part in members) == len(set.union(*members)) == 40
    assert all({"many", "few"} == {stratum for stratum, _ in part} for part in members)


@pytest.mark.parametrize("here, there", [(range(8), range(8)), (range(40), range(37, 40)), (range(9), range(6, 20))])
def test_a_group_of_two_strata_is_in_one_part(here, there):
    """A speaker at two microphones would be known again by the voice; and each microphone is in all parts."""
    groups = [f"s{who}" for who in (*here, *there) for _ in range(2)]
    strata = ["a microphone"] * 2 * len(here) + ["microphone"] * 2 * len(there)
    for seed in range(20):
        dealt = parts.split(groups, strata, seed)
        members = [{groups[i] for i in part.tolist()} for part in (dealt.training, dealt.validation, dealt.test)]
        assert sum(map(len, members)) == len(set.union(*members)) == len({*here, *there})
        for part in (dealt.training, dealt.validation, dealt.test):
            assert len({strata[i] for i in part.tolist()}) == 2


def test_strata_that_share_no_group_are_dealt_one_by_one():
    """By hand: of 8 groups 2 judge and 1 stops, of 20 groups 5 and 3."""
    dealt = parts.split([f"{i}" for i in range(28)], ["few"] * 8 + ["many"] * 20, 0)
    assert [[sum(i < 8 for i in part.tolist()), len(part)] for part in (dealt.test, dealt.validation, dealt.training)] \
        == [[2, 7], [1, 4], [5, 17]]


def test_too_few_groups_for_all_parts_are_refused():
    every_three_of_four = "abcabdacdbcd"  # two of the four share a part, and so one stratum lacks another
    for groups, strata in (("ab", "xx"), (every_three_of_four, "wwwxxxyyyzzz")):
        with pytest.raises(DataError, match="where a probe needs 3: to train it, to stop it and to judge it"):
            parts.split(groups, strata, 0)


def test_a_probe_that_only_gets_worse_says_what_it_said_first():
    probe = torch.nn.Linear(1, 1, bias=False)
    before = probe.weight.item()
    dealt = parts.Parts(torch.arange(8), torch.tensor([8]), torch.tensor([9]))
    signs = torch.cat([torch.ones(8), -torch.ones(2)])  # what lowers the training loss raises the validation loss
    fit(probe, lambda i: (probe.weight * signs[i]).mean(), dealt, EFFORT)
    assert probe.weight.item() == before


# The command


@pytest.fixture(scope="module")
def table(clips, tmp_path_factory):
    """The test clips of four speakers as a table with texts."""
    path = tmp_path_factory.mktemp("table") / "table.tsv"
    lines = [f"{clip}\t{clip.parent.name}\tsay {clip.stem}" for clip in sorted(clips.rglob("*.flac"))]
    path.write_text("\n".join(["path\tspeaker\ttext", *lines]) + "\n")
    return path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """A prepared corpus of humming speakers, without texts."""
    folder = tmp_path_factory.mktemp("corpus")
    rng = np.random.default_rng(0)
    with StoreWriter(folder, 16000) as store:
        for who in range(4):
            for number in range(3):
                time_s = np.arange(16000) / 16000
                hum = np.sin(2 * np.pi * (100 + 30 * who) * time_s) + np.sin(2 * np.pi * (300 + 90 * who) * time_s)
                sound = np.int16(1000 * hum + rng.normal(0, 30, 16000))
                add_unvoiced(store, f"home/s{who}/{number}.wav", f"s{who}", sound)
    return folder


def test_the_command_prints_and_saves_what_it_finds(vc_process, tiny_model, table, tmp_path):
    arguments = ("probe", str(tiny_model), "--data", str(table), "--quick", "--speakers", "9")
    first = vc_process(*arguments, "-o", str(tmp_path / "one.json"))
    assert first.code == 0, first.err
    saved = json.loads((tmp_path / "one.json").read_text())
    fingerprint = load_checkpoint(tiny_model).fingerprint
    assert saved.pop("model") == fingerprint
    for name in ("text_from_content", "loudness_from_speaker", "information_from_content_exchanged"):
        assert name in first.out
        assert set(saved[name]) == {"half", "title", "value", "low", "high", "chance", "unit", "n"}
        assert saved[name]["low"] is None and saved[name]["high"] is None  # of one judged speaker of four
    assert load_findings(tmp_path / "one.json", fingerprint) == saved
    assert "left out: speaker: 0 speaker(s) with 3 recordings" in first.out
    assert "left out: channel" in first.out
    assert "4 speakers" in first.out


def test_it_repeats_exactly_and_probes_do_not_depend_on_each_other(tiny_model, corpus):
    from vc.checkpoint import load_model

    model, _ = load_model(tiny_model)
    state = torch.get_rng_state()
    both = run_probes(model, corpus, ["loudness", "information"], quick=True).findings
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(5)
    alone = run_probes(model, corpus, ["information"], quick=True).findings
    assert any(found.value != 0 for found in alone.values())
    assert alone.items() <= both.items()


def test_what_was_found_is_told_where_another_probe_that_was_named_is_not_possible(call, tiny_model, corpus, tmp_path):
    ended = call("probe", tiny_model, "--data", corpus, "--quick", "--only", "loudness", "channel", "-o",
                 tmp_path / "found.json")
    assert (ended.code, "loudness" in ended.out) == (1, True)
    assert ended.err.strip().splitlines()[-1].startswith(f"vc: error: {corpus}: channel: 1 channel(s) with 3 speakers")
    assert json.loads((tmp_path / "found.json").read_text())


@pytest.mark.parametrize("arguments, messages", [
    (("--seed", "-1"), ("seed -1", "no negative seed")),
    (("--only", "text"), ("text: 0 speaker(s) with texts, expected at least 3", "--only")),
    (("--only", "speeker"), ("unknown probe 'speeker'", "speaker, text, pitch")),
    (("--speakers", "1"), ("got 1 speakers", "at least 2")),
])
def test_refusals(call, corpus, tiny_model, tmp_path, arguments, messages):
    result = call("probe", tiny_model, "--data", corpus, "--quick", "-o", tmp_path / "found.json", *arguments)
    assert result.code == 1 and result.out == ""
    assert result.err.strip().splitlines()[-1].startswith("vc: error: ")
    assert all(message in result.err for message in messages), result.err
    assert list(tmp_path.iterdir()) == []


def test_refused_data(call, clips, tiny_model, tmp_path):
    call("probe", tiny_model, "--data", clips, "--quick").assert_refused("not a prepared corpus", "vc prepare")
    with StoreWriter(tmp_path / "alone", 16000) as store:
        add_unvoiced(store, "a/1.wav", "a", np.ones(16000, np.int16))
    call("probe", tiny_model, "--data", tmp_path / "alone").assert_refused("holds one speaker only", "at least 2")
    with StoreWriter(tmp_path / "fast", 22050) as store:
        add_unvoiced(store, "a/1.wav", "a", np.ones(16000, np.int16))
    call("probe", tiny_model, "--data", tmp_path / "fast").assert_refused("prepared at 22050 Hz", "--sample-rate 16000")


def test_an_output_that_cannot_be_is_refused_before_the_work(call, corpus, tmp_path):
    there = tmp_path / "found.json"
    there.write_text("mine")
    for output, message in ((there, "--force"), (tmp_path / "no" / "found.json", "does not exist")):
        call("probe", tmp_path / "no-model", "--data", corpus, "-o", output).assert_refused(message)
    assert there.read_text() == "mine"


# The sample


def test_the_sample_is_at_the_level_of_conversion(table):
    sample = draw_sample(table, Config(), speakers=3, seconds=100, seed=0)
    assert sample.speakers == 3 and len(sample.pieces) == 6
    for piece in sample.pieces:
        assert speech_level_db(piece.audio, 16000) == pytest.approx(NOMINAL_LEVEL_DB, abs=0.01)
        assert piece.text.startswith("say ")


def test_speakers_whom_the_model_was_not_trained_on_are_preferred_where_there_are_enough(repository, tmp_path):
    with StoreWriter(tmp_path, 16000) as store:
        for who in range(60):
            noise = np.int16(np.random.default_rng(who).normal(0, 900, 12000))
            add_unvoiced(store, f"home/{who}/1.wav", str(who), noise)
    few, many = (load_config(repository / "configs" / "tiny.yaml", [f"data.held_out_speakers={share}"])
                 for share in (0.1, 0.7))
    assert draw_sample(tmp_path, few, 60, 9, 0).trained_on > 40
    preferred = draw_sample(tmp_path, many, 60, 9, 0)
    assert preferred.trained_on == 0 and 24 <= preferred.speakers < 60
    assert {piece.channel for piece in preferred.pieces} == {"home"}


def test_a_long_recording_is_cut_and_loses_its_text(tmp_path):
    with StoreWriter(tmp_path, 16000) as store:
        for who in "ab":
            sound = np.random.default_rng(0).normal(0, 900, 40 * 16000)
            add_unvoiced(store, f"home/{who}/1.wav", who, np.int16(sound), "many words")
    pieces = draw_sample(tmp_path, Config(), 2, 20, 0).pieces
    assert [len(piece.audio) // 16000 for piece in pieces] == [13] * 4
    assert {piece.text for piece in pieces} == {""}


def test_every_probe_is_named():
    assert set(PROBES) == {"speaker", "text", "pitch", "loudness", "channel", "information"}
    with pytest.raises(ConfigError, match="unknown probe 'pich'"):
        make_probe("pich")
