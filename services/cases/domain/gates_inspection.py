"""Gates of an inspection 现场检查的要件: request, place and time, records."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.cases.domain.attempt import Attempt
from services.cases.domain.lifecycle import Gate

GATES: Mapping[str, Callable[[Gate, Attempt], str]] = {}
BEFORE_FIELDS: frozenset[str] = frozenset()
