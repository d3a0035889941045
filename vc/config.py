"""All settings, with their defaults, ranges and units, and the way a file and `key=value` overrides become one Config.

A config file is a small difference on another: `base: base.yaml` names the file it builds on. An unknown key is an
error that suggests the nearest known one.
"""

import difflib
import re
import reprlib
from pathlib import Path
from typing import Literal, get_args

import pydantic
import yaml

from vc.errors import ConfigError


Setting = bool | int | float | str
SETTING_LISTS = ("code_losses", "corruptions", "bottleneck_settings")  # sections whose keys are not listed here


class Section(pydantic.BaseModel):
    """A frozen group of settings that refuses keys it does not know."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class MelConfig(Section):
    """The one definition of the mel spectrogram. recipes/mel holds the figures that chose it."""

    sample_rate_hz: int = pydantic.Field(16000, ge=8000, le=48000)
    fft_samples: int = pydantic.Field(800, ge=64, le=8192, multiple_of=2)
    hop_samples: int = pydantic.Field(200, ge=16, le=4096)
    bands: int = pydantic.Field(128, ge=8, le=512)
    min_hz: float = pydantic.Field(0.0, ge=0)
    max_hz: float = pydantic.Field(8000.0, gt=0)
    floor: float = pydantic.Field(1e-4, gt=0, description="magnitude below which a band counts as silent")

    @pydantic.model_validator(mode="after")
    def _consistent(self):
        if self.max_hz > self.sample_rate_hz / 2 or self.min_hz >= self.max_hz:
            raise ValueError(f"min_hz {self.min_hz} and max_hz {self.max_hz} must rise and stay within half the "
                             f"sample rate, {self.sample_rate_hz / 2} Hz")
        if self.hop_samples * 2 > self.fft_samples:
            raise ValueError(f"hop_samples {self.hop_samples} must be at most half of fft_samples {self.fft_samples}")
        if self.hop_samples * 64 < self.fft_samples:
            raise ValueError(f"hop_samples {self.hop_samples} must be at least a 64th of fft_samples "
                             f"{self.fft_samples}")
        return self

    @property
    def bins(self):
        """F, the frequencies of a spectrum."""
        return self.fft_samples // 2 + 1


class ModelConfig(Section):
    """Sizes of the auto-encoder."""

    width: int = pydantic.Field(256, ge=8, le=65536, description="channels inside encoder and decoder")
    encoder_blocks: int = pydantic.Field(6, ge=1, le=1000)
    decoder_blocks: int = pydantic.Field(6, ge=1, le=1000)
    kernel: int = pydantic.Field(5, ge=1, le=1000, description="frames a convolution sees, odd")
    stride: int = pydantic.Field(2, ge=1, le=1000, description="mel frames per content frame")
    content_dims: int = pydantic.Field(16, ge=1, le=65536)
    speaker_dims: int = pydantic.Field(128, ge=1, le=65536)
    encoder_core: str = pydantic.Field("convolution", description="what mixes the frames, see vc/cores")
    decoder_core: str = pydantic.Field("convolution", description="the same in the decoder")
    down: str = pydantic.Field("strided", description="to the content's frame rate: strided or pooled, see vc/rates.py")
    up: str = pydantic.Field("shuffled", description="back to the mel's: shuffled, transposed or unpooled")
    bottleneck: str = "sigmoid"
    bottleneck_settings: dict[str, Setting] = pydantic.Field({}, description="of that bottleneck, see vc/bottlenecks")
    pitch: bool = pydantic.Field(True, description="F0 as an input of the decoder; False only to show what it buys")
    instance_norm: bool = pydantic.Field(True, description="False only to show what instance normalisation buys")

    @pydantic.field_validator("kernel")
    @classmethod
    def _odd(cls, value):
        if value % 2 == 0:
            raise ValueError("must be odd, so that a frame has as many neighbours before as after it")
        return value


class AdversaryConfig(Section):
    """The speaker classifier that attacks the content half."""

    form: Literal["reversal", "alternating", "none"] = "reversal"
    weight: float = pydantic.Field(0.05, ge=0)
    ramp_steps: int = pydantic.Field(1000, ge=1, description="steps over which the weight rises from 0")
    width: int = pydantic.Field(256, ge=8)
    own_steps: int = pydantic.Field(1, ge=1, description="of the classifier on each batch, in the alternating form")
    references: bool = pydantic.Field(False, description="it also hears the content of references, whose voice is "
                                                        "not moved")
    learning_rate: float = pydantic.Field(5e-4, gt=0)


class RealismConfig(Section):
    """The discriminator that tells recorded mels from made ones, against over-smoothing."""

    weight: float = pydantic.Field(0.0, ge=0, description="0: there is none")
    feature_weight: float = pydantic.Field(2.0, ge=0, description="of matching its features, within the weight")
    from_step: int = pydantic.Field(0, ge=0)
    width: int = pydantic.Field(32, ge=4)
    learning_rate: float = pydantic.Field(2e-4, gt=0)


class CriticConfig(Section):
    """The critic that pulls the codes of an adversarial auto-encoder to a prior."""

    weight: float = pydantic.Field(0.0, ge=0, description="0: there is none")
    prior: str = pydantic.Field("gaussian", description="what codes shall look like, see vc/latent_critic.py")
    from_step: int = pydantic.Field(0, ge=0)
    width: int = pydantic.Field(128, ge=4)
    learning_rate: float = pydantic.Field(2e-4, gt=0)


class LossConfig(Section):
    """Weights of the losses, by the names that the log and the tests use."""

    reconstruction: float = pydantic.Field(1.0, ge=0)
    adapted_reconstruction: float = pydantic.Field(
        0.0, ge=0, description="above 0, the last layer is fitted to the reference in each step (vc.adaptation)")
    speaker_consistency: float = pydantic.Field(0.5, ge=0)
    content_consistency: float = pydantic.Field(0.5, ge=0)
    speaker_classification: float = pydantic.Field(0.1, ge=0)


class PerturbConfig(Section):
    """How far the input's voice is moved before the content half is taken. Each range is drawn anew per item."""

    pitch_semitones: float = pydantic.Field(5.0, ge=0)
    formant_ratio: float = pydantic.Field(1.25, ge=1)
    warp_ratio: float = pydantic.Field(1.1, ge=1)
    equaliser_db: float = pydantic.Field(9.0, ge=0)
    level_db: float = pydantic.Field(6.0, ge=0)


class StrangersConfig(PerturbConfig):
    """Items of a batch whose voice is moved for good, target and reference too, see vc/data/strangers.py."""

    share: float = pydantic.Field(0.0, ge=0, le=0.9, description="of each batch")
    pitch_semitones: float = pydantic.Field(4.0, ge=0)
    formant_ratio: float = pydantic.Field(1.15, ge=1)
    warp_ratio: float = pydantic.Field(1.0, ge=1)
    equaliser_db: float = pydantic.Field(3.0, ge=0)
    level_db: float = pydantic.Field(0.0, ge=0)


class VocoderConfig(Section):
    """The neural vocoder: sizes of its generator and of the discriminators, and weights of its losses."""

    width: int = pydantic.Field(512, ge=8, le=65536, description="channels inside the generator")
    blocks: int = pydantic.Field(8, ge=1, le=1000)
    kernel: int = pydantic.Field(7, ge=1, le=1000, description="frames a convolution sees, odd")
    expansion: int = pydantic.Field(3, ge=1, le=1000, description="how much wider a block is inside")
    causal: bool = pydantic.Field(False, description="convolutions see no later frame")
    rounds: int = pydantic.Field(4, ge=0, description="of fast Griffin-Lim after the network; fewer for "
                                                 "mels that a model made")
    magnitude: float = pydantic.Field(1.0, ge=0)
    turns_in_time: float = pydantic.Field(1.0, ge=0)
    turns_in_frequency: float = pydantic.Field(1.0, ge=0)
    mel: float = pydantic.Field(0.0, ge=0)
    spectrum: float = pydantic.Field(0.0, ge=0)
    adversarial: float = pydantic.Field(0.0, ge=0)
    feature_matching: float = pydantic.Field(1.0, ge=0)
    adversarial_from: int = pydantic.Field(0, ge=0, description="step at which the discriminators join in")
    discriminator_width: int = pydantic.Field(32, ge=4, description="channels of the first discriminator layer")
    discriminator_learning_rate: float = pydantic.Field(2e-4, gt=0)
    gain_db: float = pydantic.Field(10.0, ge=0, description="level is drawn anew per item, up to so far off")
    converter: str | None = pydantic.Field(None, description="model file whose reconstructions are heard, not the mel")
    converter_share: float = pydantic.Field(0.5, gt=0, le=0.9, description="of each batch in which they are")

    @pydantic.field_validator("kernel")
    @classmethod
    def _odd(cls, value):
        return ModelConfig._odd(value)


class DataConfig(Section):
    """Where the speech lies and how it is drawn."""

    path: str = pydantic.Field("data", description="a folder that `vc prepare` made")
    segment_s: float = pydantic.Field(2.0, ge=0.1)
    reference_s: float = pydantic.Field(2.0, ge=0.1)
    balance: float = pydantic.Field(0.5, ge=0, le=1, description="a speaker is drawn with probability hours**balance")
    held_out_speakers: float = pydantic.Field(0.04, ge=0, lt=1, description="share of speakers kept for validation")
    held_out_utterances: float = pydantic.Field(0.03, ge=0, lt=1, description="share of the other speakers' utterances")
    validation_pairs: str | None = pydantic.Field(
        None, description="a short list as `vc evaluate` reads it, converted at each validation (extra evaluate); the "
        "best model is then the one with the highest cosine to target - WER in percent / 200")


class GuardConfig(Section):
    """What a model that begins with another's weights (train.start_from) may not forget, see vc/guard."""

    weight: float = pydantic.Field(0.0, ge=0, description="0: there is none; otherwise the encoder stands still too")
    share: float = pydantic.Field(0.5, gt=0, le=1, description="share of a batch that is said in other voices")


class TrainConfig(Section):
    """The course of training."""

    start_from: str | None = pydantic.Field(None, description="a model file whose weights a new run begins with; "
                                         "default: the model in the package")
    steps: int = pydantic.Field(20000, ge=1)
    batch: int = pydantic.Field(32, ge=2)
    learning_rate: float = pydantic.Field(1e-3, gt=0)
    warmup_steps: int = pydantic.Field(200, ge=0)
    final_learning_rate: float = pydantic.Field(1e-5, ge=0, description="reached by a cosine at the last step")
    weight_decay: float = pydantic.Field(0.01, ge=0)
    clip_norm: float = pydantic.Field(5.0, gt=0)
    average_decay: float = pydantic.Field(0.998, ge=0, lt=1, description="of the running mean of the weights")
    consistency_from: int = pydantic.Field(1000, ge=0, description="step at which converted mels join in")
    consistency_share: float = pydantic.Field(0.25, gt=0, le=1, description="share of a batch that is converted")
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    compile: bool | None = pydantic.Field(None, description="None: only on a GPU")
    log_every: int = pydantic.Field(20, ge=1)
    validate_every: int = pydantic.Field(1000, ge=1)
    probe_every: int = pydantic.Field(5000, ge=1)
    save_every: int = pydantic.Field(500, ge=1)
    seed: int = pydantic.Field(1, ge=0, lt=2**32)


class Config(Section):
    """Everything a training run is determined by."""

    task: Literal["converter", "vocoder"] = "converter"
    mel: MelConfig = MelConfig()
    model: ModelConfig = ModelConfig()
    adversary: AdversaryConfig = AdversaryConfig()
    realism: RealismConfig = RealismConfig()
    critic: CriticConfig = CriticConfig()
    loss: LossConfig = LossConfig()
    code_losses: dict[str, dict[str, Setting]] = pydantic.Field(
        {}, description="by name, each with its weight and settings, see vc/code_losses")
    perturb: PerturbConfig = PerturbConfig()
    strangers: StrangersConfig = StrangersConfig()
    corruptions: dict[str, dict[str, Setting]] = pydantic.Field(
        {}, description="of what the encoder hears, by name with settings, see vc/data/corruptions")
    vocoder: VocoderConfig = VocoderConfig()
    guard: GuardConfig = GuardConfig()
    data: DataConfig = DataConfig()
    train: TrainConfig = TrainConfig()


def load_config(path, overrides=()):
    """Read a config file, lay `section.key=value` overrides over it and check the whole.

    Raises ConfigError for a missing file, an unknown key (with the nearest known one) or a value out of range.
    """
    settings = _read_with_base(Path(path), seen=())
    for override in overrides:
        settings = _merge(settings, _parse_override(override))
    return check_config(settings, origin=str(path))


def change_config(config, settings, overrides=()):
    """A Config with nested dicts of settings, then `section.key=value` overrides, laid over another. Raises
    ConfigError."""
    changed = _merge(config.model_dump(), settings)
    for override in overrides:
        changed = _merge(changed, _parse_override(override))
    return check_config(changed, origin=" ".join(overrides))


def without_places(config):
    """A Config that does not tell where corpus, noise, pairs, converter and earlier weights lay on one's machine."""
    elsewhere = {
        "data": config.data.model_copy(update={"path": "data/corpus", "validation_pairs": None}),
        "corruptions": {name: settings | {"path": f"data/{name}"} if "path" in settings else settings
                        for name, settings in config.corruptions.items()},
        "train": config.train.model_copy(update={"start_from": None}),
        "vocoder": config.vocoder.model_copy(update={"converter": None})}
    return config.model_copy(update=elsewhere)


def check_config(settings, origin):
    """Turn nested dicts into a Config; `origin` names their source in the error."""
    try:
        return Config.model_validate(settings)
    except pydantic.ValidationError as error:
        problems = dict.fromkeys(_explain(problem) for problem in error.errors())
        raise ConfigError(f"{origin}: " + "; ".join(problems)) from None


_REPR = reprlib.Repr()  # aliases within aliases make a value of a few lines as long as a library
_REPR.maxlevel = 2
_REPR.maxstring = _REPR.maxother = 100
_shown = _REPR.repr
# What PyYAML raises for a text that is none, besides its own: its numbers and dates are made without a check.
NOT_YAML = (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError)


class _Loader(yaml.SafeLoader):
    """YAML in which 1e-3 is a number, as it is everywhere else, and no key stands twice, of which one would be lost."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.YAMLError(f"{key if isinstance(key, str) else _shown(key)} stands twice; join what is below")
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"),
                              list("-+.0123456789"))


def _read_with_base(path, seen):
    try:
        place = path.resolve()
        if place in seen:
            raise ConfigError(f"{path}: is its own base; remove the circle of `base:` lines")
        settings = yaml.load(path.read_text(encoding="utf-8"), _Loader) or {}
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such config; the project's own lie in configs/") from None
    except (*NOT_YAML, IsADirectoryError) as error:
        if "\0" in str(path):
            raise ConfigError(f"{str(path)!r}: no name of a file; take out its NUL") from None
        raise ConfigError(f"{path}: not a YAML file: {' '.join(str(error).split())}") from None
    if not isinstance(settings, dict):
        raise ConfigError(f"{path}: holds a {type(settings).__name__}, expected `section:` lines with `key: value`")
    base = settings.pop("base", None)
    if base is None:
        return settings
    if not isinstance(base, str):
        raise ConfigError(f"{path}: base: got {_shown(base)}, expected the name of a config file")
    return _merge(_read_with_base(path.parent / base, (*seen, place)), settings)


def _parse_override(text):
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigError(f"{text!r}: expected section.key=value, for instance train.steps=1000")
    try:
        settings = yaml.load(value, _Loader)
    except NOT_YAML:
        raise ConfigError(f"{text!r}: the value is not YAML; quote what is meant as text") from None
    for name in reversed(key.split(".")):
        settings = {name: settings}
    return settings


def _merge(below, above):
    """Nested dicts, of which the one above has the say; an empty list of settings takes away what was in it."""
    merged = dict(below)
    for key, value in above.items():
        both_sections = isinstance(value, dict) and isinstance(merged.get(key), dict)
        both_sections &= value != {} or key not in SETTING_LISTS
        merged[key] = _merge(merged[key], value) if both_sections else value
    return merged


def _within_a_section(location):
    """section.key for a top-level name that is no section, but a key of just one; None for any other."""
    owners = [name for name, field in Config.model_fields.items()
              if location[0] in getattr(field.annotation, "model_fields", ())]
    return f"{owners[0]}.{location[0]}" if len(location) == 1 and len(owners) == 1 else None


def _explain(problem):
    location = [str(part) for part in problem["loc"]]
    if location[-1] in (kind.__name__ for kind in get_args(Setting)):  # none of the kinds that a Setting may be
        return (f"{'.'.join(location[:-1])}: got {_shown(problem['input'])}, expected a finite number, a text, true or "
                f"false")
    if problem["type"] != "extra_forbidden":
        message = problem["msg"].removeprefix("Value error, ")
        return f"{'.'.join(location)}: got {_shown(problem['input'])}, {message[0].lower()}{message[1:]}"
    section = Config
    for name in location[:-1]:
        section = section.model_fields[name].annotation
    near = difflib.get_close_matches(location[-1], section.model_fields, n=1)
    known = f"known: {', '.join(section.model_fields)}"
    meant = ".".join([*location[:-1], near[0]]) if near else _within_a_section(location)
    hint = f"did you mean {meant}?" if meant else known
    return f"unknown setting {'.'.join(location)}; {hint}"
