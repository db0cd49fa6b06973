"""标记表格: a table of new marks, read row by row with what is wrong by field. Pure.

Times are Beijing time, `2026-11-21 08:30`. Columns may be named in English or Chinese. The kind is
a key of the catalogue (data/mark_kinds.csv) or its Chinese name.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.chassis.clock import BEIJING
from services.ingest.domain.mark_kinds import KindOption

COLUMNS = {
    "outlet_id": "排放口编号",
    "mark_id": "标记编号",
    "kind": "标记种类",
    "facility": "设施",
    "factors": "因子",
    "start": "开始时间",
    "end": "结束时间",
    "reason": "原因",
    "proof_ids": "证明编号",
    "manual_values": "手工监测值",
}
NEEDED = ("kind", "start", "end", "reason")
_ENGLISH = {chinese: english for english, chinese in COLUMNS.items()}
_FORMS = ("%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y-%m-%dT%H:%M")


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with a field of a row; row 1 is the header."""

    row: int
    field: str
    reason: str  # malformed | unknown_outlet | forbidden | overlap | conflict | rule
    detail: str


@dataclass(frozen=True, slots=True)
class DraftRow:
    """One row that can be read. Times are aware; manual values are (factor, value, time)."""

    row: int
    outlet_id: str
    mark_id: str
    kind: str  # key or name as written
    facility: str
    factors: tuple[str, ...]
    start: datetime
    end: datetime
    reason: str
    proof_ids: tuple[str, ...]
    manual_values: tuple[tuple[str, float, datetime], ...]


def read_table(content: bytes, most: int) -> tuple[list[DraftRow], list[RowFault]]:
    """Read a CSV table of at most `most` rows, UTF-8 or GB 18030, into drafts and faults."""
    text = _decoded(content)
    if text is None:
        return [], [RowFault(1, "", "malformed", "neither UTF-8 nor GB 18030")]
    try:
        lines = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error as error:
        return [], [RowFault(1, "", "malformed", f"no CSV: {error}")]
    header = [_ENGLISH.get(name.strip(), name.strip()) for name in lines[0]] if lines else []
    if faults := list(_header_faults(header)):
        return [], faults
    if len(lines) - 1 > most:
        return [], [RowFault(1, "", "malformed", f"more than {most} rows")]
    drafts: list[DraftRow] = []
    faults = []
    for number, cells in enumerate(lines[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            detail = f"{len(cells)} cells, the header has {len(header)}"
            faults.append(RowFault(number, "", "malformed", detail))
            continue
        wrong: list[RowFault] = []
        row = dict(zip(header, (cell.strip() for cell in cells), strict=True))
        draft = _draft(number, row, wrong)
        faults += wrong
        if draft is not None and not wrong:
            drafts.append(draft)
    if not drafts and not faults:
        faults.append(RowFault(1, "", "malformed", "no rows"))
    return drafts, faults


def kind_named(options: Sequence[KindOption], name: str) -> KindOption | None:
    """Find a kind by key or Chinese name among those of an outlet."""
    return next((one for one in options if name in (one.key, one.name_zh)), None)


def _decoded(content: bytes) -> str | None:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _header_faults(header: Sequence[str]) -> Iterator[RowFault]:
    for name in NEEDED:
        if name not in header:
            yield RowFault(1, name, "malformed", f"the column {name} ({COLUMNS[name]}) is missing")
    for name in sorted({one for one in header if header.count(one) > 1}):
        yield RowFault(1, name, "malformed", "the column comes twice")
    for name in header:
        if name not in COLUMNS:
            yield RowFault(1, name, "malformed", "no such column")


def _draft(number: int, row: Mapping[str, str], wrong: list[RowFault]) -> DraftRow | None:
    def refuse(field: str, detail: str) -> None:
        wrong.append(RowFault(number, field, "malformed", detail))

    for name in ("kind", "reason"):
        if not row[name]:
            refuse(name, "is missing")
    times: dict[str, datetime] = {}
    for name in ("start", "end"):
        moment = moment_of(row[name])
        if moment is None:
            refuse(name, "no Beijing time as 2026-11-21 08:30")
        else:
            times[name] = moment
    values = list(_values(row.get("manual_values", "")))
    if None in values:
        refuse("manual_values", "not as a21026=35.2@2026-11-21 08:30; ...")
    if len(times) < 2:
        return None
    return DraftRow(
        row=number,
        outlet_id=row.get("outlet_id", ""),
        mark_id=row.get("mark_id", ""),
        kind=row["kind"],
        facility=row.get("facility", ""),
        factors=words(row.get("factors", "")),
        start=times["start"],
        end=times["end"],
        reason=row["reason"],
        proof_ids=words(row.get("proof_ids", "")),
        manual_values=tuple(one for one in values if one is not None),
    )


def moment_of(text: str) -> datetime | None:
    """Read a Beijing time; None for another text.

    >>> moment_of("2026-11-21 08:30").isoformat()
    '2026-11-21T08:30:00+08:00'
    """
    for form in _FORMS:
        try:
            return datetime.strptime(text.strip(), form).replace(tzinfo=BEIJING)
        except ValueError:
            continue
    return None


def words(text: str) -> tuple[str, ...]:
    """Split a cell of several values.

    >>> words("a21026; a21002,a34013")
    ('a21026', 'a21002', 'a34013')
    """
    for sign in ";,，；、":
        text = text.replace(sign, " ")
    return tuple(text.split())


def _values(text: str) -> Iterator[tuple[str, float, datetime] | None]:
    for part in filter(None, (one.strip() for one in text.replace("；", ";").split(";"))):
        factor, _, rest = part.partition("=")
        number, _, at = rest.partition("@")
        moment = moment_of(at)
        try:
            yield (factor.strip(), float(number), moment) if moment else None
        except ValueError:
            yield None
