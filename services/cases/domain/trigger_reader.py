"""Reads 触发规则表 from its document and refuses whatever it does not understand.

The shipped table and the one of a rule pack go through this one reader: a key that is misspelt must
not become a row that never fires.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any

from services.cases.domain.matter import Kind, Level
from services.cases.domain.triggers import CLUE, FACT, Scope, Table, Trigger

_MEASURES = frozenset({"count", "count_today", "count_7_days", "hours", "statistic", "clock"})
_LEVELS = {**{level.name.lower(): level for level in Level}, CLUE: Level.SUPERVISION}
_CONFIDENCES = frozenset({"sure", "likely", "unsure"})
_SCOPES = ("divisions", "industries", "processes", "factors", "outlets")
_TABLE = frozenset({"version", "history_days", "effort", "triggers", "clues"})
_ROW = frozenset({"id", "item", "item_zh", "rule", "measure", "level", "source", "confidence"})
_ROW_MAY = frozenset({"at_least", "below", "clock", "mode", "scope"})


def read_triggers(document: object, clocks: Collection[str] | None = None) -> Table:
    """读取触发规则表. `clocks` are the terms that rows may name (None = not checked here).

    Raises ValueError that names the row, the field and what was expected.
    """
    table = _mapping(document, "the table")
    _keys(table, "the table", _TABLE)
    rows = tuple(_read_trigger(row, clocks) for row in _rows(table, "triggers"))
    _unique([row.key for row in rows])
    clue = _one(_rows(table, "clues"), "clues")
    _keys(clue, "clues", frozenset({"id", "item", "item_zh", "votes", "source", "confidence"}))
    return Table(
        version=_text(table, "the table", "version"),
        history=dt.timedelta(days=_number(table, "the table", "history_days")),
        triggers=rows,
        officer_hours=_read_effort(_rows(table, "effort")),
        clue_item=_text(clue, "clues", "item"),
        clue_item_zh=_text(clue, "clues", "item_zh"),
        clue_votes=int(_number(clue, "clues", "votes")),
    )


def _read_trigger(row: Mapping[str, Any], clocks: Collection[str] | None) -> Trigger:
    where = f"trigger {row.get('id', '?')}"
    _keys(row, where, _ROW, _ROW_MAY)
    measure, clock = _text(row, where, "measure"), str(row.get("clock", ""))
    if measure not in _MEASURES and not (measure.startswith(FACT) and len(measure) > len(FACT)):
        raise ValueError(f"{where}: unknown measure {measure}, one of {sorted(_MEASURES)}")
    bounds = [key for key in ("at_least", "below", "clock") if key in row]
    if bounds != ["clock"] if measure == "clock" else bounds not in (["at_least"], ["below"]):
        raise ValueError(f"{where}: give exactly one of at_least and below, or clock with clock")
    if clock and clocks is not None and clock not in clocks:
        raise ValueError(f"{where}: no term {clock} in the clock table")
    level = _choice(row, where, "level", _LEVELS)
    return Trigger(
        key=_text(row, where, "id"),
        item=_text(row, where, "item"),
        item_zh=_text(row, where, "item_zh"),
        rule=_text(row, where, "rule"),
        measure=measure,
        at_least=_number(row, where, "at_least") if "at_least" in row else None,
        below=_number(row, where, "below") if "below" in row else None,
        clock=clock,
        opens=Kind.CASE if level == CLUE else Kind.ORDER,
        level=_LEVELS[level],
        live=_choice({"mode": "live", **row}, where, "mode", ("live", "monitor")) == "live",
        scope=_read_scope(row.get("scope", {}), where),
        source=_text(row, where, "source"),
        confidence=_choice(row, where, "confidence", _CONFIDENCES),
    )


def _read_scope(given: object, where: str) -> Scope:
    scope = _mapping(given, f"{where}: scope")
    _keys(scope, f"{where}: scope", frozenset(), frozenset(_SCOPES))
    for key, codes in scope.items():
        if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
            raise ValueError(f"{where}: scope {key} is a list of texts; quote codes of digits")
    return Scope(**{key: tuple(scope.get(key, ())) for key in _SCOPES})


def _read_effort(rows: list[Mapping[str, Any]]) -> dict[str, float]:
    hours = {}
    for row in rows:
        where = f"effort {row.get('level', '?')}"
        _keys(row, where, frozenset({"level", "officer_hours", "source", "confidence"}))
        hours[_choice(row, where, "level", _LEVELS)] = _number(row, where, "officer_hours")
    if set(hours) != set(_LEVELS) or len(rows) != len(_LEVELS):
        raise ValueError(f"effort: one row for each of {sorted(_LEVELS)}")
    return hours


def _keys(
    row: Mapping[str, Any],
    where: str,
    must: frozenset[str],
    may: frozenset[str] = frozenset(),
) -> None:
    missing, unknown = must - set(row), set(row) - must - may
    if missing or unknown:
        raise ValueError(f"{where}: missing {sorted(missing)}, unknown {sorted(unknown)}")


def _rows(table: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    rows = table[key]
    if not isinstance(rows, list):
        raise ValueError(f"{key}: a list of rows is expected")  # noqa: TRY004 - a fault of data
    return [_mapping(row, f"a row of {key}") for row in rows]


def _mapping(given: object, where: str) -> Mapping[str, Any]:
    if not isinstance(given, dict) or not all(isinstance(key, str) for key in given):
        raise ValueError(f"{where}: keys and values are expected")
    return given


def _text(row: Mapping[str, Any], where: str, key: str) -> str:
    if not isinstance(row[key], str) or not row[key]:
        raise ValueError(f"{where}: {key} is a text")
    return str(row[key])


def _number(row: Mapping[str, Any], where: str, key: str) -> float:
    value = row[key]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        raise ValueError(f"{where}: {key} is a number, not below 0")
    return float(value)


def _choice(row: Mapping[str, Any], where: str, key: str, choices: Collection[str]) -> str:
    if row[key] not in choices:
        raise ValueError(f"{where}: {key} is one of {sorted(choices)}, not {row[key]!r}")
    return str(row[key])


def _one(rows: list[Mapping[str, Any]], where: str) -> Mapping[str, Any]:
    if len(rows) != 1:
        raise ValueError(f"{where}: exactly one row is expected")
    return rows[0]


def _unique(keys: list[str]) -> None:
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise ValueError(f"trigger ids given twice: {twice}")
