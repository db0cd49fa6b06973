"""Where a pack comes from: a folder, `base` as shipped, or ID@VERSION as the platform keeps it."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from farsight.lab.door_client import SignedInClient
from services.chassis.errors import InputRejected
from services.chassis.pb.detect.v1 import pack_pb2 as pb
from services.chassis.pb.detect.v1 import pack_pb2_grpc as rpc
from services.detect.packs.load import load_pack, read_folder, shipped_pack
from services.detect.packs.pack import Pack
from services.detect.packs.renew import read_kept

Client = Callable[[], AbstractContextManager[SignedInClient]]


def pack_of(name: str, client: Client) -> Pack:
    """A pack by its name. Raises InputRejected, NotFound and what the doors raise."""
    if name == "base":
        return shipped_pack()
    if "@" in name:
        pack_id, _, version = name.partition("@")
        with client() as door:
            return kept_pack(door, pack_id, version)
    if not Path(name).is_dir():
        raise InputRejected(f"{name} is no folder, not `base` and not ID@VERSION")
    return load_pack(read_folder(Path(name)))


def kept_pack(door: SignedInClient, pack_id: str = "", version: str = "") -> Pack:
    """A pack that the platform keeps; without a name the one that judges from now on."""
    request = pb.GetPackRequest(pack_id=pack_id, version=version)
    answer = door.call(rpc.PackServiceStub(door.channel).GetPack, request)
    return read_kept(dict(answer.pack.files))
