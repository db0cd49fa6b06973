"""单元格: cells of a table into the fields of a protobuf message, by the field's own type.

A column is named as its field; `vehicle.plate` is a field of a part, `media.sha256` one of the
first of several parts. Lists of plain values are joined with ";", lists of parts are JSON.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.chassis.clock import BEIJING, to_timestamp

#: Descriptors are of the stubs' class or of the C one, with the same attributes.
Field = Any
_TRUE, _FALSE = ("true", "1", "是"), ("false", "0", "否")
_INTEGERS = (
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
)
_NUMBERS = (FieldDescriptor.CPPTYPE_DOUBLE, FieldDescriptor.CPPTYPE_FLOAT)


def field_at(message: type[Message], path: str) -> Field | None:
    """Return the field a column names, or None."""
    descriptor: Any = message.DESCRIPTOR
    field: Field | None = None
    for name in path.split("."):
        if descriptor is None or name not in descriptor.fields_by_name:
            return None
        field = descriptor.fields_by_name[name]
        descriptor = field.message_type
    return field


def put(message: Message, path: str, value: Any) -> None:
    """Write a cell into the field it names; an empty cell leaves the field absent.

    Raises ValueError saying what the cell should be.
    """
    if value is None or (isinstance(value, str | list) and not value):
        return
    name, _, rest = path.partition(".")
    field = message.DESCRIPTOR.fields_by_name[name]
    if rest:
        part = getattr(message, name)
        if field.is_repeated:
            part = part[0] if part else part.add()
        put(part, rest, value)
    elif field.is_repeated:
        getattr(message, name).extend(_one(field, one) for one in _list(field, value))
    elif field.message_type is not None:
        getattr(message, name).CopyFrom(_one(field, value))
    else:
        _assign(message, name, _one(field, value))


def moment(value: Any) -> datetime:
    """Return an aware moment; a time without a zone is Beijing's. Raises ValueError.

    >>> moment("2026-11-22 08:00").isoformat()
    '2026-11-22T08:00:00+08:00'
    >>> moment("20261122080000") == moment("2026-11-22T00:00:00Z")
    True
    """
    if isinstance(value, datetime):
        parsed = value
    elif isinstance(value, date):
        parsed = datetime(value.year, value.month, value.day)  # noqa: DTZ001 - zone is added below
    else:
        text = str(value)
        try:
            shape = "%Y%m%d%H%M%S"
            digits = len(text) == 14 and text.isdigit()  # as in HJ 212
            parsed = datetime.strptime(text, shape) if digits else datetime.fromisoformat(text)  # noqa: DTZ007
        except ValueError:
            raise ValueError("no time, as 2026-11-22T08:00:00+08:00") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=BEIJING)


def _assign(message: Message, name: str, value: Any) -> None:
    try:
        setattr(message, name, value)
    except (ValueError, TypeError) as error:  # beyond the field's range
        raise ValueError(str(error)) from error


def _list(field: Field, value: Any) -> list[Any]:
    if not isinstance(value, str):
        return list(value)
    if field.message_type is None:
        return [part for part in value.split(";") if part]
    found = _json(value)
    if not isinstance(found, list):
        raise ValueError("no JSON list")  # noqa: TRY004 - a fault of the cell, not of the code
    return found


def _one(field: Field, value: Any) -> Any:
    if field.message_type is not None:
        return _part(field, value)
    if field.enum_type is not None:
        return _enum(field.enum_type, value)
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return _truth(value)
    if field.cpp_type in _INTEGERS:
        return _integer(value)
    if field.cpp_type in _NUMBERS:
        return _number(value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return _digest(value)
    return str(value)


def _part(field: Field, value: Any) -> Message:
    kind = field.message_type._concrete_class  # noqa: SLF001 - protobuf's own name for it
    if kind is Timestamp:
        return to_timestamp(moment(value))
    fields = _json(value) if isinstance(value, str) else value
    if not isinstance(fields, Mapping):
        raise ValueError("no JSON object")  # noqa: TRY004 - a fault of the cell, not of the code
    part: Message = kind()
    for name, one in fields.items():
        if name not in part.DESCRIPTOR.fields_by_name:
            raise ValueError(f"no field {name}")
        try:
            put(part, name, one)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    return part


def _enum(kind: Any, value: Any) -> int:
    """A number, or a name with or without the words that all names share."""
    known = kind.values_by_number
    text = str(value)
    if text.isdigit() and int(text) in known:
        return int(text)
    first = next(iter(known.values())).name.removesuffix("UNSPECIFIED")
    names: dict[str, int] = {
        one.name.removeprefix(first).lower(): one.number for one in known.values()
    }
    wanted = text.lower().removeprefix(first.lower())
    if wanted not in names:
        raise ValueError(f"not one of {', '.join(name for name in names if names[name])}")
    return names[wanted]


def _truth(value: Any) -> bool:
    text = str(value).lower()
    if text not in (*_TRUE, *_FALSE):
        raise ValueError("not true or false")
    return text in _TRUE


def _integer(value: Any) -> int:
    try:
        return int(str(value).removesuffix(".0"))  # a table's column with gaps holds 7.0
    except ValueError:
        raise ValueError("no whole number") from None


def _number(value: Any) -> float:
    try:
        return float(value)
    except (ValueError, TypeError):
        raise ValueError("no number") from None


def _digest(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    try:
        return bytes.fromhex(str(value))
    except ValueError:
        raise ValueError("not hex") from None


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise ValueError("no JSON") from None
