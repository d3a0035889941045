"""Choosing by name, with settings."""

import pytest

from vc.errors import ConfigError
from vc.registry import make


class Coin:
    def __init__(self, faces, *, bias=0.5, name="coin", worn=False, weight_g=5):
        self.faces, self.bias, self.name, self.worn, self.weight_g = faces, bias, name, worn, weight_g


def test_settings_reach_the_chosen_one():
    coin = make("thing", {"coin": Coin}, "coin", {"bias": 1, "worn": True}, 2)
    assert (coin.faces, coin.bias, coin.name, coin.worn, coin.weight_g) == (2, 1, "coin", True, 5)


@pytest.mark.parametrize("name, settings, message", [
    ("dice", {}, "unknown thing 'dice'; choose one of coin"),
    ("coin", {"biass": 1.0}, "unknown setting 'biass' of thing coin; known: bias"),
    ("coin", {"faces": 3}, "unknown setting 'faces' of thing coin; known: bias, name, worn, weight_g"),
    ("coin", {"bias": "much"}, "setting bias of thing coin: got 'much', expected a value like 0.5"),
    ("coin", {"bias": True}, "setting bias of thing coin: got True, expected a value like 0.5"),
    ("coin", {"weight_g": 2.5}, "setting weight_g of thing coin: got 2.5, expected a value like 5"),
    ("coin", {"worn": 1}, "setting worn of thing coin: got 1, expected a value like False"),
])
def test_what_does_not_fit_is_refused(name, settings, message):
    with pytest.raises(ConfigError) as refusal:
        make("thing", {"coin": Coin}, name, settings, 2)
    assert str(refusal.value) == message
