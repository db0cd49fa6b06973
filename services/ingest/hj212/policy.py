"""What one logger is allowed and known for, looked up by its MN while its bytes are read."""

from collections.abc import Callable
from dataclasses import dataclass

from services.ingest.hj212.version import Version


@dataclass(frozen=True, slots=True)
class LoggerPolicy:
    """The registry's word on a logger; the default suits one that nobody knows.

    `repairs_off` names repairs (`framing.REPAIRS`) that are not wanted for it; `keys` are its SM4
    keys of 16 bytes, the current one first, then the one before; `version` is the version it is
    registered with, None = learned from its frames.
    """

    repairs_off: frozenset[str] = frozenset()
    keys: tuple[bytes, ...] = ()
    version: Version | None = None


PolicyOf = Callable[[str], LoggerPolicy]

_DEFAULT = LoggerPolicy()


def default_policy(mn: str) -> LoggerPolicy:
    """The policy of every logger where no registry is asked: all repairs, no key."""
    del mn
    return _DEFAULT
