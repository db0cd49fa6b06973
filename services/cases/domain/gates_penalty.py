"""Gates of the penalty procedure 行政处罚程序要件: notice, hearing, review, decision, execution."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.cases.domain.attempt import Attempt
from services.cases.domain.lifecycle import Gate

GATES: Mapping[str, Callable[[Gate, Attempt], str]] = {}
BEFORE_FIELDS: frozenset[str] = frozenset()
