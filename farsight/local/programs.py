"""What the supervisor is told about one process."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from farsight.local.ports import Address


@dataclass(frozen=True)
class Program:
    """One supervised process; `group` decides what is stopped together (last group first)."""

    name: str
    group: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None
    stop_signal: str = "TERM"
    stop_wait_s: int = 15
    probe: Address | None = None
    """Where it answers `/livez`, `/readyz` and `/metrics`."""

    @property
    def full_name(self) -> str:
        """The name in supervisord's terms."""
        return f"{self.group}:{self.name}"
