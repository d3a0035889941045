"""How the demo is served."""

from dataclasses import dataclass

from vc.errors import ConfigError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MAX_FILES = 20  # in one batch
MAX_VOICES = 20  # that one session keeps


@dataclass(frozen=True)
class Settings:
    """auth: (user, password), or None where everybody may come in. max_seconds, max_mb: of one recording. workers: how
    many conversions run at once, the others wait. library: whether the enrolled voices are those of `vc voice`; else
    they last an hour and nobody else sees them. keep_s: uploads and results are deleted so many seconds after they
    came."""

    host: str = "127.0.0.1"
    port: int = 7860
    auth: tuple[str, str] | None = None
    max_seconds: float = 120.0
    max_mb: int = 25
    workers: int = 2
    library: bool = False
    keep_s: float = 1800.0

    def __post_init__(self):
        for name in ("max_seconds", "max_mb", "workers"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"--{name.replace('_', '-')}: got {getattr(self, name):g}, expected more than 0")
        if not 0 < self.port < 65536:
            raise ConfigError(f"--port: got {self.port}, expected a number from 1 to 65535")


def parse_auth(text):
    """USER:PASSWORD -> (user, password). Raises ConfigError."""
    user, colon, password = text.partition(":")
    if not (user and colon and password):
        raise ConfigError("--auth: expected USER:PASSWORD, both of at least one character")
    return user, password
