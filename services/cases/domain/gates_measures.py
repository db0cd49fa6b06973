"""Gates of orders and measures 行政命令与强制措施的要件: corrections, seizures, limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.cases.domain.attempt import Attempt
from services.cases.domain.lifecycle import Gate

GATES: Mapping[str, Callable[[Gate, Attempt], str]] = {}
BEFORE_FIELDS: frozenset[str] = frozenset()
