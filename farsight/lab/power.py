"""`farsight demo-power`: a platform that sends control orders, meters and things from outside.

It speaks the public doors as a province's platform does: orders over the registry's Sync, readings
over the gate's PushOutside, first ten days of history, then each minute what has passed since; and
each hour what grid, stations, gates and the others of `model/outside.py` have seen.
"""

import argparse
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import grpc
import numpy as np

from farsight.lab.door_client import SignedInClient, parts, patiently
from farsight.lab.model import outside
from farsight.lab.model.power import DemoMeter, PowerStory, power_kw
from farsight.lab.province import DEMO, read_rows
from farsight.lab.simulate import DEFAULT_SEED
from farsight.lab.state import RunState, load_state
from services.chassis import grpc_host
from services.chassis.errors import FarsightError, Unauthenticated, Unavailable
from services.chassis.pb.ingest.v1 import ingest_pb2_grpc
from services.chassis.pb.ingest.v1 import outside_pb2 as pb
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.pb.registry.v1 import registry_pb2_grpc as registry_grpc
from services.chassis.probes import Probes
from services.chassis.settings import address

PLATFORM = "platform.130000"
HISTORY_DAYS = 10
"""Enough for own levels (7 days) and a baseline before the order."""
HISTORY_STEP_MIN = 5
_PART = 900
_SENT, _OUTSIDE = "power", "outside"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `farsight demo-power`."""
    data = Path(os.environ.get("FARSIGHT_DATA", "") or ".data")
    door = os.environ.get("FARSIGHT_GRPC_ADDR", "") or "127.0.0.1:50051"
    gate = os.environ.get("FARSIGHT_GATE_GRPC_ADDR", "") or "127.0.0.1:50052"
    add = parser.add_argument
    add("--door", default=door, help="gRPC doors host:port (FARSIGHT_GRPC_ADDR)")
    add("--gate", default=gate, help="gate's gRPC host:port (FARSIGHT_GATE_GRPC_ADDR)")
    add("--seed", type=int, default=DEFAULT_SEED, help="of the model (%(default)s)")
    add("--once", action="store_true", help="send what has passed and end")
    add("--state", type=Path, default=data / "demo" / "power.json", help="where it stopped")


def run(args: argparse.Namespace) -> int:
    """Send until stopped; 0 done (with --once), 1 doors or gate are away or refuse."""
    probes = Probes(address(os.environ, "FARSIGHT_PROBE_BIND", "127.0.0.1:0"))
    state = load_state(args.state, args.seed, int(time.time()) // 3600)
    state.save(args.state)  # a run that is killed and started again must tell the same stories
    password = next(r["password"] for r in read_rows("accounts") if r["user_name"] == PLATFORM)
    with grpc_host.client_channel(args.door) as door, grpc_host.client_channel(args.gate) as gate:
        client = SignedInClient(door, PLATFORM, password)
        try:
            patiently(client.sign_in, 120.0)
            send_orders(client, state.anchor_hour)
            probes.ready()
            meters = read_meters(state.anchor_hour)
            while True:
                _send_due(client, gate, meters, state)
                _send_outside(client, gate, state)
                state.save(args.state)
                if args.once:
                    return 0
                time.sleep(60 - time.time() % 60)
        except (Unavailable, Unauthenticated) as error:
            print(
                f"demo-power: doors at {args.door}, gate at {args.gate}: {error}", file=sys.stderr
            )
            return 1


def read_meters(anchor_hour: int, folder: Path = DEMO) -> list[DemoMeter]:
    """Return the demo meters; their stories count from `anchor_hour` (unix hours)."""
    stories: dict[str, list[PowerStory]] = defaultdict(list)
    for row in read_rows("power_stories", folder):
        start = anchor_hour * 60 + int(row["start_minutes"])
        end = start + int(row["length_minutes"])
        stories[row["meter_id"]].append(PowerStory(start, end, float(row["share"])))
    bare = [
        DemoMeter(
            row["meter_id"], row["outlet_id"], row["use"], row["facility"],
            float(row["running_kw"]), float(row["noise"]),
        )
        for row in read_rows("meters", folder)
    ]  # fmt: skip
    return [replace(one, stories=tuple(stories[one.meter_id])) for one in bare]


def orders(anchor_hour: int, folder: Path = DEMO) -> list[registry.Record]:
    """Return the demo's control orders; their hours count from `anchor_hour`."""
    found = []
    for row in read_rows("control_orders", folder):
        order = registry.ControlOrder(
            order_id=row["order_id"], credit_code=row["credit_code"], level=row["level"],
            measure=row["measure"], allowed_share=float(row["allowed_share"]),
            meters=row["meters"].split(";"), source=row["source"],
        )  # fmt: skip
        order.start.seconds = (anchor_hour + int(row["start_hours"])) * 3600
        order.end.seconds = (anchor_hour + int(row["end_hours"])) * 3600
        kind = registry.RECORD_KIND_CONTROL_ORDER
        found.append(registry.Record(kind=kind, key=order.order_id, control_order=order))
    return found


def send_orders(client: SignedInClient, anchor_hour: int) -> None:
    """Sync the orders as the platform. Raises the platform's errors."""
    stub = registry_grpc.RegistryServiceStub(client.channel)
    result = client.call(stub.Sync, iter([registry.SyncRequest(records=orders(anchor_hour))]))
    for error in result.errors:
        print(f"demo-power: {error.key} {error.field}: {error.reason}", file=sys.stderr)


def items(meters: Sequence[DemoMeter], first: int, end: int, seed: int) -> Iterator[pb.OutsideItem]:
    """Yield the readings of the unix minutes [first, end), all meters of a minute together.

    What is further back than an hour is sent each five minutes, what is newer each minute.
    """
    recent = max(first, end - 60)
    old = np.arange(-(-first // HISTORY_STEP_MIN) * HISTORY_STEP_MIN, recent, HISTORY_STEP_MIN)
    minutes = np.concatenate([old, np.arange(recent, end)])
    if not minutes.size:
        return
    curves = [power_kw(meter, minutes, seed) for meter in meters]
    for at, minute in enumerate(minutes.tolist()):
        for meter, curve in zip(meters, curves, strict=True):
            reading = pb.ElectricityReading(
                meter_id=meter.meter_id, facility=meter.facility,
                use=pb.MeterUse.Value(f"METER_USE_{meter.use.upper()}"),
                power_kw=round(float(curve[at]), 1),
            )  # fmt: skip
            reading.time.seconds = minute * 60
            place = pb.Place(outlet_id=meter.outlet_id)
            yield pb.OutsideItem(place=place, source="demo-power", electricity=reading)


def _send_due(
    client: SignedInClient, gate: grpc.Channel, meters: Sequence[DemoMeter], state: RunState
) -> None:
    """Push what has passed since the last time; an outage is made up for afterwards."""
    end = int(time.time()) // 60
    first = state.sent_until.get(_SENT, state.anchor_hour * 60 - HISTORY_DAYS * 1440 - 1) + 1
    due = list(items(meters, first, end, state.seed))
    if not due:
        return
    try:
        patiently(lambda: _push(client, gate, due), 600.0)
    except FarsightError as error:
        print(f"demo-power: {error}", file=sys.stderr, flush=True)
        return
    state.sent_until[_SENT] = end - 1
    if len(due) > _PART:
        print(f"demo-power: {len(due):,} readings of history sent", flush=True)


def _send_outside(client: SignedInClient, gate: grpc.Channel, state: RunState) -> None:
    """Push what was seen in the hours that have passed since the last time."""
    end = int(time.time()) // 3600
    first = state.sent_until.get(_OUTSIDE)
    if first is not None and first >= end:
        return
    due = list(outside.items(state.anchor_hour, state.seed, first, end))
    try:
        patiently(lambda: _push(client, gate, due), 600.0)
    except FarsightError as error:
        print(f"demo-power: {error}", file=sys.stderr, flush=True)
        return
    state.sent_until[_OUTSIDE] = end
    if len(due) > _PART:
        print(f"demo-power: {len(due):,} things from outside sent", flush=True)


def _push(client: SignedInClient, gate: grpc.Channel, due: list[pb.OutsideItem]) -> None:
    """Push parts, each after the receipt of the one before; the same again does no harm."""
    stub = ingest_pb2_grpc.IngestServiceStub(gate)
    requests = (
        pb.PushOutsideRequest(sequence=number, items=part)
        for number, part in enumerate(parts(due, _PART), 1)
    )
    try:
        for receipt in stub.PushOutside(requests, metadata=tuple(client.metadata()), timeout=600.0):
            for refusal in receipt.refusals:
                print(f"demo-power: {refusal.field}: {refusal.detail}", file=sys.stderr)
    except grpc.RpcError as error:
        raise grpc_host.error_from(error) from error
