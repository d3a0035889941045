"""Each layout from a tiny copy of it: paths, speakers by the corpus's own names, texts."""

import os

import numpy as np
import pytest
import soundfile

from vc.data.layouts import LAYOUTS, find_recordings, is_flat
from vc.errors import DataError


def plant(root, *audio):
    """Write short recordings at these paths below `root`."""
    for name in audio:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, np.zeros(160, np.int16), 16000)


def write(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def found(source, layout="auto"):
    """(path below the source, speaker, text) of each recording, and the layout's name."""
    corpus = find_recordings(source, layout)
    return corpus.layout, [(recording.path.relative_to(corpus.root).as_posix(), recording.speaker, recording.text)
                           for recording in corpus.recordings]


# Speaker folders


def test_speaker_folders_at_any_depth(tmp_path):
    plant(tmp_path, "ben/z.wav", "anna/2024/may/a.flac", "anna/b.WAV", "anna/c.ogg")
    write(tmp_path, "anna/notes.txt", "not audio")
    assert found(tmp_path) == ("speakers", [
        ("anna/2024/may/a.flac", "anna", ""), ("anna/b.WAV", "anna", ""), ("anna/c.ogg", "anna", ""),
        ("ben/z.wav", "ben", "")])


def test_order_does_not_depend_on_the_order_of_creation(tmp_path):
    names = ["b/2.wav", "a/10.wav", "b/1.wav", "a/2.wav"]
    plant(tmp_path / "one", *names)
    plant(tmp_path / "two", *reversed(names))
    assert found(tmp_path / "one") == found(tmp_path / "two")
    assert [path for path, *_ in found(tmp_path / "one")[1]] == ["a/10.wav", "a/2.wav", "b/1.wav", "b/2.wav"]


def test_hidden_files_are_passed_over(tmp_path):
    plant(tmp_path, "anna/a.wav", "__MACOSX/anna/a.wav", ".cache/x.wav")
    write(tmp_path, "anna/._a.wav", "resource fork")
    assert [path for path, *_ in found(tmp_path)[1]] == ["anna/a.wav"]


def test_links_are_followed_once_and_loops_end(tmp_path):
    plant(tmp_path, "elsewhere/x.wav", "corpus/anna/a.wav")
    corpus = tmp_path / "corpus"
    os.symlink(tmp_path / "elsewhere", corpus / "ben")
    os.symlink(corpus, corpus / "anna" / "loop")
    os.symlink("itself", corpus / "anna" / "itself")
    os.symlink("nowhere.wav", corpus / "anna" / "dangling.wav")
    assert [(path, speaker) for path, speaker, _ in found(corpus)[1]] == [("anna/a.wav", "anna"), ("ben/x.wav", "ben")]


def test_audio_without_a_speaker_folder_is_refused_with_the_way_to_arrange_it(tmp_path):
    plant(tmp_path, "a.wav", "b.wav", "anna/c.wav")
    with pytest.raises(DataError, match=r"2 audio files lie directly in it, for instance a\.wav.*/SPEAKER/a\.wav"):
        find_recordings(tmp_path)


def test_one_stray_recording_is_told_in_the_singular(tmp_path):
    plant(tmp_path, "a.wav", "anna/c.wav")
    with pytest.raises(DataError, match=r"1 audio file lies directly in it, for instance a\.wav"):
        find_recordings(tmp_path)


def test_a_folder_of_one_speaker(tmp_path):
    plant(tmp_path, "anna/b.wav", "anna/monday/a.wav")
    corpus = find_recordings(tmp_path / "anna", "speaker")
    assert [recording.speaker for recording in corpus.recordings] == ["anna", "anna"]
    plant(tmp_path, "ben/a.wav")
    write(tmp_path, "ben/notes.txt", "of no matter")
    folders = [tmp_path / name for name in ("anna", "anna/monday", "ben", "nobody")]
    assert [is_flat(folder) for folder in folders] == [False, True, True, False]


def test_nothing_to_find(tmp_path):
    write(tmp_path, "anna/readme.txt", "no audio")
    with pytest.raises(DataError, match="holds no audio file; expected .*\\.wav"):
        find_recordings(tmp_path)
    with pytest.raises(DataError, match="no such folder or table"):
        find_recordings(tmp_path / "missing")
    with pytest.raises(DataError, match="unknown layout 'vtck'; known: auto, table, speakers, speaker, vctk"):
        find_recordings(tmp_path, "vtck")


# Corpora


def test_vctk_takes_mic1_or_else_mic2_and_bears_missing_texts(tmp_path):
    audio = "VCTK-Corpus-0.92/wav48_silence_trimmed"
    plant(tmp_path, f"{audio}/p225/p225_001_mic1.flac", f"{audio}/p225/p225_001_mic2.flac",
          f"{audio}/p280/p280_001_mic1.flac", f"{audio}/p315/p315_007_mic1.flac", f"{audio}/p362/p362_002_mic2.flac",
          f"{audio}/s5/s5_001_mic1.flac")
    write(tmp_path, "VCTK-Corpus-0.92/txt/p225/p225_001.txt", "Please call Stella.\n")
    write(tmp_path, "VCTK-Corpus-0.92/txt/s5/s5_001.txt", "Please call Stella.\n")
    write(tmp_path, "VCTK-Corpus-0.92/README.txt", "CSTR VCTK Corpus")
    assert found(tmp_path) == ("vctk", [
        (f"{audio}/p225/p225_001_mic1.flac", "p225", "Please call Stella."),
        (f"{audio}/p280/p280_001_mic1.flac", "p280", ""),
        (f"{audio}/p315/p315_007_mic1.flac", "p315", ""),
        (f"{audio}/p362/p362_002_mic2.flac", "p362", ""),
        (f"{audio}/s5/s5_001_mic1.flac", "s5", "Please call Stella.")])


def test_librispeech(tmp_path):
    plant(tmp_path, "train-clean-100/103/1240/103-1240-0001.flac", "train-clean-100/103/1240/103-1240-0000.flac",
          "dev-clean/84/121123/84-121123-0000.flac")
    write(tmp_path, "train-clean-100/103/1240/103-1240.trans.txt",
          "103-1240-0000 CHAPTER ONE MISSUS RACHEL\n103-1240-0001 THAT HAD ITS SOURCE\n")
    assert found(tmp_path) == ("librispeech", [
        ("dev-clean/84/121123/84-121123-0000.flac", "84", ""),
        ("train-clean-100/103/1240/103-1240-0000.flac", "103", "CHAPTER ONE MISSUS RACHEL"),
        ("train-clean-100/103/1240/103-1240-0001.flac", "103", "THAT HAD ITS SOURCE")])
    assert found(tmp_path / "train-clean-100" / "103")[0] == "speakers"  # the speaker's own folder is not below it


def test_libritts_takes_the_normalised_text(tmp_path):
    stem = "train-clean-100/103/1241/103_1241_000000_000001"
    plant(tmp_path, f"{stem}.wav")
    write(tmp_path, f"{stem}.normalized.txt", "Doctor Smith paid five pounds.")
    write(tmp_path, f"{stem}.original.txt", "Dr. Smith paid £5.")
    assert found(tmp_path) == ("libritts", [(f"{stem}.wav", "103", "Doctor Smith paid five pounds.")])


def test_vcc2020_tells_the_languages_apart(tmp_path):
    plant(tmp_path, "source/SEF1/E10001.wav", "target_task1/TEF1/E10001.wav", "target_task2/TMM1/M10001.wav",
          "vcc2020_database_evaluation/SEF1/E30001.wav")
    lists = "vcc2020_database_transcriptions/transcriptions"
    write(tmp_path, f"{lists}_training/vcc2020_database_training_Eng_transcriptions.txt", "10001 Hello there.\n")
    write(tmp_path, f"{lists}_training/vcc2020_database_training_Man_transcriptions.txt", "M10001\tni hao\n")
    write(tmp_path, f"{lists}_evaluation/vcc2020_database_evaluation_transcriptions.txt", "30001 Goodbye.\n")
    assert found(tmp_path) == ("vcc2020", [
        ("source/SEF1/E10001.wav", "SEF1", "Hello there."),
        ("target_task1/TEF1/E10001.wav", "TEF1", "Hello there."),
        ("target_task2/TMM1/M10001.wav", "TMM1", "ni hao"),
        ("vcc2020_database_evaluation/SEF1/E30001.wav", "SEF1", "Goodbye.")])


def test_speechocean762(tmp_path):
    plant(tmp_path, "WAVE/SPEAKER0001/000010011.WAV", "WAVE/SPEAKER0003/000030012.WAV")
    write(tmp_path, "train/text", "000010011\tWE CALL IT BEAR\n")
    write(tmp_path, "train/utt2spk", "000010011 0001\n")
    write(tmp_path, "test/text", "000030012 MARK IS GOING TO SEE ELEPHANT\n")
    assert found(tmp_path) == ("speechocean762", [
        ("WAVE/SPEAKER0001/000010011.WAV", "0001", "WE CALL IT BEAR"),
        ("WAVE/SPEAKER0003/000030012.WAV", "0003", "MARK IS GOING TO SEE ELEPHANT")])


def test_aishell3_drops_the_pinyin(tmp_path):
    plant(tmp_path, "train/wav/SSB0005/SSB00050001.wav", "test/wav/SSB0009/SSB00090002.wav")
    write(tmp_path, "train/content.txt", "SSB00050001.wav\t广 guang3 州 zhou1 女 nv3\n")
    assert found(tmp_path) == ("aishell3", [
        ("test/wav/SSB0009/SSB00090002.wav", "SSB0009", ""),
        ("train/wav/SSB0005/SSB00050001.wav", "SSB0005", "广州女")])


def test_a_date_is_not_taken_for_a_librispeech_name(tmp_path):
    plant(tmp_path, "anna/2024-05-01.wav", "p225/holiday.wav")
    assert found(tmp_path)[0] == "speakers"


def test_what_fits_no_single_layout_is_refused(tmp_path):
    plant(tmp_path, "one/103/1240/103-1240-0000.flac", "two/SSB0005/SSB00050001.wav", "three/anna/a.wav")
    with pytest.raises(DataError, match="looks like librispeech and aishell3 at once"):
        find_recordings(tmp_path)
    plant(tmp_path / "half", "103/1240/103-1240-0000.flac", "anna/a.wav")
    with pytest.raises(DataError, match="looks like librispeech, but 1 of 2 audio files do not fit.* anna/a.wav"):
        find_recordings(tmp_path / "half")


def test_a_layout_can_be_forced(tmp_path):
    plant(tmp_path, "103/1240/103-1240-0000.flac", "anna/a.wav")
    assert found(tmp_path, "librispeech") == ("librispeech", [("103/1240/103-1240-0000.flac", "103", "")])
    assert [speaker for _, speaker, _ in found(tmp_path, "speakers")[1]] == ["103", "anna"]
    with pytest.raises(DataError, match="no file there is named like wav48_silence_trimmed/p225/p225_001_mic1.flac"):
        find_recordings(tmp_path, "vctk")
    with pytest.raises(DataError, match="is a folder, the layout table needs a file"):
        find_recordings(tmp_path, "table")


# Tables


@pytest.mark.parametrize(("name", "content"), [
    ("t.tsv", 'path\tspeaker\ttext\nx/b.wav\tben\t"No, he said\na.wav\tanna\t\n'),
    ("t.csv", 'speaker,seconds,path,text\r\nben,1,x/b.wav,"""No, he said"\r\nanna,2,a.wav,\r\n'),
    ("t.csv", '\ufeffpath;speaker;text\nx/b.wav;ben;"""No, he said"\na.wav;anna\n'),
], ids=["tab", "comma", "semicolon"])
def test_table_forms(tmp_path, name, content):
    (tmp_path / name).write_text(content, encoding="utf-8", newline="")
    assert found(tmp_path / name) == ("table", [("a.wav", "anna", ""), ("x/b.wav", "ben", '"No, he said')])


def test_table_without_text(tmp_path):
    write(tmp_path, "t.tsv", "path\tspeaker\n../far/a.wav\tanna\n")
    recording, = find_recordings(tmp_path / "t.tsv").recordings
    assert (recording.path, recording.speaker, recording.text) == (tmp_path / "../far/a.wav", "anna", "")


@pytest.mark.parametrize(("content", "message"), [
    (b"file\tspeaker\na.wav\tanna\n", r"lacks path; got 'file\\tspeaker', expected the columns path, speaker"),
    (b"", "lacks path and speaker"),
    (b"path\tspeaker\n", "no line below it"),
    (b"path\tspeaker\na.wav\t\n", "line 2: the speaker is empty"),
    (b"path\tspeaker\na.wav\tanna\nb.wav\tben\n./a.wav\tanna\n", r"line 4: \./a\.wav stands in line 2 already"),
    (b"path\tspeaker\n\xff\xfe.wav\tanna\n", "cannot be read as a table"),
], ids=["column", "empty", "header only", "no speaker", "twice", "not text"])
def test_a_wrong_table_is_refused(tmp_path, content, message):
    (tmp_path / "t.tsv").write_bytes(content)
    with pytest.raises(DataError, match=message):
        find_recordings(tmp_path / "t.tsv")


def test_a_recording_is_not_a_table(tmp_path):
    plant(tmp_path, "a.wav")
    with pytest.raises(DataError, match="is one recording"):
        find_recordings(tmp_path / "a.wav")
    write(tmp_path, "t.tsv", "path\tspeaker\na.wav\tanna\n")
    with pytest.raises(DataError, match="is a file, the layout vctk needs a folder"):
        find_recordings(tmp_path / "t.tsv", "vctk")


def test_every_layout_has_an_example_that_it_recognises(tmp_path):
    from vc.data.layouts import _FOLDER_LAYOUTS

    assert set(LAYOUTS) == {"auto", "table", *_FOLDER_LAYOUTS}
    for name, layout in _FOLDER_LAYOUTS.items():
        plant(tmp_path / name, layout.example)
        asked = "speaker" if name == "speaker" else "auto"  # nothing in a name says that all are one person's
        assert find_recordings(tmp_path / name, asked).layout == name
