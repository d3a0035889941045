"""Speech as a small file and back."""

import dataclasses
import hashlib
import json
import math
import re
import zlib

import numpy as np
import pytest
import torch

from tests.helpers import quick_converter, save_untrained
from vc import codec
from vc.audio import audio_label, load_audio, save_audio
from vc.codec.file import MAGIC, Encoded, Window, _from_bits, _Reader, _to_bits, content_bits, pack, unpack
from vc.codec.scales import f0_of, f0_steps, level_steps, levels_of
from vc.conversion import load
from vc.errors import CodecError
from vc.level import speech_level_db

CARDINALITIES = (2, 5, 512, 3)


def some_encoded(seed=0):
    rng = np.random.default_rng(seed)
    windows = [Window(2 * frames, np.stack([rng.integers(0, most, frames + 4) for most in CARDINALITIES]),
                      rng.integers(0, 128, frames, np.uint8), rng.integers(0, 40, frames, np.uint8))
               for frames in (1, 7, 30)]
    voice = {"speaker": rng.normal(size=7).astype("<f2"), "pitch_mean": rng.normal(size=1).astype("<f2")}
    return Encoded("f" * 64, 12345, -23.25, 14.5, CARDINALITIES, voice, windows)


def assert_same(one, other):
    for field in dataclasses.fields(Encoded):
        if field.name not in ("voice", "windows"):
            assert getattr(one, field.name) == getattr(other, field.name)
    assert one.voice.keys() == other.voice.keys()
    assert all(np.array_equal(one.voice[name], other.voice[name]) for name in one.voice)
    for first, second in zip(one.windows, other.windows, strict=True):
        assert first.frames == second.frames
        assert all(np.array_equal(getattr(first, name), getattr(second, name)) for name in ("codes", "f0", "level"))


@pytest.fixture(scope="module")
def discrete(repository, tmp_path_factory):
    """An untrained converter whose content half is 8 bits a frame."""
    path = tmp_path_factory.mktemp("discrete") / "binary.safetensors"
    save_untrained(path, repository, "model.bottleneck=binary")
    return quick_converter(path)


@pytest.fixture
def encoded(discrete, source):
    return codec.encode(discrete, source)


def test_what_is_packed_is_unpacked_to_the_bit():
    assert_same(unpack(pack(some_encoded()), "x"), some_encoded())


def test_codes_take_the_bits_they_need():
    codes = np.array([[1, 0, 1], [4, 0, 3]])
    # One bit a value of two, three of five: 1 0 1, then 100 000 011, padded to whole bytes.
    assert _to_bits(codes, (2, 5)) == bytes([0b10110000, 0b00110000])
    assert np.array_equal(_from_bits(_Reader(bytes([0b10110000, 0b00110000])), 3, (2, 5)), codes)
    assert content_bits(some_encoded()) == (5 + 11 + 34) * (1 + 3 + 9 + 2)


def test_contours_keep_their_steps():
    f0 = np.array([0, 60, 61, 100, 220.5, 550, 700])
    kept = f0_of(f0_steps(f0))
    assert kept[0] == 0
    cents = 1200 * np.abs(np.log2(kept[1:] / np.minimum(f0[1:], 550)))
    assert cents.max() <= 16 and kept[1] == pytest.approx(60) and kept[-1] == pytest.approx(550)
    level_db = np.array([-200, -120, -61.4, -26, 0])
    assert levels_of(level_steps(level_db)) == pytest.approx([-120, -120, -60, -27, 0])


@pytest.mark.parametrize("damage, message", [
    (lambda content: b"RIFF" + content[4:], "x.vcs: not a file that `vc encode` wrote; give such a one"),
    (lambda content: b"vcs9" + content[4:], "x.vcs: format version 9, this vc reads 1; "),
    (lambda content: content[:-1], "x.vcs: damaged, its checksum does not fit; "),
    (lambda content: content[:60] + bytes([content[60] ^ 1]) + content[61:], "x.vcs: damaged, its checksum "),
    (lambda content: b"", "x.vcs: not a file that `vc encode` wrote"),
])
def test_damaged_and_foreign_files_are_refused(damage, message):
    with pytest.raises(CodecError) as refusal:
        unpack(damage(pack(some_encoded())), "x.vcs")
    assert str(refusal.value).startswith(message)


def sealed(header, rest=b"", contours=b""):
    """A file with a checksum that fits, whatever is in it."""
    line = header if isinstance(header, bytes) else json.dumps(header).encode()
    first, second = zlib.compress(line + b"\n" + rest), zlib.compress(contours)
    body = len(first).to_bytes(4, "little") + first + second
    return MAGIC + hashlib.sha256(body).digest() + body


def sealed_body(body):
    return MAGIC + hashlib.sha256(body).digest() + body


HEADER = {"model": "f", "samples": 1, "level_db": -20, "offset_db": 0, "cardinalities": [2], "voice": {},
          "windows": [[1, 1, 1]]}


def test_the_smallest_file_is_read():
    assert unpack(sealed(HEADER, b"\x80", b"\1\2"), "x").windows[0].codes.tolist() == [[1]]


@pytest.mark.parametrize("content", [
    sealed(HEADER | {"cardinalities": [1], "windows": [[80, 60000000, 0]]}), sealed(HEADER | {"cardinalities": [-2]}),
    sealed(HEADER | {"cardinalities": []}), sealed(HEADER | {"cardinalities": [10**30]}, bytes(99), bytes(9)),
    sealed(HEADER | {"cardinalities": [3]}, b"\xff", b"\1\2"), sealed(HEADER, b"", b"\1\2"), sealed(HEADER, b"\x80"),
    sealed(HEADER | {"windows": [[1, -1, 1]]}), sealed(HEADER | {"windows": [[1.5, 1, 1]]}),
    sealed(HEADER | {"windows": []}), sealed(HEADER | {"windows": 3}), sealed(HEADER | {"voice": [1]}),
    sealed(HEADER | {"voice": {"speaker": -1}}), sealed(HEADER | {"samples": "x"}), sealed(HEADER | {"model": 5}),
    sealed(HEADER | {"level_db": -math.inf}), sealed(HEADER | {"offset_db": None}), sealed({}), sealed([]),
    sealed(b"no JSON"), sealed(b"\xff"), sealed(b"[" * 200000), sealed_body(b""), sealed_body(b"no zlib at all"),
    sealed_body(sealed(HEADER)[36:-3]),
], ids=lambda content: str(len(content)))
def test_what_another_program_sealed_is_refused(content):
    with pytest.raises(CodecError) as refusal:
        unpack(content, "x.vcs")
    assert str(refusal.value).startswith("x.vcs: not what `vc encode` writes, though its checksum fits; ")


def test_a_stream_that_swells_is_refused(monkeypatch):
    monkeypatch.setattr("vc.codec.file.MOST_BYTES", 1000)
    with pytest.raises(CodecError, match="not what `vc encode` writes"):
        unpack(sealed(HEADER, bytes(10000), b"\1\2"), "x.vcs")


@pytest.mark.parametrize("change", [
    lambda encoded: {"cardinalities": (3,) * len(encoded.cardinalities)},
    lambda encoded: {"voice": encoded.voice | {"speaker": encoded.voice["speaker"][1:]}},
    lambda encoded: {"voice": {"speaker": encoded.voice["speaker"]}},
    lambda encoded: {"samples": 10**12},
    lambda encoded: {"windows": [dataclasses.replace(encoded.windows[0], frames=10)]},
    lambda encoded: {"windows": [dataclasses.replace(encoded.windows[0], codes=encoded.windows[0].codes[:, 1:])]},
])
def test_what_the_named_model_does_not_make_is_refused(discrete, encoded, change, tmp_path):
    with pytest.raises(CodecError, match="its codes, voice or windows are not as the model that it names makes them"):
        list(codec.decode_steps(discrete, dataclasses.replace(encoded, **change(encoded)), tmp_path / "x.wav"))
    assert not (tmp_path / "x.wav").exists()


def test_a_file_decodes_to_the_length_and_level_of_the_recording(discrete, source, tmp_path):
    codec.encode_file(discrete, source, tmp_path / "s.vcs")
    codec.decode_file(discrete, tmp_path / "s.vcs", tmp_path / "s.wav")
    rate = discrete.sample_rate
    original, decoded = load_audio(source, rate), load_audio(tmp_path / "s.wav", rate)
    assert len(decoded) == len(original)
    assert speech_level_db(decoded, rate) == pytest.approx(speech_level_db(original, rate), abs=0.5)


def test_encoding_is_exact_and_repeats(discrete, source, encoded):
    again = codec.encode(discrete, source)
    assert pack(again) == pack(encoded)
    assert_same(unpack(pack(encoded), "x"), encoded)


def test_codes_stand_for_what_the_decoder_was_given(discrete, source, encoded):
    frames, _ = next(discrete.windows(source, discrete.survey(source)))
    squeezed = discrete.listen(frames).squeezed
    codes = torch.from_numpy(encoded.windows[0].codes)[None]
    assert torch.equal(discrete.model.encoder.bottleneck.look_up(codes), squeezed.z)


def test_another_voice_changes_what_is_heard(discrete, encoded, target, tmp_path):
    for name, voice in (("own.wav", None), ("other.wav", target)):
        list(codec.decode_steps(discrete, encoded, tmp_path / name, target=voice))
    own, other = (load_audio(tmp_path / name, discrete.sample_rate) for name in ("own.wav", "other.wav"))
    assert len(own) == len(other) and np.abs(own - other).max() > 0.01


def test_only_in_another_voice_it_is_a_conversion(discrete, encoded, target, tmp_path):
    for name, voice in (("own.flac", None), ("other.flac", target)):
        list(codec.decode_steps(discrete, encoded, tmp_path / name, target=voice))
    own, other = (audio_label(tmp_path / name) for name in ("own.flac", "other.flac"))
    assert other == discrete.label
    assert "rebuilt from codes" in own and "converted" not in own and discrete.fingerprint[:12] in own


def test_windows_are_encoded_one_by_one(discrete, source, tmp_path, monkeypatch):
    monkeypatch.setattr("vc.conversion.WINDOW_S", 1.0)
    monkeypatch.setattr("vc.conversion.OVERLAP_S", 0.25)
    cut = codec.encode(discrete, source)
    assert len(cut.windows) > 2
    list(codec.decode_steps(discrete, unpack(pack(cut), "x"), tmp_path / "cut.wav"))
    assert len(load_audio(tmp_path / "cut.wav", discrete.sample_rate)) == cut.samples


def test_the_model_in_the_package_is_rounded(source):
    converter = load(device="cpu")
    encoded = codec.encode(converter, source)
    assert encoded.cardinalities == (16,) * converter.model.config.model.content_dims
    frames, _ = next(converter.windows(source, converter.survey(source)))
    z = converter.listen(frames).squeezed.z
    rounded = codec.content_of(converter.model, torch.from_numpy(encoded.windows[0].codes)[None])
    low, high = codec.codes.NORMALISED_RANGE
    assert (rounded - z.clamp(low, high)).abs().max() <= 0.5 * (high - low) / 15 + 1e-6


def test_a_continuous_model_and_another_models_file_are_refused(repository, tmp_path, source, encoded):
    save_untrained(tmp_path / "vae.safetensors", repository, "model.bottleneck=vae")
    vae = load(tmp_path / "vae.safetensors", "cpu")
    with pytest.raises(CodecError, match=r"continuous \(bottleneck vae\), expected a discrete one; train one of"):
        codec.encode(vae, source)
    with pytest.raises(CodecError, match="encoded with the model .*, this one is .*; decode with the model"):
        list(codec.decode_steps(vae, encoded, tmp_path / "x.wav"))
    assert not (tmp_path / "x.wav").exists()


def test_a_silent_recording_has_no_voice_to_keep(discrete, call, tmp_path, caplog):
    save_audio(tmp_path / "silent.wav", np.zeros(16000, np.float32), 16000)
    call("encode", tmp_path / "silent.wav", "-o", tmp_path / "out" / "s.vcs").assert_refused(
        "silent", folder=tmp_path / "out")
    assert caplog.messages == []


def test_the_commands(call, discrete, source, target, tmp_path, repository):
    save_untrained(tmp_path / "m.safetensors", repository, "model.bottleneck=binary")
    model = ("--model", tmp_path / "m.safetensors")
    told = call("encode", source, "-o", tmp_path / "s.vcs", *model)
    assert told.code == 0 and f"{(tmp_path / 's.vcs').stat().st_size} bytes" in told.out
    with_edges, without = map(int, re.search(r" bits/s \(codes before packing (\d+) bits/s with held edges, (\d+) "
                                             r"without\)$", told.out).groups())
    seconds = len(load_audio(source, discrete.sample_rate)) / discrete.sample_rate
    edges = with_edges - 320 * (1 + 16 * 0.0125 / seconds)
    assert without == 320 and 0 <= edges * seconds < 8 * 3  # parts of frames count wholly
    call("encode", source, "-o", tmp_path / "s.vcs", *model).assert_refused("exists already")
    assert call("decode", tmp_path / "s.vcs", "--target", target, "-o", tmp_path / "s.wav", *model).code == 0
    assert (tmp_path / "s.wav").exists()
    call("decode", tmp_path / "s.vcs", "--target", tmp_path, "-o", tmp_path / "s.wav", "--force",
         *model).assert_refused("is itself read by this call")
    call("decode", tmp_path / "s.vcs", "-o", tmp_path / "t.wav").assert_refused("encoded with the model")
    call("decode", source, "-o", tmp_path / "t.wav", *model).assert_refused("not a file that `vc encode` wrote")
    call("decode", source, *model).assert_refused("not a file that `vc encode` wrote")
    call("decode", tmp_path / "none.vcs", "-o", tmp_path / "t.wav", *model).assert_refused("cannot be read")


def test_where_nothing_can_be_written_is_told_before_the_work(call, source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(codec, "encode", None)
    (tmp_path / "taken").write_text("precious")
    (tmp_path / "folder").mkdir()
    call("encode", source, "-o", "taken").assert_refused("taken: exists already; give --force")
    call("encode", source, "-o", "s.Flac").assert_refused("s.Flac: names an audio file", "for instance .vcs")
    call("encode", source, "-o", "folder", "--force").assert_refused("folder: is a folder, expected the name of a file")
    call("encode", source, "-o", "taken/s.vcs").assert_refused("taken/s.vcs: cannot make the folder taken: ")
    call("decode", "none.vcs", "-o", "taken").assert_refused("taken: exists already; give --force")
    assert (tmp_path / "taken").read_text() == "precious"


def test_missing_folders_are_made(call, discrete, source, tmp_path):
    assert codec.encode_file(discrete, source, tmp_path / "new" / "er" / "s.vcs").samples
    assert (tmp_path / "new" / "er" / "s.vcs").exists()


def test_a_place_that_cannot_be_written(discrete, source, tmp_path):
    (tmp_path / "s.vcs").mkdir()
    with pytest.raises(CodecError, match="s.vcs: cannot be written: Is a directory; free space or choose another"):
        codec.encode_file(discrete, source, tmp_path / "s.vcs", force=True)
