"""The door of electricity over real gRPC and PostgreSQL, and the process that fills it."""

import math
import os
import subprocess
import sys
import time

import grpc
import pytest
from kombu.connection import Connection

from services.chassis.bus import topology
from services.chassis.bus.publish import Publisher
from services.chassis.errors import Forbidden, InputRejected, NotFound
from services.chassis.grpc_host import bearer, client_channel, error_from
from services.chassis.identity import Actor, Role, Tokens, create_token_key
from services.chassis.pb.detect.v1 import power_pb2 as pb
from services.chassis.pb.detect.v1 import power_pb2_grpc
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.detect.app.power_desk import iso_day
from services.detect.judgement.meter_day import day_start_s
from tests.integration.detect_rig import free_port
from tests.integration.power_rig import (
    DAY,
    FAN,
    KILN,
    OUTLET,
    PLANT,
    PowerRig,
    batch,
    curve,
    history,
    order_record,
    outlet_record,
    pair_record,
)

PARTITIONS = 2
TOTAL = "total"
COUNTY = Actor("county", Role.OFFICER, "130481")
CITY = Actor("city", Role.LEADER, "130400")
OWN = Actor("plant", Role.ENTERPRISE, "", PLANT)
OPERATOR = Actor("operator", Role.OPERATOR, "130000")
PLATFORM = Actor("platform", Role.PLATFORM, "130000")
SEES = (COUNTY, CITY, OWN, OPERATOR, PLATFORM)
SEES_NOT = (
    Actor("neighbour", Role.OFFICER, "130109"),
    Actor("abroad", Role.LEADER, "370000"),
    Actor("other", Role.ENTERPRISE, "", "91130426FARX00101E"),
    Actor("nobody", Role.ENTERPRISE),
    Actor("police", Role.POLICE, "130400"),
    Actor("procurator", Role.PROCURATOR, "130400"),
)


class Door:
    """The detect process, the doors process, and callers with tokens."""

    def __init__(self, address: str, tokens: Tokens) -> None:
        self._stub = power_pb2_grpc.PowerServiceStub(client_channel(address))
        self._tokens = tokens

    def call(self, who: Actor, method: str, **fields):
        """Call as somebody; the platform's own errors come back."""
        request = getattr(pb, f"{method}Request")(**fields)
        metadata = bearer(self._tokens.issue(who)[0])
        try:
            return getattr(self._stub, method)(request, metadata=metadata, timeout=20)
        except grpc.RpcError as error:
            raise error_from(error) from error


def story():
    """Eight honest days, then the fan off from 600 to 640 and an order not met from 10 to 12."""
    load = lambda m: 400.0 if 480 <= m < 600 or 720 <= m < 840 else 900.0  # noqa: E731 - a curve
    return [
        *history(),
        *curve(KILN, DAY, load, step=5, last=1200),
        *curve(FAN, DAY, lambda m: 2.0 if 600 <= m < 640 else 90.0, step=5, use=2, last=1200),
        *curve(TOTAL, DAY, lambda _: 1200.0, step=5, use=3, last=1200),
    ]


@pytest.fixture(scope="module")
def door(migrated_db, amqp_uri, tmp_path_factory):
    """Both processes; the story arrives over the bus as a gate publishes it."""
    url, folder = migrated_db("detect"), tmp_path_factory.mktemp("power")
    create_token_key(folder / "token.jwk")
    address = f"127.0.0.1:{free_port()}"
    env = {
        **os.environ, "DATABASE_URL": url, "AMQP_URI": amqp_uri, "FARSIGHT_DATA": str(folder),
        "FARSIGHT_PARTITIONS": str(PARTITIONS), "FARSIGHT_PROBE_BIND": "127.0.0.1:0",
        "FARSIGHT_GRPC_BIND": address, "FARSIGHT_TOKEN_KEY": str(folder / "token.jwk"),
    }  # fmt: skip
    with Connection(amqp_uri) as connection:
        topology.declare_topology(connection, PARTITIONS)
        with connection.channel() as channel:
            for spec in topology.all_queues(PARTITIONS):
                channel.queue_purge(spec.name)
    publisher = Publisher(amqp_uri)
    records = [outlet_record(), pair_record(), order_record(first=8, hours=6)]
    for number, record in enumerate(records, 1):
        record.revision = number
    publisher.publish_event(registry.RecordsChanged(records=records))
    entries = story()
    for at in range(0, len(entries), 500):
        publisher.publish_event(batch(entries[at : at + 500]))
    log = (folder / "log").open("w")
    processes = [
        subprocess.Popen([sys.executable, "-m", *command], env=env, stdout=log, stderr=log)
        for command in (("services.chassis.host", "detect"), ("services.chassis.doors", "detect"))
    ]
    running = Door(address, Tokens(folder / "token.jwk"))
    rig = PowerRig(url)
    try:
        _until(lambda: len(rig.findings()) == 2)
        _until(lambda: running.call(OWN, "GetPower", outlet_id=OUTLET).day)
        yield running
    finally:
        rig.close()
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)
        log.close()


def _until(met, seconds=60.0):
    end = time.monotonic() + seconds
    while True:
        try:
            if met():
                return
        except Exception:
            if time.monotonic() > end:
                raise
        assert time.monotonic() < end
        time.sleep(0.2)


def test_an_outlets_day_shows_curves_spans_pairs_and_the_order(door: Door) -> None:
    """What was pushed through the bus: minutes, thresholds, sum check, the order's hours."""
    found = door.call(COUNTY, "GetPower", outlet_id=OUTLET)
    (pair,) = found.pairs
    (order,) = found.orders
    midnight = day_start_s(DAY)

    assert (found.day, found.step_minutes) == (iso_day(DAY), 5)
    assert found.data_until.seconds == midnight + 1195 * 60
    assert pair.state == pb.POWER_STATE_EVALUATED
    assert (pair.production_minutes, pair.unprotected_minutes, pair.counted_minutes) == (
        1196,
        40,
        40,
    )
    (span,) = pair.unprotected
    assert (span.start.seconds, span.minutes, span.counts) == (midnight + 36_000, 40, True)
    assert (len(pair.production_kw), pair.treatment_kw[121]) == (288, 2.0)
    assert math.isnan(pair.production_kw[250])
    assert [(m.meter_id, m.use, m.cadence_minutes) for m in found.meters] == [
        (FAN, "treatment", 5), (KILN, "production", 5), (TOTAL, "total", 5),
    ]  # fmt: skip
    assert found.meters[1].threshold_kw == pytest.approx(0.2 * 906.0)
    assert found.sum_check.result == "agrees"
    assert (order.hours_over, order.hours_judged, order.baseline_days) == (2, 6, 7)
    assert [h.state for h in order.hours] == ["within"] * 2 + ["over"] * 2 + ["within"] * 2


def test_a_day_without_readings_is_not_clean(door: Door) -> None:
    """The pair says that nothing came; a day that is none is refused."""
    found = door.call(OWN, "GetPower", outlet_id=OUTLET, day=iso_day(DAY + 2))

    assert [pair.state for pair in found.pairs] == [pb.POWER_STATE_NO_READINGS]
    assert found.sum_check.result == "unknown"
    with pytest.raises(InputRejected):
        door.call(OWN, "GetPower", outlet_id=OUTLET, day="yesterday")


def test_the_matrix_of_role_region_and_call(door: Door) -> None:
    """Every call by everybody: the own jurisdiction and the own plant, nobody else."""
    span = pb.ListOrderComplianceRequest()
    span.start.seconds = day_start_s(DAY)
    span.end.seconds = day_start_s(DAY + 1)
    ask = {"start": span.start, "end": span.end}

    for who in SEES:
        assert door.call(who, "GetPower", outlet_id=OUTLET).pairs, who
        orders = door.call(who, "ListOrderCompliance", **ask).orders
        assert [(o.order_id, o.hours_over, o.division) for o in orders] == [("o1", 2, "130481")]
    for who in SEES_NOT:
        with pytest.raises(NotFound):
            door.call(who, "GetPower", outlet_id=OUTLET)
        try:
            orders = door.call(who, "ListOrderCompliance", **ask).orders
        except Forbidden:
            orders = []
        assert list(orders) == [], who
    assert door.call(COUNTY, "ListOrderCompliance", credit_code="x", **ask).orders == []
    with pytest.raises(Forbidden):
        door.call(COUNTY, "ListOrderCompliance", division="130109")
