"""Config files: small differences on a base, unknown keys refused with a suggestion."""

import pytest

from vc.config import Config, load_config, without_places
from vc.errors import ConfigError


@pytest.fixture
def write(tmp_path):
    def write_file(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path / name
    return write_file


def test_a_config_is_a_difference_on_its_base(write):
    write("base.yaml", "train: {steps: 7, batch: 4}\n")
    config = load_config(write("mine.yaml", "base: base.yaml\ntrain: {batch: 6}\n"), ["train.seed=3"])
    assert (config.train.steps, config.train.batch, config.train.seed) == (7, 6, 3)
    assert config.mel == Config().mel


@pytest.mark.parametrize("text, message", [
    ("train: {stepz: 3}", "unknown setting train.stepz; did you mean train.steps?"),
    ("trian: {steps: 3}", "unknown setting trian; did you mean train?"),
    ("steps: 3", "unknown setting steps; did you mean train.steps?"),
    ("weight: 3", "unknown setting weight; known: task, "),
    ("train: {steps: many}", "train.steps: got 'many', input should be a valid integer"),
    ("train: {batch: 1}", "train.batch: got 1, input should be greater than or equal to 2"),
    ("mel: {max_hz: 9000}", "must rise and stay within half the sample rate, 8000.0 Hz"),
    ("mel: {hop_samples: 500}", "hop_samples 500 must be at most half of fft_samples 800"),
    ("model: {kernel: 4}", "model.kernel: got 4, must be odd"),
    ("adversary: {form: magic}", "adversary.form: got 'magic'"),
    ("- a list", "holds a list, expected `section:` lines"),
    ("a: [", "not a YAML file"),
    ("base: mine.yaml", "is its own base"),
    ("base: nowhere.yaml", "no such config"),
    ("train: {steps: 3}\ntrain: {batch: 4}", "train stands twice"),
    ("mel: {hop_samples: 16, fft_samples: 1026}", "hop_samples 16 must be at least a 64th of fft_samples 1026"),
    ("mel: {fft_samples: 801}", "mel.fft_samples: got 801, input should be a multiple of 2"),
    ("train: {learning_rate: .inf}", "train.learning_rate: got inf"),
    ("train: {seed: -1}", "train.seed: got -1"),
    ("data: {segment_s: 1e-5}", "data.segment_s: got 1e-05"),
    ("code_losses: {sparse_l1: {weight: null}}",
     "code_losses.sparse_l1.weight: got None, expected a finite number, a text, true or false"),
])
def test_mistakes_are_named(write, text, message):
    with pytest.raises(ConfigError) as error:
        load_config(write("mine.yaml", text))
    assert message in str(error.value)


def test_a_circle_is_found_by_any_name_of_the_file(write, tmp_path):
    with pytest.raises(ConfigError, match="is its own base; remove the circle"):
        load_config(write("mine.yaml", f"base: ../{tmp_path.name}/mine.yaml"))


@pytest.mark.parametrize("override, message", [
    ("train.steps", "expected section.key=value"),
    ("=3", "expected section.key=value"),
    ("train.steps=-1", "train.steps: got -1"),
    ("loss.reconstrution=1", "did you mean loss.reconstruction?"),
])
def test_overrides_are_checked(write, override, message):
    with pytest.raises(ConfigError) as error:
        load_config(write("mine.yaml", ""), [override])
    assert message in str(error.value)


@pytest.mark.parametrize("text", ["1e-3", "1E-3", "+1.e-3", ".1e-2", "0.001"])
def test_a_number_may_be_written_in_any_way(write, text):
    """YAML 1.1 takes most of these for texts."""
    settings = f"code_losses.sparse_l1.weight={text}", f"model.bottleneck_settings.commitment={text}"
    config = load_config(write("mine.yaml", f"code_losses: {{sparse_kl: {{weight: {text}}}}}"), settings)
    assert config.code_losses == {name: {"weight": 0.001} for name in ("sparse_kl", "sparse_l1")}
    assert config.model.bottleneck_settings == {"commitment": 0.001}


def test_an_empty_list_of_settings_takes_away_what_was_there(write):
    write("base.yaml", "code_losses: {sparse_l1: {weight: 0.5}}\n"
                       "model: {width: 32, bottleneck_settings: {codebooks: 4}}")
    path = write("mine.yaml", "{base: base.yaml, code_losses: {}, model: {}}")
    config = load_config(path, ["model.bottleneck_settings={}"])
    assert (config.code_losses, config.model.bottleneck_settings, config.model.width) == ({}, {}, 32)


@pytest.mark.parametrize("name", ["base", "default", "gpu", "lecture", "alternating", "tiny"])
def test_the_projects_own_configs_are_valid(name, repository):
    load_config(repository / "configs" / f"{name}.yaml")


@pytest.mark.parametrize("corpus", ["vctk", "libritts"])
def test_a_corpus_recipe_differs_from_the_gpus_in_its_data_alone(corpus, repository):
    config, gpu = (load_config(repository / path) for path in (f"recipes/{corpus}/{corpus}.yaml", "configs/gpu.yaml"))
    assert config.data.path == f"data/{corpus}"
    assert config.model_copy(update={"data": gpu.data}) == gpu
    commands = (repository / "recipes" / corpus / "README.md").read_text(encoding="utf-8")
    for command in (f"-o {config.data.path} --layout {corpus}",
                    f"vc train recipes/{corpus}/{corpus}.yaml -o runs/{corpus}",
                    f"python recipes/evaluate/held_out.py runs/{corpus} -o runs/{corpus}/report"):
        assert command in commands


def test_the_lectures_picture_is_a_hundred_dimensions(repository):
    model = load_config(repository / "configs" / "lecture.yaml").model
    assert (model.content_dims, model.speaker_dims) == (50, 50)


@pytest.mark.parametrize("settings", [["data.path=/home/anna/voices", "data.validation_pairs=/home/anna/pairs.tsv"],
                                      ["train.start_from=/home/anna/runs/old.safetensors"],
                                      ["vocoder.converter=/home/anna/runs/model.safetensors"],
                                      ["corruptions.noise.path=/home/anna/noise"]])
def test_what_ships_does_not_tell_where_it_was_trained(settings, repository):
    config = load_config(repository / "configs" / "default.yaml", settings)
    shipped = without_places(config)
    assert "anna" in config.model_dump_json() and "anna" not in shipped.model_dump_json()
    assert shipped.model == config.model and shipped.loss == config.loss
