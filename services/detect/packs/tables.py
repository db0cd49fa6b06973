"""规则包文件: YAML lists and CSV tables to rows with their place, whatever their bytes are."""

import csv
import dataclasses
import io
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from services.detect.judgement.parameters import Scope
from services.detect.packs.schema import refusal

MAX_BYTES = 4_000_000
#: Whatever a YAML constructor may raise on text that only looks like YAML.
_YAML_FAULTS = (
    yaml.YAMLError, ValueError, ArithmeticError, LookupError, AttributeError, TypeError,
    RecursionError,
)  # fmt: skip
_SCOPE = {field.name for field in dataclasses.fields(Scope)}


class _Loader(yaml.SafeLoader):
    """YAML without aliases and without names given twice: neither is ever meant in a rule."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuse an alias: few bytes could stand for endlessly many."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias (*name) is not allowed")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:
        """Refuse a name that stands twice; YAML would take the last one in silence."""
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        twice = {name for name in names if names.count(name) > 1}
        if twice:
            raise yaml.YAMLError(f"line {node.start_mark.line + 1}: {sorted(twice)} stands twice")
        return super().construct_mapping(node, deep)


def text_of(body: bytes, name: str) -> str:
    """A file as text. Raises InputRejected."""
    if len(body) > MAX_BYTES:
        raise refusal(name, "", f"has {len(body)} bytes", f"keep it under {MAX_BYTES}")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refusal(
            name, "", f"is not UTF-8 text ({error.reason})", "save it as UTF-8"
        ) from error


def read_yaml(body: bytes, name: str) -> Any:
    """What a YAML file says. Raises InputRejected."""
    text = text_of(body, name)
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader, and a stricter one
    except _YAML_FAULTS as error:
        what = " ".join(str(error).split())[:300]
        raise refusal(name, "", f"is not YAML: {what}", "correct the line") from error


def yaml_rows(body: bytes, name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, row) of a YAML list of mappings. Raises InputRejected."""
    rows = read_yaml(body, name)
    if rows is None:
        return
    if not isinstance(rows, list):
        raise refusal(name, "", "is not a list", "begin each row with `- key: ...`")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise refusal(f"{name}, row {number}", "", "is no row", "begin it with `- key: ...`")
        yield _place(name, f"row {number}", row), {str(key): row[key] for key in row}


def csv_rows(body: bytes, name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """(place, cells that are filled in) of a CSV table. Raises InputRejected."""
    reader = csv.DictReader(io.StringIO(text_of(body, name), newline=""), strict=True)
    try:
        header = reader.fieldnames or []
        twice = sorted({column for column in header if header.count(column) > 1})
        if not header or twice:
            what = f"columns {twice} stand twice" if twice else "has no header"
            raise refusal(f"{name}, line 1", "", what, "name each column once")
        for cells in reader:
            place = _place(name, f"line {reader.line_num}", cells)
            if cells.get(None):  # DictReader's place for surplus cells
                raise refusal(place, "", "has more cells than columns", "quote cells with commas")
            yield place, {column: cell for column, cell in cells.items() if cell}
    except csv.Error as error:
        where = f"{name}, line {reader.line_num}"
        raise refusal(where, "", f"is no CSV ({error})", "correct the line") from error


def _place(name: str, at: str, row: Mapping[str, Any]) -> str:
    key = row.get("key") or row.get("code")
    return f"{name}, {at}" + (f" ({key})" if isinstance(key, str) else "")


def from_cells(cells: Mapping[str, str], shape: type) -> dict[str, Any]:
    """Cells of a table as a row: lists split at ";", the columns of a scope gathered."""
    types = {field.name: field.type for field in dataclasses.fields(shape)}
    row: dict[str, Any] = {}
    scope: dict[str, Any] = {}
    for column, cell in cells.items():
        own = column in types
        many = types.get(column) == tuple[str, ...] or (not own and column in _SCOPE)
        value = tuple(part.strip() for part in cell.split(";") if part.strip()) if many else cell
        (row if own or column not in _SCOPE else scope)[column] = value
    return row | ({"scope": scope} if scope else {})
