"""The textbook auto-encoder: layers, tied weights, greedy pre-training, and principal components as its measure."""

import runpy

import numpy as np
import pytest
import torch

from vc.data.store import StoreWriter
from vc.errors import ConfigError
from vc.evaluation.pca import fit_components
from vc.stacked import ACTIVATIONS, StackedAutoEncoder, squared_error, train_greedily, train_whole


@pytest.fixture(scope="module")
def vectors():
    """Vectors (2000, 12) whose variance falls from direction to direction."""
    generator = torch.Generator().manual_seed(0)
    spread = torch.randn(2000, 12, generator=generator) * 0.75 ** torch.arange(12)
    turn, _ = torch.linalg.qr(torch.randn(12, 12, generator=generator))
    return spread @ turn


def drawn(vectors):
    return lambda step: vectors[torch.randint(len(vectors), (256,), generator=torch.Generator().manual_seed(step))]


def pca_error(vectors, count):
    components = fit_components([vectors.numpy()], count)
    centred = vectors.numpy() - components.mean
    return np.square(centred - centred @ components.basis.T @ components.basis).mean()


def stacked(*arguments, **settings):
    torch.manual_seed(0)
    return StackedAutoEncoder(*arguments, **settings)


@pytest.mark.parametrize("tied", [False, True])
def test_a_linear_one_reaches_principal_components(vectors, tied):
    model = stacked((12, 4), "linear", tied)
    train_whole(model, drawn(vectors), 1200, learning_rate=1e-2)
    reached, best = squared_error(model, vectors), pca_error(vectors, 4)
    assert best * 0.9999 <= reached <= 1.02 * best, (reached, best)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_shapes_and_gradients(activation, tied):
    model, x = stacked((9, 5, 4, 2), activation, tied), torch.randn(3, 9)
    assert model.encode(x).shape == (3, 2)
    assert model(x).shape == (3, 9)
    model(x).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert torch.isfinite(parameter.grad).all() and parameter.grad.abs().max() > 0, name


def test_by_hand():
    model = stacked((2, 2, 1), "sigmoid")
    x = torch.randn(4, 2)
    h = torch.sigmoid(x @ model.down[0].weight.T + model.down[0].bias)
    code = h @ model.down[1].weight.T + model.down[1].bias
    torch.testing.assert_close(model.encode(x), code)
    h = torch.sigmoid(code @ model.up_weight[1].T + model.up_bias[1])
    torch.testing.assert_close(model(x), h @ model.up_weight[0].T + model.up_bias[0])


def test_tied_weights_are_one():
    model = stacked((6, 4, 2), "linear", tied=True)
    assert sum(p.numel() for p in model.parameters()) == 6 * 4 + 4 * 2 + (4 + 2) + (6 + 4)
    before = model.decode(torch.ones(1, 2))
    with torch.no_grad():
        model.down[1].weight.mul_(2)
    torch.testing.assert_close(model.decode(torch.ones(1, 2)), 2 * before)


def test_greedy_training_leaves_finished_layers_alone(vectors):
    """The first layer comes out as if it were trained alone; the second learns too."""
    model = stacked((12, 6, 3), "gelu")
    start = {name: value.clone() for name, value in model.state_dict().items()}
    alone = stacked((12, 6, 3), "gelu")
    alone.depth = 1  # only the first layer has its turn
    alone.descend = lambda x, number: alone.activation(alone.down[number](x))
    train_greedily(alone, drawn(vectors), 30)
    train_greedily(model, drawn(vectors), 30)
    assert torch.equal(model.down[0].weight, alone.down[0].weight)
    assert torch.equal(model.up_weight[0], alone.up_weight[0])
    for name, value in model.state_dict().items():
        assert not torch.equal(value, start[name]), name


def test_greedy_training_is_a_better_start_than_none(vectors):
    model = stacked((12, 8, 6), "gelu")
    before = squared_error(model, vectors)
    train_greedily(model, drawn(vectors), 200, learning_rate=1e-2)
    assert squared_error(model, vectors) < 0.5 * before


def test_the_error_does_not_depend_on_how_it_is_split():
    model, x = stacked((3, 2), "linear"), torch.randn(5000, 3)
    assert squared_error(model, x) == pytest.approx((model(x) - x).square().mean().item(), rel=1e-5)


def test_an_unknown_activation_is_refused():
    with pytest.raises(ConfigError, match="unknown activation 'relu'; choose one of linear, gelu, sigmoid"):
        StackedAutoEncoder((2, 1), "relu")


# The recipe


@pytest.fixture(scope="module")
def recipe(repository):
    return runpy.run_path(str(repository / "recipes" / "autoencoders" / "baselines.py"))


def write_corpus(folder, speakers):
    rng = np.random.default_rng(0)
    with StoreWriter(folder, 16000) as store:
        for number in range(speakers):
            samples = np.int16(3000 * rng.standard_normal(8000))
            store.add(f"{number}/a.wav", f"speaker{number}", samples, np.zeros(50, np.float32))
    return folder


def test_the_recipe_prints_a_row_for_each(recipe, tmp_path, capsys):
    data = write_corpus(tmp_path, 40)
    assert recipe["main"](["--data", str(data), "--steps", "4", "--minutes", "0.1", "--code", "3"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")]
    assert [line.split(" | ")[0][2:] for line in rows[1:]] == [
        "principal components", *(member.name for member in recipe["MEMBERS"])]
    assert rows[1].endswith("| +0.0 % |")


def test_no_window_crosses_two_utterances(recipe, tmp_path):
    from vc.config import MelConfig
    from vc.data.store import SpeechStore
    from vc.features import LogMel

    store = SpeechStore(write_corpus(tmp_path, 3))
    windows = recipe["windows_of"](store, store.utterances, 10, 5, LogMel(MelConfig()), np.random.default_rng(0))
    assert windows.starts.tolist() == [41 * utterance + start for utterance in range(3) for start in range(37)]
    assert windows.at(torch.tensor([40])).equal(windows.frames[44:49].flatten()[None])


def test_the_recipe_refuses_what_it_cannot_use(recipe, tmp_path, capsys):
    assert recipe["main"](["--data", str(tmp_path / "nowhere")]) == 1
    assert "not a prepared corpus" in capsys.readouterr().err
    assert recipe["main"](["--data", str(write_corpus(tmp_path / "few", 2))]) == 1
    assert "none of its speakers is held out" in capsys.readouterr().err
