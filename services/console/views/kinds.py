"""Kinds of matters and purposes of files as the console's catalogue names them."""

from services.chassis.pb.cases.v1.cases_pb2 import MatterKind

#: Catalogue key (`kind.<key>`) by number.
KIND_KEYS = {
    number: name.removeprefix("MATTER_KIND_").lower()
    for name, number in MatterKind.items()
    if number
}
#: Number by catalogue key, for filters and forms.
KINDS = {key: number for number, key in KIND_KEYS.items()}
PURPOSES = ("photo", "video", "record", "before", "after", "proof", "other")
