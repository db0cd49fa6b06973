"""Reference data of law 法律依据 that gates ask: violations, ranges of fines, thresholds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Law:
    """What the release knows of the law beside its clocks; read once from `data/`."""


NO_LAW = Law()
