"""Calling a logger back through the real gate: RabbitMQ, Valkey, TCP, and loggers that answer."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from farsight.lab.device import Absence
from farsight.lab.live import HourCache
from farsight.lab.province import read_rows
from farsight.lab.seed import records_of
from services.chassis.pb.ingest.v1 import command_pb2 as command
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from tests.conftest import migrate
from tests.integration.callback_rig import (
    FACTOR,
    KEY,
    Loggers,
    Orders,
    last_hour,
    steps,
)
from tests.integration.gate_rig import House, house, logger_record, mn_of, wait_until
from tests.servers import fresh_database

pytestmark = pytest.mark.timeout(180)
READ = ["WRITTEN SENT", "ACKNOWLEDGED RUNNING", "ANSWER RUNNING", "RESULT DONE"]


@pytest.fixture(scope="module")
def site(postgres_url, amqp_uri, redis_url, tmp_path_factory) -> Iterator[House]:
    """The house with a gate that knows three loggers, the third of 2025 with a key."""
    with fresh_database(postgres_url, "callback") as url:
        for service in ("registry", "ingest"):
            migrate(url, service)
        with house(url, amqp_uri, tmp_path_factory.mktemp("callback")) as made:
            made.environment["REDIS_URL"] = redis_url
            modern = logger_record(3, made.outlets[2])
            modern.logger.version = 2025
            modern.logger.sm4_key = KEY.hex()
            made.sync(modern)
            for name in ("divisions", "enterprises", "outlets", "loggers"):
                made.sync(*records_of(name))
            yield made


@pytest.fixture(scope="module")
def port(site: House) -> int:
    """HJ 212 port of this module's gate."""
    return site.start_gate(FARSIGHT_GATE_EXECUTION_S="1")


@pytest.fixture
def loggers(port: int) -> Iterator[Loggers]:
    """Loggers that hang up after the test."""
    made = Loggers(port)
    yield made
    made.stop()


@pytest.fixture
def orders(amqp_uri: str, redis_url: str, port: int) -> Iterator[Orders]:
    """The bus from ingest's side."""
    made = Orders(amqp_uri, redis_url)
    yield made
    made.close()


def test_hour_of_minutes_comes_back_as_asked_readings(site: House, loggers, orders):
    """Six frames on the bus with origin ASKED and the command's id; then DONE."""
    loggers.connect(1)
    site.batches()
    command_id = orders.send(1, "2051", parameters=last_hour())
    told = orders.ended(command_id)

    assert steps(told) == [*READ[:2], *["ANSWER RUNNING"] * 6, "RESULT DONE"]
    assert told[-1].detail == "1 success, 6 frames"
    assert [p.number for p in told] == list(range(1, 10))
    batches = []

    def all_here() -> bool:
        batches.extend(site.batches())
        frames = [f for batch in batches for f in batch.frames if f.command_id == command_id]
        return len(frames) == 8

    wait_until(all_here)
    frames = [f for batch in batches for f in batch.frames if f.command_id == command_id]
    data = [f for f in frames if f.cn == "2051"]
    assert [f.cn for f in frames] == ["9011", *["2051"] * 6, "9012"]
    assert {f.origin for f in data} == {pb.ORIGIN_ASKED}
    assert {f.outcome for f in frames} == {pb.OUTCOME_ACCEPTED}
    assert len({f.data_time_s for f in data}) == 6
    assert sum(len(batch.time_s) for batch in batches) > 0


def test_standard_check_and_its_result(site: House, loggers, orders):
    """Remote quality control of an encrypted 2025 logger: 3024, then 2062 by period."""
    loggers.connect(3, version=2025, key=KEY)
    check = orders.ended(orders.send(3, "3024", parameters={"PolId": FACTOR}))
    assert steps(check) == [READ[0], READ[1], READ[3]]
    day = {"BeginTime": "20260101000000", "EndTime": "20991231235959"}
    told = orders.ended(orders.send(3, "2062", parameters=day))

    assert steps(told) == READ
    fields = {field.name: field.value for field in told[2].fields}
    assert fields[f"{FACTOR}-ResultType"] == "1"
    assert float(fields[f"{FACTOR}-StandardValue"]) > 0
    checks = [one for b in site.batches() for frame in b.frames for one in frame.checks]
    assert len(checks) == 2  # sent after 3024, and again when it was asked for
    assert checks[0] == checks[1]
    assert (checks[0].factor, checks[0].said) == (FACTOR, pb.CHECK_WORD_PASSED)
    assert checks[0].standard == float(fields[f"{FACTOR}-StandardValue"])


@pytest.mark.parametrize(
    ("fault", "expected", "detail"),
    [
        ("refuse=3", ["WRITTEN SENT", "ACKNOWLEDGED FAILED"], "3 wrong password"),
        ("fail=5", ["WRITTEN SENT", "ACKNOWLEDGED RUNNING", "RESULT FAILED"], "5 system busy"),
        ("deaf", ["WRITTEN SENT", "WRITTEN SENT", "TIMED_OUT FAILED"], "no 9011 in 2 x 1 s"),
        (
            "mute",
            ["WRITTEN SENT", "ACKNOWLEDGED RUNNING", "TIMED_OUT FAILED"],
            "nothing for 1 s after 0 answers",
        ),
    ],
)
def test_refusal_failure_and_silence_are_told_by_name(
    loggers, orders, fault: str, expected: list[str], detail: str
):
    """Each with its cause."""
    loggers.connect(2, fault)
    told = orders.ended(orders.send(2, "1011", timeout_s=1, retries=2))

    assert steps(told) == expected
    assert told[-1].detail == detail


def test_connection_that_drops_after_9011_gives_the_reading_back(loggers, orders):
    """DISCONNECTED, QUEUED: ingest may order it again, under the same id."""
    loggers.connect(2, "drop")
    command_id = orders.send(2, "2061", parameters=last_hour())
    told = orders.ended(command_id)

    assert steps(told)[-1] == "DISCONNECTED QUEUED"
    loggers.hang_up()
    loggers.connect(2)
    orders.send(2, "2061", command_id, parameters=last_hour())
    wait_until(lambda: orders.progress(command_id)[-1].state == command.COMMAND_STATE_DONE)


def test_logger_of_2005_is_asked_in_its_own_words(loggers, orders):
    """The number of the request inside CP, factor codes of 2005, QN in the reply's data area."""
    loggers.connect(2, version=2005)
    time = orders.ended(orders.send(2, "1011"))
    hour = orders.ended(orders.send(2, "2061", parameters=last_hour()))

    assert steps(time) == steps(hour) == READ
    assert b"Flag=1;" in time[0].raw
    assert {field.name for field in hour[2].fields} >= {"DataTime", "02-Avg"}


def test_two_orders_run_one_after_the_other_and_back_fill_gives_way(loggers, orders):
    """A slow logger: the first runs, the person's comes next, the back-fill last; each once."""
    device = loggers.connect(1, "slow=0.3")
    first = orders.send(1, "1061")
    fill = orders.send(1, "2061", parameters=last_hour(), background=True)
    person = orders.send(1, "1011")
    orders.send(1, "1011", person)
    told = {name: orders.ended(name) for name in (first, fill, person)}

    begun = {name: events[0].at.ToMicroseconds() for name, events in told.items()}
    ended = {name: events[-1].at.ToMicroseconds() for name, events in told.items()}
    assert ended[first] <= begun[person]
    assert ended[person] <= begun[fill]
    assert steps(told[person]) == READ
    assert steps(told[fill]) == [READ[0], READ[1], READ[3]]
    assert len(device._heard) == 3


def test_what_the_logger_was_told_it_does(loggers, orders):
    """Clock, interval and password through the gate."""
    device = loggers.connect(2)
    clock = {"SystemTime": "20260101000000"}
    for cn, parameters in (("1012", clock), ("1062", {"RtdInterval": "60"})):
        told = orders.ended(orders.send(2, cn, parameters=parameters))
        assert steps(told) == [READ[0], READ[1], READ[3]]

    assert device.logger.realtime_s == 60
    assert device.offset.days < 0
    read = orders.ended(orders.send(2, "1061"))
    assert [(f.name, f.value) for f in read[2].fields] == [("RtdInterval", "60")]


def test_logger_of_nowhere_goes_back_at_once(loggers, orders):
    """An order for a logger that is not connected to this gate."""
    loggers.connect(1)
    gate_id = orders._redis.get(f"farsight:route:{mn_of(1)}")
    orders._redis.set(f"farsight:route:{mn_of(9)}", gate_id, ex=30)
    told = orders.ended(orders.send(9, "1011"))

    assert steps(told) == ["DISCONNECTED QUEUED"]


def test_stopping_gate_gives_a_last_word(site: House, amqp_uri, redis_url, orders):
    """SIGTERM while a logger is at it: the order comes back."""
    port = site.start_gate("leaving", FARSIGHT_GATE_COMMANDS_DRAIN_S="1")
    loggers = Loggers(port)
    try:
        loggers.connect(2, "mute")
        command_id = orders.send(2, "2061", parameters=last_hour())
        wait_until(lambda: len(orders.progress(command_id)) == 2)
        assert site.stop("leaving") == 0
    finally:
        loggers.stop()

    assert steps(orders.ended(command_id))[-1] == "DISCONNECTED QUEUED"


def test_demo_loggers_of_every_version_are_taken(site: House, port: int, tmp_path):
    """`farsight simulate`: 2005 codes and SM4 areas come in as the same readings as 2017's."""
    own = {row["mn"]: int(row["version"]) for row in read_rows("loggers")}
    plain = next(mn for mn, version in own.items() if version == 0)
    chosen = [plain, *(mn for mn, version in own.items() if version)]
    only = [part for mn in chosen for part in ("--only", mn)]
    site.batches()
    span = ("--from", "2026-06-01T00:00", "--to", "2026-06-01T04:00")
    where = ("--gate", f"127.0.0.1:{port}", "--state", str(tmp_path / "state.json"))
    done = subprocess.run(
        [sys.executable, "-m", "farsight", "simulate", "--json", "--honest", *only, *span, *where],
        capture_output=True,
        check=False,
        timeout=60,
    )
    batches = site.batches()
    frames = [frame for batch in batches for frame in batch.frames]

    assert done.returncode == 0, done.stderr
    assert Counter(f.mn for f in frames if f.outcome == pb.OUTCOME_ACCEPTED) == dict.fromkeys(
        chosen, 4
    )
    assert {f.mn: f.version for f in frames} == {mn: own[mn] or 2017 for mn in chosen}
    outlets = {outlet["outlet_id"]: outlet["factors"] for outlet in read_rows("outlets")}
    seen: dict[str, set[str]] = {}
    for batch in batches:
        for series in batch.series:
            seen.setdefault(series.outlet_id, set()).add(series.factor)
    assert seen == {outlet: set(outlets[outlet].split(";")) for outlet in seen}
    assert len(seen) == 3


def test_outage_is_filled_in_and_known_as_back_fill(site: House, loggers):
    """2025 by itself, newest first: RF=1 on the wire, BACKFILL on the bus, all acknowledged."""
    device = loggers.connect(3, version=2025, key=KEY)
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    device.absence = Absence(end - timedelta(minutes=10), end)
    site.batches()
    tally = loggers.send(device, device.filled_in(HourCache()))
    frames = [frame for batch in site.batches() for frame in batch.frames]

    assert tally.unanswered == 0
    assert {f.origin for f in frames} == {pb.ORIGIN_BACKFILL}
    assert Counter(f.cn for f in frames)["2011"] == 20
    times = [f.data_time_s for f in frames if f.cn == "2011"]
    assert times == sorted(times, reverse=True)
