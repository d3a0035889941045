"""recipes/vocoder/slim.py: a vocoder's network narrowed, and taught what it was."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers import save_untrained_vocoder

from vc.data.store import SpeechStore
from vc.vocoders.generator import PARTS
from vc.vocoders.neural import load_vocoder

sys.path.insert(0, str(Path(__file__).parent.parent / "recipes" / "vocoder"))  # as when the script runs

import slim  # noqa: E402


@pytest.fixture(autouse=True)
def two_at_a_time(monkeypatch):
    """One recorded, one converted."""
    monkeypatch.setattr(slim, "ITEMS", 2)


@pytest.fixture
def file(repository, tmp_path):
    """Of an untrained vocoder whose blocks and head say something, as they do after training."""
    path = save_untrained_vocoder(tmp_path / "vocoder.safetensors", repository)
    generator, _ = load_vocoder(path)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        torch.nn.init.normal_(generator.network.head.weight, std=0.1)
        for block in generator.network.blocks:
            torch.nn.init.normal_(block.widen.weight, std=0.3)
            torch.nn.init.normal_(block.narrow.weight, std=0.3)
    generator.band_mean.fill_(-5.0)
    slim.save_model(path, generator, 0, kind="vocoder")
    return path


@pytest.fixture
def larger(file):
    return load_vocoder(file)[0]


@pytest.fixture
def mels(larger):
    """Recorded and converted ones, by chance, that differ in level."""
    rng = np.random.default_rng(0)
    return tuple((rng.normal(size=(1000, larger.config.mel.bands)) + level).astype(np.float16) for level in (-4, -6))


@pytest.fixture
def batches(mels, larger):
    rng = np.random.default_rng(1)
    return [slim.draw(mels, larger.config.mel, rng) for _ in range(2)]


def answers(generator, batches):
    with torch.no_grad():
        return torch.stack([slim._answer(generator, log_mel) for log_mel in batches])


def error(smaller, larger, batches):
    """Mean squared, over that of an answer that is the same for all frames."""
    wanted = answers(larger, batches)
    spread = (wanted - wanted.mean((0, 1, 3), keepdim=True)).square().mean()
    return ((answers(smaller, batches) - wanted).square().mean() / spread).item()


def test_what_is_not_narrowed_answers_as_before(larger, batches):
    assert error(slim.cut(larger, 3, batches), larger, batches) < 1e-4


def test_units_that_say_nothing_go_first(larger, batches):
    for number, block in enumerate(larger.network.blocks):
        with torch.no_grad():
            block.narrow.weight[:, number::3] = 0
            block.narrow.weight[:, number + 1::3] *= 1e-4
    smaller = slim.cut(larger, 1, batches)
    assert error(smaller, larger, batches) < 1e-3
    assert smaller.network.blocks[1].widen.weight.equal(larger.network.blocks[1].widen.weight[0::3])


def test_what_is_left_is_fitted_to_what_all_said(larger, batches):
    """Of units in threes that say the same, one stays and says what the three said."""
    width = larger.config.vocoder.width
    with torch.no_grad():
        for block in larger.network.blocks:
            block.widen.weight.copy_(block.widen.weight[:width].repeat_interleave(3, 0))
            block.widen.bias.copy_(block.widen.bias[:width].repeat_interleave(3))
            block.narrow.weight[:, 0::3] *= 10  # so that it is these that stay
    smaller = slim.cut(larger, 1, batches)
    assert error(smaller, larger, batches) < 1e-3
    with torch.no_grad():
        for whole, narrow in zip(larger.network.blocks, smaller.network.blocks, strict=True):
            narrow.narrow.weight.copy_(whole.narrow.weight[:, 0::3])
            narrow.narrow.bias.copy_(whole.narrow.bias)
    assert error(smaller, larger, batches) > 5e-3


def test_all_else_is_taken_over(larger, batches):
    smaller = slim.cut(larger, 2, batches)
    sizes = larger.config.vocoder.model_copy(update={"expansion": 2})
    assert smaller.config == larger.config.model_copy(update={"vocoder": sizes})
    state = larger.state_dict()
    changed = {name.partition("blocks.")[2][2:] for name, value in smaller.state_dict().items()
               if value.shape != state[name].shape or not value.equal(state[name])}
    assert changed == {"widen.weight", "widen.bias", "narrow.weight", "narrow.bias"}


def test_learning_brings_it_nearer(larger, mels, batches):
    smaller = slim.cut(larger, 1, batches)
    before = error(smaller, larger, batches)
    slim.learn(smaller, larger, mels, 60, 1e-2, np.random.default_rng(2))
    assert error(smaller, larger, batches) < 0.85 * before


def test_gains_of_conversions_do_not_count_and_loud_bins_count_more():
    answer = torch.zeros(2, PARTS * 3, 4)
    weight = torch.tensor([3.0, 1.0, 0.0])[None, :, None].expand(2, 3, 4)

    def apart(item, part, bin_, by=1.0):
        other = answer.clone()
        other[item, 3 * part + bin_] += by
        return {name: term.item() for name, term in slim.distance(other, answer, weight).items()}

    nothing = {"turns": 0, "trust": 0, "gain": 0}
    assert apart(1, 0, 0) == nothing
    assert apart(0, 0, 2) == nothing | {"gain": pytest.approx(slim.GAIN_COUNTS / 3)}
    for part in range(1, 5):
        assert apart(1, part, 0) == nothing | {"turns": pytest.approx(3 / (4 / 3) / 6)}
        assert apart(0, part, 2) == nothing
    assert apart(0, 5, 1, by=100.0) == nothing | {"trust": pytest.approx(slim.TRUST_COUNTS * 0.25 / (4 / 3) / 6)}


def test_mels_are_of_recordings_and_of_conversions_alike_in_level(corpus, converter):
    store = SpeechStore(corpus)
    recorded = slim.recorded_mels(store, store.utterances, slim.LogMel(converter.mel))
    converted = slim.converted_mels(store, store.utterances, converter, 0.1, np.random.default_rng(0))
    assert len(recorded) == sum(utterance.samples // 200 + 1 for utterance in store.utterances)
    assert len(converted) >= 480
    assert recorded.dtype == converted.dtype == np.float16 and recorded.shape[1] == converted.shape[1] == 128


def test_as_a_command(corpus, tiny_model, file, tmp_path, capsys):
    output = tmp_path / "slim.safetensors"
    rest = ["--model", str(tiny_model), "--minutes", "0.05", "--steps", "3", "-o", str(output)]
    assert slim.main([str(file), str(corpus), *rest]) == 0
    generator, checkpoint = load_vocoder(output)
    assert (generator.config.vocoder.expansion, checkpoint.step) == (1, 3)
    assert output.stat().st_size < file.stat().st_size
    with pytest.raises(SystemExit, match="2"):
        slim.main([str(output), str(corpus), *rest])
    assert "--expansion: got 1, expected less than 1, what the vocoder has" in capsys.readouterr().err
    assert slim.main([str(file), str(tmp_path / "nothing"), *rest]) == 1
    assert capsys.readouterr().err.startswith("slim: error: ")
