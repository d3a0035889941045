"""Choose by name from an explicit table, with the settings that the chosen one knows."""

import difflib
import inspect
import math

from vc.errors import ConfigError


def make(kind, table, name, settings, *given):
    """`table[name](*given, **settings)`. Its settings are its keyword-only parameters, each of its default's type.

    kind: what the table holds, for the errors. Raises ConfigError for an unknown name or setting, or a value of another
    type.
    """
    if name not in table:
        raise ConfigError(f"unknown {kind} {name!r}; choose one of {', '.join(table)}")
    known = default_settings(table[name])
    for key, value in settings.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1) or known
            raise ConfigError(f"unknown setting {key!r} of {kind} {name}; known: {', '.join(near) or 'none'}")
        if not fits(value, known[key]):
            raise ConfigError(f"setting {key} of {kind} {name}: got {value!r}, expected a value like {known[key]!r}")
    return table[name](*given, **settings)


def default_settings(made):
    """{setting: default} of a class that a table holds."""
    return {parameter.name: parameter.default for parameter in inspect.signature(made).parameters.values()
            if parameter.kind is parameter.KEYWORD_ONLY}


def expect_within(setting, value, low, high=math.inf):
    """Raise ConfigError where a setting's value is not within [low, high]."""
    wanted = f"at least {low:g}" if high == math.inf else f"{low:g} to {high:g}"
    expect(setting, value, low <= value <= high and value != math.inf, wanted)


def expect(setting, value, holds, wanted):
    """Raise ConfigError unless what is wanted of a setting's value holds."""
    if not holds:
        raise ConfigError(f"setting {setting}: got {value!r}, expected {wanted}")


def fits(value, default):
    """Whether a value is of its default's type; whole numbers are numbers, too."""
    if isinstance(default, float):
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    return type(value) is type(default)
