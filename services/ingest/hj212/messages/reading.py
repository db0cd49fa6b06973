"""A segment as a typed message: which shape, and its fields."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from services.ingest.hj212.commands import rows_of
from services.ingest.hj212.errors import PeerProtocolError
from services.ingest.hj212.messages import shapes
from services.ingest.hj212.messages.head import Head
from services.ingest.hj212.messages.shapes import Group, Message, Pair, Wire, wires
from services.ingest.hj212.messages.upload import UPLOADS, Upload, read_upload
from services.ingest.hj212.messages.values import Moment, Number, read_time
from services.ingest.hj212.segment import Segment
from services.ingest.hj212.version import Version

_UPLOAD = "Upload"  # the one shape with a reader of its own: it is nearly all of the traffic


@dataclass(frozen=True, slots=True)
class Unknown:
    """A command that no table has, or one without CN: kept as it was received."""

    head: Head
    version: Version
    area_text: str
    notes: tuple[str, ...] = ("unknown_command",)

    @property
    def cn(self) -> str:
        """CN 命令编码, empty when absent."""
        return self.head.cn


AnyMessage = Upload | Message | Unknown


def read_message(segment: Segment, version: Version) -> AnyMessage:
    """The message in a segment; `PeerProtocolError` malformed, its detail names the field.

    The direction is not told, so CP decides between a request and its answer. A command of another
    version is read by the row that has it.
    """
    cn = segment.cn
    if cn in UPLOADS and "DataTime=" in segment.area_text:
        return read_upload(segment, version)
    candidates = _shapes(cn, version)
    if not candidates:
        return Unknown(Head(segment.head), version, segment.area_text)
    area = segment.area
    present = {name.lower() for item in area for name, _ in item}
    fitting = [name for name in candidates if _fits(name, present, empty=not area)]
    if not fitting and not any(map(_needs, candidates)):
        fitting = [candidates[0]]  # nothing need be there, so what is there is extra
    if fitting:
        # An answer may begin as its request does (3018, 3019, 1014): take the most that is whole.
        name = max(fitting, key=lambda name: _wholeness(name, present))
        return read_upload(segment, version) if name == _UPLOAD else _read(name, segment, version)
    needed = next(need for need in map(_needs, candidates) if need)
    raise PeerProtocolError("malformed", f"no {needed} in CN {cn}")


@cache
def _shapes(cn: str, version: Version) -> tuple[str, ...]:
    """Names of the shapes a command can have, those of the version first."""
    names = [name for row in rows_of(cn, version) for name in (row.request, row.answer) if name]
    return tuple(dict.fromkeys(names))


@cache
def _plan(name: str) -> tuple[type[Message], dict[str, tuple[str, Wire, type]], tuple[str, ...]]:
    """Class of a shape, lower-case wire name -> (attribute, wire, type), required lower names."""
    shape: type[Message] = getattr(shapes, name)
    by_name = {
        wire.name.lower(): (attribute, wire, kind)
        for attribute, (wire, kind) in wires(name).items()
    }
    return shape, by_name, tuple(key for key, entry in by_name.items() if not entry[1].optional)


def _fits(name: str, present: set[str], *, empty: bool) -> bool:
    """Whether CP looks like this shape: its first required field is there, or nothing need be."""
    if name == _UPLOAD:
        return "datatime" in present
    _, by_name, required = _plan(name)
    if not required:
        return empty or any(_is_present(key, by_name[key][1], present) for key in by_name)
    return _is_present(required[0], by_name[required[0]][1], present)


def _wholeness(name: str, present: set[str]) -> tuple[int, int]:
    """How many required fields of a shape are there (-1 where one is missing), and how many own."""
    if name == _UPLOAD:
        return 1, len(present)
    _, by_name, required = _plan(name)
    whole = all(_is_present(key, by_name[key][1], present) for key in required)
    own = sum(_is_present(key, entry[1], present) for key, entry in by_name.items())
    return len(required) if whole else -1, own


def _is_present(key: str, wire: Wire, present: set[str]) -> bool:
    if wire.suffixes:
        ends = tuple(f"-{suffix.lower()}" for suffix in wire.suffixes)
        return any(name.endswith(ends) for name in present)
    return key in present


def _needs(name: str) -> str:
    """What a shape needs first, by its wire name; empty where it needs nothing."""
    if name == _UPLOAD:
        return "DataTime"
    _, by_name, required = _plan(name)
    wire = by_name[required[0]][1] if required else Wire("")
    return f"xxx-{wire.suffixes[0]}" if wire.suffixes else wire.name


@dataclass(slots=True)
class _Area:
    """A data area while it is read into a shape."""

    values: dict[str, Any] = field(default_factory=dict)
    groups: list[tuple[str, list[Pair]]] = field(default_factory=list)
    extra: list[Pair] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def _read(name: str, segment: Segment, version: Version) -> Message:
    shape, by_name, required = _plan(name)
    grouped = by_name.get(shapes.GROUPS)
    suffixes = grouped[1].suffixes if grouped else ()
    area = _Area(notes=list(segment.notes))
    for item in segment.area:
        opened = len(area.groups)
        for key, text in item:
            entry = by_name.get(key.lower())
            if entry is not None and not entry[1].suffixes:
                _take(area, (key, text), entry)
            elif not (suffixes and _take_group(area, opened, suffixes, key, text)):
                area.extra.append((key, text))
                area.notes.append("unknown_item")
    if area.groups:
        area.values[shapes.GROUPS] = tuple(
            Group(code, tuple(values)) for code, values in area.groups
        )
    for key in required:
        attribute, wire, _ = by_name[key]
        if attribute not in area.values:
            raise PeerProtocolError("malformed", f"no {wire.name} in CN {segment.cn}")
    return shape(
        head=Head(segment.head),
        version=version,
        extra=tuple(area.extra),
        notes=tuple(dict.fromkeys(area.notes)),
        **area.values,
    )


def _take(area: _Area, pair: Pair, entry: tuple[str, Wire, type]) -> None:
    """One scalar field; a bad optional one is kept beside the shape, a bad required one refused."""
    key, text = pair
    attribute, wire, kind = entry
    if attribute in area.values and not wire.many:
        area.extra.append(pair)  # the first one stays
        area.notes.append("repeated_field")
        return
    if key != wire.name:
        area.notes.append("field_case")
    try:
        value = _value(kind, wire.name, text)
    except PeerProtocolError:
        if not wire.optional:
            raise
        area.extra.append(pair)
        area.notes.append("odd_value")
        return
    area.values[attribute] = (*area.values.get(attribute, ()), value) if wire.many else value


def _take_group(area: _Area, opened: int, suffixes: tuple[str, ...], key: str, text: str) -> bool:
    """One `code-suffix` field; fields of a code that stand in one item make one group."""
    code, dash, suffix = key.rpartition("-")
    if not (dash and code):
        return False
    if suffix not in suffixes:
        area.notes.append("unknown_field")
    if len(area.groups) == opened or area.groups[-1][0] != code:
        area.groups.append((code, []))
    area.groups[-1][1].append((suffix, text))
    return True


def _value(kind: type, name: str, text: str) -> str | Number | Moment:
    if kind is Moment:
        read_time(text, name)
        return Moment(text)
    if kind is Number:
        number = Number(text)
        if number.value is None:
            raise PeerProtocolError("malformed", f"{name} {text[:20]!r}")
        return number
    return text
