"""Recordings found again: by voice, by words, through an index that is kept, renewed, and refused where it is wrong."""

import os
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from helpers import contents

import vc
from vc.audio import load_audio, save_audio
from vc.checkpoint import load_checkpoint, save_checkpoint
from vc.errors import AudioError, CheckpointError, SearchError
from vc.search import Index, store
from vc.search.content import Sequence, find
from vc.search.index import voice_of
from vc.search.neighbours import nearest
from vc.search.passages import Listener
from vc.search.store import load_entries

RATE_HZ = 16000


@pytest.fixture(scope="module")
def converter():
    return vc.load(device="cpu")


@pytest.fixture(scope="module")
def indexed(converter, clips, tmp_path_factory):
    """An Index of the clips, up to date and saved elsewhere."""
    index = Index(clips, converter, tmp_path_factory.mktemp("index") / "index.safetensors")
    assert index.update() == []
    return index


@pytest.fixture
def library(clips, tmp_path):
    """A folder of two recordings of its own."""
    for name in "kathleen/aurora.flac", "kerstin/burg.flac":
        (tmp_path / "library" / name).parent.mkdir(parents=True)
        shutil.copy(clips / name, tmp_path / "library" / name)
    return tmp_path / "library"


@pytest.mark.parametrize(("query", "answer"), [
    ("kathleen/aurora", "kathleen/again"), ("kerstin/burg", "kerstin/amboise"), ("nathalie/katje", "nathalie/student")])
def test_the_same_voice_comes_first_and_the_query_not_at_all(indexed, clips, query, answer):
    found = indexed.by_speaker(clips / f"{query}.flac")
    assert found[0].path == clips / f"{answer}.flac"
    assert len(found) == 7 and clips / f"{query}.flac" not in [match.path for match in found]
    assert [match.score for match in found] == sorted((match.score for match in found), reverse=True)
    assert found[0].end_s == pytest.approx(len(load_audio(found[0].path, RATE_HZ)) / RATE_HZ)


@pytest.mark.parametrize(("name", "start_s"), [("kathleen/again", 0.6), ("kerstin/amboise", 0.6)])
def test_a_piece_is_found_where_it_was_cut_out(indexed, clips, tmp_path, name, start_s):
    audio = load_audio(clips / f"{name}.flac", RATE_HZ)[round(start_s * RATE_HZ):round((start_s + 1.5) * RATE_HZ)]
    noise = 0.003 * np.random.default_rng(0).standard_normal(len(audio)).astype(np.float32)
    save_audio(tmp_path / "piece.wav", 0.3 * audio + noise + 0.05, RATE_HZ)
    best, second, *_ = indexed.by_content(tmp_path / "piece.wav")
    assert best.path == clips / f"{name}.flac" and best.score > second.score
    assert best.start_s == pytest.approx(start_s, abs=0.2) and best.end_s == pytest.approx(start_s + 1.5, abs=0.2)


def test_words_that_a_recording_says_twice_are_found_twice(converter, clips, tmp_path):
    one, other = (load_audio(clips / name, RATE_HZ) for name in ("kathleen/again.flac", "kerstin/burg.flac"))
    (tmp_path / "library").mkdir()
    save_audio(tmp_path / "library" / "twice.wav", np.concatenate([other, one, other, other, one]), RATE_HZ)
    index = Index(tmp_path / "library", converter)
    index.update()
    starts_s = len(other) / RATE_HZ, (3 * len(other) + len(one)) / RATE_HZ
    best = index.by_content(clips / "kathleen" / "again.flac")[:2]
    assert sorted(match.start_s for match in best) == pytest.approx(starts_s, abs=0.3)


def test_long_recordings_are_heard_in_windows_that_overlap(converter, clips, tmp_path):
    one = load_audio(clips / "kathleen" / "again.flac", RATE_HZ)
    pause = np.zeros(28 * RATE_HZ, np.float32)
    save_audio(tmp_path / "long.wav", np.concatenate([pause, one, pause, pause]), RATE_HZ)
    passages, seconds = Listener(converter).passages(tmp_path / "long.wav")
    assert seconds == pytest.approx(84 + len(one) / RATE_HZ)
    assert [passage.start_s for passage in passages] == [0.0, 20.0]  # those in which nobody speaks are left out
    assert all(passage.seconds == 30 for passage in passages)


def test_passages_count_by_their_length():
    passages = [SimpleNamespace(speaker=np.eye(2)[i], seconds=seconds) for i, seconds in enumerate((30.0, 10.0))]
    np.testing.assert_allclose(voice_of(passages, "x"), np.array([3, 1]) / np.sqrt(10))


def test_windows_give_one_answer_a_place(converter, clips, tmp_path):
    one = load_audio(clips / "kathleen" / "again.flac", RATE_HZ)
    (tmp_path / "library").mkdir()
    save_audio(tmp_path / "library" / "long.wav", np.concatenate([np.zeros(22 * RATE_HZ, np.float32), one,
                                                                  np.zeros(8 * RATE_HZ, np.float32)]), RATE_HZ)
    index = Index(tmp_path / "library", converter)
    index.update()
    assert len(index.entries["long.wav"].passages) == 2
    best, *others = index.by_content(clips / "kathleen" / "again.flac")
    assert best.start_s == pytest.approx(22, abs=0.3)
    assert all(match.start_s > 23 or match.end_s < 23 for match in others)


def test_a_saved_index_answers_as_the_one_in_memory(indexed, converter, clips):
    read = Index(clips, converter, indexed.path)
    query = clips / "flemishguy" / "kwallen.flac"
    assert read.by_speaker(query) == indexed.by_speaker(query)
    assert read.by_content(query) == indexed.by_content(query)


def test_only_what_is_new_or_has_changed_is_heard(converter, library, clips, monkeypatch):
    heard = []
    passages = Listener.passages
    monkeypatch.setattr(Listener, "passages", lambda self, path: heard.append(path.name) or passages(self, path))
    Index(library, converter).update()
    assert sorted(heard) == ["aurora.flac", "burg.flac"]
    written = (library / "vc-index.safetensors").stat().st_mtime_ns
    heard.clear()
    Index(library, converter).update()
    assert heard == [] and (library / "vc-index.safetensors").stat().st_mtime_ns == written
    shutil.copy(clips / "nathalie" / "katje.flac", library / "kathleen" / "new.flac")
    os.utime(library / "kerstin" / "burg.flac", (1, 1))
    Index(library, converter).update()
    assert sorted(heard) == ["burg.flac", "new.flac"]
    (library / "kerstin" / "burg.flac").unlink()
    Index(library, converter).update()
    assert sorted(load_entries(library / "vc-index.safetensors", converter)) == ["kathleen/aurora.flac",
                                                                                 "kathleen/new.flac"]


def test_recordings_that_change_places_are_heard_anew(converter, clips, tmp_path):
    """Equal in size and time of change, as files that a program cut and unpacked may be."""
    library, length = tmp_path / "library", 2 * RATE_HZ
    library.mkdir()
    for name, origin in ("one.wav", "kathleen/aurora.flac"), ("other.wav", "kerstin/burg.flac"):
        save_audio(library / name, np.resize(load_audio(clips / origin, RATE_HZ), length), RATE_HZ)
        os.utime(library / name, (1, 1))
    index = Index(library, converter)
    index.update()
    first = {name: entry.passages[0].speaker for name, entry in index.entries.items()}
    (library / "one.wav").rename(library / "third.wav")
    (library / "other.wav").rename(library / "one.wav")
    (library / "third.wav").rename(library / "other.wav")
    again = Index(library, converter)
    again.update()
    assert [np.argmax([first[name] @ again.entries[now].passages[0].speaker for name in first])
            for now in first] == [1, 0]


def test_an_index_of_an_older_format_is_heard_anew(converter, library, monkeypatch, caplog):
    monkeypatch.setattr(store, "FORMAT", 1)
    Index(library, converter).update()
    monkeypatch.undo()
    index = Index(library, converter)
    assert index.entries == {} and "an index of format 1; its recordings are heard anew" in caplog.text
    index.update()
    assert len(Index(library, converter).entries) == 2
    monkeypatch.setattr(store, "FORMAT", 1)
    with pytest.raises(SearchError, match="an index of format 2, this program reads 1; give --renew"):
        Index(library, converter)


def test_an_index_of_another_model_is_refused_and_renewed(converter, library, tiny_model):
    Index(library, vc.load(tiny_model, "cpu")).update()
    with pytest.raises(SearchError, match="an index of the model .* --renew"):
        Index(library, converter)
    renewed = Index(library, converter, renew=True)
    renewed.update()
    assert len(load_entries(renewed.path, converter)) == 2


@pytest.mark.parametrize("damage", ["cut", "turned", "pickle", "version"])
def test_a_damaged_index_is_refused_and_renewed(converter, library, damage):
    Index(library, converter).update()
    path = library / "vc-index.safetensors"
    whole = path.read_bytes()
    path.write_bytes({"cut": whole[:-10], "turned": whole[:-1] + bytes([whole[-1] ^ 1]), "pickle": b"\x80\x04N.",
                      "version": whole.replace(b'"version":"1"', b'"version":"2"')}[damage])
    with pytest.raises(SearchError, match="--renew makes the index anew") as refusal:
        Index(library, converter)
    assert str(path) in str(refusal.value)
    Index(library, converter, renew=True).update()
    assert len(load_entries(path, converter)) == 2


@pytest.mark.parametrize("change", [
    {"extra": {}}, {"extra": {"format": "2"}}, {"extra": {"format": 2, "model": 5, "files": []}}, {"tensors": {}},
    {"files": [1]}, {"files": [[1, 2, 3, 4, 5.0, []]]}, {"files": [["a", "b", 3, 4, 5.0, []]]},
    {"files": [["a", 2, 3, 4, 5.0, [[0, 1, -5]]]]}, {"files": [["a", 2, 3, 4, 5.0, [[0, 1, 10**6]]]]},
    {"files": [["a", 2, 3, 4, 5.0, 7]]}], ids=str)
def test_an_index_that_a_stranger_sealed_is_refused(converter, indexed, tmp_path, change):
    path = tmp_path / "strange.safetensors"
    whole = load_checkpoint(indexed.path, kinds=("index",))
    extra = change.get("extra", whole.extra | {"files": change.get("files", whole.extra["files"])})
    save_checkpoint(path, replace(whole, extra=extra, tensors=change.get("tensors", whole.tensors)))
    with pytest.raises(SearchError, match="--renew") as refusal:
        load_entries(path, converter)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("name", ["query.flac", "model.safetensors", "cut.safetensors", "vc-index.safetensors"])
def test_what_is_no_index_is_never_replaced(call, library, clips, tiny_model, name):
    """A recording, a model under two names, and what may be anything."""
    path = library / name
    shutil.copy(clips / "nathalie" / "katje.flac" if name.endswith("flac") else tiny_model, path)
    if name.startswith("cut"):
        path.write_bytes(path.read_bytes()[:-10])
    before = path.read_bytes()
    for renew in [], ["--renew"]:
        ended = call("search", library, clips / "nathalie" / "katje.flac", "--by", "speaker", "--index", path, *renew)
        ended.assert_refused(f"{path}: is no index; give another --index")
    assert path.read_bytes() == before


def test_the_index_is_no_pickle_and_says_its_model(indexed, converter):
    checkpoint = load_checkpoint(indexed.path, kinds=("index",))
    assert checkpoint.extra["model"] == converter.fingerprint


def test_what_cannot_be_looked_for_is_refused(indexed, clips, tmp_path):
    save_audio(tmp_path / "silence.wav", np.zeros(RATE_HZ, np.float32), RATE_HZ)
    for search in indexed.by_speaker, indexed.by_content:
        with pytest.raises(AudioError, match="silence.wav: is silent"):
            search(tmp_path / "silence.wav")
        with pytest.raises(AudioError, match="no such file"):
            search(tmp_path / "nothing.wav")
    save_audio(tmp_path / "long.wav", np.tile(load_audio(clips / "kerstin" / "burg.flac", RATE_HZ), 6), RATE_HZ)
    with pytest.raises(SearchError, match="expected at most 10 s"):
        indexed.by_content(tmp_path / "long.wav")


# The search itself, on sequences made by hand


def test_the_place_of_a_slower_copy_is_found():
    rng = np.random.default_rng(0)
    sequences = [rng.standard_normal((6, 200)).astype(np.float32) for _ in range(30)]
    copy = np.repeat(sequences[7][:, 50:80], 2, axis=1)[:, ::2] + 0.1 * rng.standard_normal((6, 30))
    best, second, *_ = find(Sequence(copy, copy), [Sequence(one, one) for one in sequences])
    assert best.place == 7 and abs(best.start - 50) <= 1 and abs(best.stop - 80) <= 1
    assert best.score > 0.9 > second.score
    slower = np.repeat(copy, 2, axis=1)
    assert find(Sequence(slower, slower), [Sequence(one, one) for one in sequences])[0].place == 7


def test_each_step_in_which_only_one_goes_on_costs():
    query = np.random.default_rng(0).standard_normal((8, 10)).astype(np.float32)
    slow = np.repeat(query, 2, axis=1)  # on each of its frames but the first and the last the query waits once
    scores = [find(Sequence(query, query), [Sequence(there, there)])[0].score for there in (query, slow)]
    assert scores == [pytest.approx(1.0, abs=1e-4), pytest.approx(1 - 8 * 0.1 / 10, abs=1e-4)]


def test_a_sequence_that_says_it_twice_answers_twice():
    rng = np.random.default_rng(0)
    said, between = rng.standard_normal((6, 30)), rng.standard_normal((6, 150))
    twice = np.concatenate([between[:, :50], said, between[:, 50:90], said + 0.1, said, between[:, 90:]], axis=1)
    found = find(Sequence(said, said), [Sequence(one, one) for one in (between, twice)])
    assert [(one.place, one.start, one.stop) for one in sorted(found[:3], key=lambda one: one.start)] == [
        (1, 50, 80), (1, 120, 150), (1, 150, 180)]
    assert found[2].score > 0.9 > found[3].score + 0.3


def test_few_candidates_are_warped_and_short_passages_left_out():
    rng = np.random.default_rng(0)
    sequences = [rng.standard_normal((4, frames)).astype(np.float32) for frames in (60, 19, 60, 60, 25)]
    query = sequences[2][:, 10:50]
    found = find(Sequence(query, query), [Sequence(one, one) for one in sequences])
    assert {one.place for one in found} == {0, 2, 3, 4}  # the 19 frames are less than half of the query's 40
    assert found[0].place == 2 and found[0].score == pytest.approx(1) and (found[0].start, found[0].stop) == (10, 50)
    few = find(Sequence(query, query), [Sequence(one, one) for one in sequences], candidates=2)
    assert len({one.place for one in few}) == 2
    assert find(Sequence(query, query), []) == []


def test_neighbours_are_those_of_the_cosine():
    vectors = np.array([[0.0, 1.0], [3.0, 3.0], [-1.0, 0.0], [5.0, 0.0]])
    places, cosines = nearest(np.array([1.0, 0.1]), vectors, 3)
    assert places.tolist() == [3, 1, 0]
    assert cosines == pytest.approx([1 / 1.01**0.5, 1.1 / 2.02**0.5, 0.1 / 1.01**0.5])


# The command line


def test_the_command_prints_a_table(call, library, clips, tiny_model):
    shutil.copy(clips / "kathleen" / "again.flac", library / "again.flac")
    for by in "speaker", "content":
        found = call("search", library, clips / "nathalie" / "katje.flac", "--by", by, "-n", 2, "--model", tiny_model)
        lines = [line.split("\t") for line in found.out.splitlines()]
        assert (found.code, found.err) == (0, "") and [line[0] for line in lines] == ["1", "2"]
        assert all(line[2].startswith(str(library)) and float(line[3]) < float(line[4]) for line in lines)
        assert float(lines[0][1]) >= float(lines[1][1])


@pytest.mark.parametrize("by", ["speaker", "content"])
def test_a_library_without_another_recording_is_told(call, library, tiny_model, by):
    (library / "kathleen" / "aurora.flac").unlink()
    found = call("search", library, library / "kerstin" / "burg.flac", "--by", by, "--model", tiny_model)
    assert (found.code, found.out) == (0, "")
    assert found.err == f"nothing was found in {library}: no other recording there holds enough speech\n"


def test_one_damaged_recording_is_told_and_the_others_found(call, library, clips, tiny_model):
    (library / "broken.wav").write_bytes(b"RIFF")
    found = call("search", library, clips / "nathalie" / "katje.flac", "--by", "speaker", "--model", tiny_model)
    assert found.code == 1 and len(found.out.splitlines()) == 2
    assert found.err.count("\n") == 1 and "broken.wav" in found.err


def test_a_recording_that_cannot_be_read_is_let_go(converter, library):
    """A traceback would keep the reader's resampler until the interpreter ends, which complains of it on stderr."""
    soundfile.write(library / "nan.wav", np.full(RATE_HZ, np.nan), RATE_HZ, subtype="FLOAT")
    (failure,) = Index(library, converter).update()
    assert "nan.wav: holds NaN" in str(failure) and failure.__traceback__ is None


def test_a_wrong_library_is_refused(call, source, tmp_path, tiny_model):
    asked = ("--by", "speaker", "--model", tiny_model)
    call("search", tmp_path / "none", source, *asked).assert_refused("none: is no folder")
    call("search", tmp_path, source, *asked).assert_refused("a folder without audio files", folder=tmp_path)


def test_a_refusal_does_not_wait_until_all_was_heard(call, library, source, tmp_path, tiny_model, monkeypatch):
    """Nothing is heard where there is no index yet, one recording where there is one."""
    heard = []
    passages = Listener.passages
    monkeypatch.setattr(Listener, "passages", lambda self, path: heard.append(path) or passages(self, path))
    (tmp_path / "file").write_text("precious")
    asked = "search", library, source, "--by", "speaker", "--model", tiny_model
    call(*asked, "--index", tmp_path / "file" / "index").assert_refused("file/index: cannot be written (File exists)")
    call(*asked[:2], tmp_path / "no.wav", *asked[3:]).assert_refused("no.wav: no such file")
    assert heard == [] and contents(library) == ["kathleen/aurora.flac", "kerstin/burg.flac"]

    def full_disk(path, *rest):
        raise CheckpointError(f"{path}: cannot be written (No space left on device)")

    assert call(*asked).code == 0
    shutil.copy(source, library / "new.flac")
    shutil.copy(source, library / "newer.flac")
    monkeypatch.setattr("vc.search.index.save_entries", full_disk)
    heard.clear()
    call(*asked).assert_refused("vc-index.safetensors: cannot be written (No space left on device)")
    assert heard == [library / "new.flac"]


def test_a_missing_library_is_named(converter, library, monkeypatch):
    index = Index(library, converter)
    index.update()
    monkeypatch.setitem(__import__("sys").modules, "sklearn.neighbors", None)
    with pytest.raises(SearchError, match=r"sklearn.neighbors, which is not installed; pip install vc\[search\]"):
        index.by_speaker(library / "kathleen" / "aurora.flac")
