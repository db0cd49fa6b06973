"""Check that every message, field, enum value and method of `protos/` says what it is.

`buf lint` can ask for comments above an element only; ours stand behind the field, where the unit
belongs.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

ROOT = Path(__file__).resolve().parent.parent
# Field numbers of FileDescriptorProto and its parts, of which a source location's path consists.
MESSAGE, ENUM, SERVICE, MEMBER = 4, 5, 6, 2
Element = tuple[tuple[int, ...], str]


def main(protos: Path) -> int:
    """Name every element without a comment; 1 when there is one."""
    bare = [f"{file.name}: {name}" for file in files(protos) for name in uncommented(file)]
    for each in bare:
        print(f"{each} has no comment: say what it is, with unit and source")
    return 1 if bare else 0


def files(protos: Path) -> Iterator[FileDescriptorProto]:
    """Our files as buf reads them, with their comments."""
    command = ["buf", "build", str(protos), "-o", "-#format=binpb"]
    image = subprocess.run(command, capture_output=True, check=True).stdout
    for file in FileDescriptorSet.FromString(image).file:
        if file.package.startswith("farsight."):
            yield file


def uncommented(file: FileDescriptorProto) -> Iterator[str]:
    """Names of elements with a comment neither above nor behind them."""
    said = {
        tuple(place.path)
        for place in file.source_code_info.location
        if (place.leading_comments + place.trailing_comments).strip()
    }
    yield from (name for path, name in elements(file) if path not in said)


def elements(file: FileDescriptorProto) -> Iterator[Element]:
    """Path and name of everything that needs a comment."""
    for i, message in enumerate(file.message_type):
        yield (MESSAGE, i), message.name
        for j, field in enumerate(message.field):
            yield (MESSAGE, i, MEMBER, j), f"{message.name}.{field.name}"
    for i, enum in enumerate(file.enum_type):
        yield (ENUM, i), enum.name
        for j, value in enumerate(enum.value):
            yield (ENUM, i, MEMBER, j), f"{enum.name}.{value.name}"
    for i, service in enumerate(file.service):
        yield (SERVICE, i), service.name
        for j, method in enumerate(service.method):
            yield (SERVICE, i, MEMBER, j), f"{service.name}.{method.name}"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "protos"))
