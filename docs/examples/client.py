"""What the three examples share: where the doors are, and how to sign in.

The addresses are what `farsight up` prints; `FARSIGHT_GRPC_ADDR` and `FARSIGHT_GATE_GRPC_ADDR`
name others. A partner outside this repository generates the same modules with protoc from
`protos/`, and gets a login from the operator of the platform.
"""

import os

import grpc

from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.pb.registry.v1 import registry_pb2_grpc as registry_rpc

DOORS = os.environ.get("FARSIGHT_GRPC_ADDR", "127.0.0.1:9213")
GATE = os.environ.get("FARSIGHT_GATE_GRPC_ADDR", "127.0.0.1:9214")
USER = os.environ.get("FARSIGHT_USER", "platform.130000")
PASSWORD = os.environ.get("FARSIGHT_PASSWORD", "farsight-demo")

Metadata = tuple[tuple[str, str], ...]


def sign_in(doors: grpc.Channel) -> Metadata:
    """Give the metadata that goes with each call. It is good for 15 minutes; then sign in again."""
    stub = registry_rpc.RegistryServiceStub(doors)
    answer = stub.SignIn(registry.SignInRequest(user_name=USER, password=PASSWORD), timeout=10)
    return (("authorization", f"Bearer {answer.token}"),)


def outlet_ids(doors: grpc.Channel, metadata: Metadata) -> list[str]:
    """Give the outlets of the caller's jurisdiction, in the registry's order."""
    stub = registry_rpc.RegistryServiceStub(doors)
    request = registry.ListRecordsRequest(kind=registry.RECORD_KIND_OUTLET, page_size=500)
    answer = stub.ListRecords(request, metadata=metadata, timeout=10)
    return [record.key for record in answer.records]
