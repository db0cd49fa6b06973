"""规则包 by what a person calls it: a folder, `base`, or id@version of the platform."""

from collections.abc import Callable
from pathlib import Path

from farsight.lab.door_client import SignedInClient
from services.chassis.errors import InputRejected
from services.chassis.pb.detect.v1 import pack_pb2, pack_pb2_grpc
from services.detect.packs.load import load_pack, read_folder, shipped_pack
from services.detect.packs.pack import Pack

#: What this version of Farsight ships.
BASE = "base"
#: Gives a client of the doors; asked for only where one is needed.
Client = Callable[[], SignedInClient]


def pack_of(name: str, client: Client) -> Pack:
    """规则包 by its name. Raises InputRejected naming the file, or what a name may be."""
    if name == BASE:
        return shipped_pack()
    folder = Path(name)
    if folder.is_dir():
        return load_pack(read_folder(folder))
    pack_id, at, version = name.partition("@")
    if not at or not version:
        raise InputRejected(f"{name}: no folder, not {BASE}, and no ID@VERSION", field="pack")
    door = client()
    stub = pack_pb2_grpc.PackServiceStub(door.channel)
    request = pack_pb2.GetPackRequest(pack_id=pack_id, version=version)
    return load_pack(dict(door.call(stub.GetPack, request).pack.files))
