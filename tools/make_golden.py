"""Write golden bytes for events that have none yet: `python -m tools.make_golden`.

An existing file is never rewritten: its bytes stand for what is already in queues, dead letters and
outbox rows of running installations, and must stay readable for as long as v1 lives.
"""

import importlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import cast

from google.protobuf import json_format, struct_pb2, timestamp_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "contract" / "golden"
# A message that the publisher puts on the bus says so in the first word of its comment.
EVENT = re.compile(r"^// EVENT\b.*\n(?://.*\n)*message (\w+) \{", re.MULTILINE)
DEEPEST = 3  # nested messages filled, so that a record with a oneof of ten bodies stays readable


def main() -> None:
    """Make what is missing, say what was made."""
    for kind in events():
        name = kind.DESCRIPTOR.full_name
        if not (GOLDEN / f"{name}.json").exists():
            message = next(variants(kind, DEEPEST))
            text = json.dumps(as_json(message), ensure_ascii=False, indent=1)
            (GOLDEN / f"{name}.json").write_text(text + "\n", encoding="utf-8")
            (GOLDEN / f"{name}.hex").write_text(as_hex(message), encoding="ascii")
            print(f"made {name}")


def events() -> Iterator[type[Message]]:
    """Classes of every event of protos."""
    for path in sorted((ROOT / "protos").glob("farsight/*/v1/*.proto")):
        service = path.parent.parent.name
        module = importlib.import_module(f"services.chassis.pb.{service}.v1.{path.stem}_pb2")
        for name in EVENT.findall(path.read_text(encoding="utf-8")):
            yield getattr(module, name)


def as_json(message: Message) -> dict[str, object]:
    """The JSON form, with the names of the proto file."""
    return json_format.MessageToDict(message, preserving_proto_field_name=True)


def as_hex(message: Message) -> str:
    """Deterministic bytes in hexadecimal, 32 bytes a line."""
    digits = message.SerializeToString(deterministic=True).hex()
    return "".join(f"{digits[i : i + 64]}\n" for i in range(0, len(digits), 64))


def variants(kind: type[Message], depth: int) -> Iterator[Message]:
    """Give messages with every field set: one message, or one for each body of a oneof."""
    bodies = [o for o in kind.DESCRIPTOR.oneofs if len(o.fields) > 1]
    choices = [field.name for field in bodies[0].fields] if bodies else [""]
    for chosen in choices:
        message = kind()
        for field in cast("list[FieldDescriptor]", kind.DESCRIPTOR.fields):
            if field.containing_oneof not in bodies or field.name == chosen:
                fill(message, field, depth)
        yield message


def fill(message: Message, field: FieldDescriptor, depth: int) -> None:
    """Set one field."""
    inner = field.message_type
    if inner is None and field.is_repeated:
        getattr(message, field.name).append(scalar(field))
    elif inner is None:
        setattr(message, field.name, scalar(field))
    elif inner.GetOptions().map_entry:
        value = scalar(inner.fields_by_name["value"])
        getattr(message, field.name)["k"] = value
    elif depth and field.is_repeated:
        getattr(message, field.name).extend(nested(field, inner, depth))
    elif depth:
        getattr(message, field.name).CopyFrom(next(nested(field, inner, depth)))


def nested(field: FieldDescriptor, inner: Descriptor, depth: int) -> Iterator[Message]:
    """Give values of a field that is a message; well-known types get a real moment or fact."""
    if inner.full_name == "google.protobuf.Timestamp":
        yield timestamp_pb2.Timestamp(seconds=1_700_000_000 + field.number)
    elif inner.full_name == "google.protobuf.Struct":
        struct = struct_pb2.Struct()
        struct.update({"fact": field.name})
        yield struct
    else:
        yield from variants(GetMessageClass(inner), depth - 1)


def scalar(field: FieldDescriptor) -> object:
    """Give a value that tells this field from its neighbours."""
    if field.type == field.TYPE_STRING:
        return f"{field.name} 值"
    if field.type == field.TYPE_BYTES:
        return bytes([field.number]) * 4
    if field.type == field.TYPE_BOOL:
        return True
    if field.enum_type is not None:
        return field.enum_type.values[-1].number
    if field.type in {field.TYPE_DOUBLE, field.TYPE_FLOAT}:
        return field.number + 0.5
    return 1000 + field.number


if __name__ == "__main__":
    main()
