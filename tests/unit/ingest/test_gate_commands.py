"""The gate's desk: whose turn it is, what is told, and what happens when the logger goes.

The peers are the simulated loggers, without sockets: what the desk writes they hear, what they say
it takes. Time is a number.
"""

from collections import Counter
from datetime import timedelta

import pytest

from farsight.lab.live import HourCache
from services.chassis.clock import to_timestamp
from services.ingest.gate.commands_desk import LATE_S
from services.ingest.gate.commands_job import ANSWERS_TOLD

from .command_world import HOUR, KEY, LOGGERS, START, World

DONE = ["WRITTEN SENT", "ACKNOWLEDGED RUNNING", "RESULT DONE"]
READ = ["WRITTEN SENT", "ACKNOWLEDGED RUNNING", "ANSWER RUNNING", "RESULT DONE"]


@pytest.mark.parametrize("version", [2005, 2017, 2025])
def test_value_is_read_and_told_step_by_step(version: int):
    """Numbered from 1, with raw frames, the answer's fields and the request's number."""
    world = World()
    link = world.connect(0, version)
    world.order("a")

    assert set(world.deliver(link)) == {"a"}
    assert world.steps("a") == READ
    assert [p.number for p in world.told] == [1, 2, 3, 4]
    assert {p.gate_id for p in world.told} == {"gate-1"}
    assert {p.mn for p in world.told} == {LOGGERS[0].mn}
    assert len({p.qn for p in world.told}) == 1
    assert world.told[0].raw == link.wire.written[0]
    assert [(f.name, f.value) for f in world.told[2].fields if f.name != "QN"] == [
        ("SystemTime", "20260621110110")
    ]
    assert world.told[3].detail == "1 success, 1 frames"


def test_hour_of_minutes_is_asked_and_its_frames_are_known():
    """Six ten-minute frames belong to the order; an upload of another hour does not."""
    world = World()
    link = world.connect()
    world.order("a", "2051", parameters=HOUR)
    world.deliver(link, 3)
    live = next(
        iter(link.wire.device.report(START.replace(hour=2, minute=10, second=0), HourCache()))
    )
    link.wire.said.insert(0, live.data)

    assert world.deliver(link) == ["", *["a"] * 5]
    assert world.steps("a") == [*DONE[:2], *["ANSWER RUNNING"] * 6, "RESULT DONE"]
    assert world.told[-1].detail == "1 success, 6 frames"


def test_long_answer_is_told_in_part_and_counted_whole():
    """At most twenty ANSWER events; in the background none."""
    world = World()
    link = world.connect()
    long = {"BeginTime": "20260620000000", "EndTime": "20260620235959"}
    world.order("a", "2051", parameters=long)
    world.deliver(link)
    world.order("b", "2051", parameters=long, background=True)
    world.deliver(link)

    assert Counter(world.steps("a"))["ANSWER RUNNING"] == ANSWERS_TOLD
    assert world.steps("b") == DONE
    assert world.told[-1].detail == "1 success, 144 frames"


def test_frames_that_come_after_the_end_are_still_an_answer_for_a_while():
    """A repeated 9012, a late packet; after a minute they are ordinary uploads."""
    world = World()
    link = world.connect()
    world.order("a", "2051", parameters=HOUR)
    frames = list(link.wire.said)
    world.deliver(link)
    told = len(world.told)
    link.wire.said = frames[1:3]
    assert world.deliver(link) == ["a", "a"]
    world.pass_time(LATE_S + 2)
    link.wire.said = frames[1:3]

    assert world.deliver(link) == ["", ""]
    assert len(world.told) == told


def test_repeated_order_is_carried_out_once():
    """While it waits, while it runs and afterwards."""
    world = World()
    link = world.connect()
    for _ in range(3):
        world.order("a", "3012", parameters={"PolId": LOGGERS[0].model.factors[0]})
    world.deliver(link)
    world.order("a", "3012", parameters={"PolId": LOGGERS[0].model.factors[0]})

    assert world.steps("a") == DONE
    assert len(link.wire.written) == 1


def test_one_request_at_a_time_in_the_order_of_asking():
    """The second is written after the first has ended."""
    world = World()
    link = world.connect()
    world.order("a")
    world.order("b", "1061")

    assert len(link.wire.written) == 1
    world.deliver(link)
    assert world.steps("a") == world.steps("b") == READ
    assert [p.command_id for p in world.told] == ["a"] * 4 + ["b"] * 4
    assert len({p.qn for p in world.told}) == 2


def test_people_come_before_back_fill():
    """A waiting back-fill lets every question of a person pass."""
    world = World()
    link = world.connect()
    world.order("fill-1", "2061", parameters=HOUR, background=True)
    world.order("fill-2", "2061", parameters=HOUR, background=True)
    world.order("person")
    world.deliver(link)

    order = list(dict.fromkeys(p.command_id for p in world.told))
    assert order == ["fill-1", "person", "fill-2"]


def test_back_fill_is_bounded_over_the_gate_and_goes_round():
    """Two at once of four loggers; each gets its turn before one gets its second."""
    world = World(backfills=2)
    links = [world.connect(number) for number in range(4)]
    for turn in ("1", "2"):
        for number in range(4):
            world.order(f"{number}-{turn}", "2061", number, parameters=HOUR, background=True)

    assert world.desk.background == 2
    begun = []
    while world.desk.active:
        begun += [p.command_id for p in world.told if p.number == 1 and p.command_id not in begun]
        for link in links:
            world.deliver(link, 1)
        assert world.desk.background <= 2
    assert [name[0] for name in begun[:4]] == ["0", "1", "2", "3"]
    assert len(begun) == 8
    assert world.desk.background == world.desk.waiting == 0


def test_back_fill_waits_while_live_frames_pile_up():
    """What people ask does not."""
    world = World()
    link = world.connect()
    world.busy = True
    world.order("fill", "2061", parameters=HOUR, background=True)
    world.order("person")
    world.deliver(link)

    assert world.steps("person") == READ
    assert world.steps("fill") == []
    world.busy = False
    world.pass_time(1)
    world.deliver(link)
    assert world.steps("fill") == DONE


def test_deaf_logger_is_asked_three_times_and_the_next_request_follows():
    """10 s x 3 of the order; the same bytes each time."""
    world = World()
    link = world.connect(0, 2017, "deaf")
    world.order("a", timeout_s=2, retries=3)
    world.order("b", timeout_s=1, retries=1)
    world.pass_time(5)
    assert world.steps("a") == ["WRITTEN SENT"] * 3
    assert len(set(link.wire.written)) == 1
    world.pass_time(1)

    assert world.steps("a")[3:] == ["TIMED_OUT FAILED"]
    assert world.steps("b") == ["WRITTEN SENT"]


def test_paused_reading_is_not_the_loggers_silence():
    """The bus is away for a minute: nobody heard the reply, nobody blames the logger."""
    world = World()
    link = world.connect()
    world.order("a")
    world.paused = True
    world.pass_time(60)
    world.paused = False
    world.pass_time(5)
    world.deliver(link)

    assert world.steps("a") == READ


def test_deed_at_an_instrument_may_take_long():
    """A calibration says 9012 when it is over: minutes, not the minute of a question."""
    world = World(execution_s=60.0, work_s=900.0)
    link = world.connect()
    factor = LOGGERS[0].model.factors[0]
    world.order("a", "3011", parameters={"PolId": factor})
    ready, done = link.wire.said
    link.wire.said = [ready]
    world.deliver(link)
    world.pass_time(600)
    link.wire.said = [done]
    world.deliver(link)

    assert world.steps("a") == DONE


def test_sample_that_may_have_been_retained_is_not_retained_again():
    """3015 gives a value back and still changes something."""
    world = World()
    link = world.connect(0, 2017, "mute")
    world.order("a", "3015")
    world.hang_up(link)

    assert world.steps("a")[-1] == "DISCONNECTED FAILED"


@pytest.mark.parametrize(
    ("fault", "steps", "detail"),
    [
        ("refuse=3", ["WRITTEN SENT", "ACKNOWLEDGED FAILED"], "3 wrong password"),
        ("fail=100", ["WRITTEN SENT", "ACKNOWLEDGED RUNNING", "RESULT FAILED"], "100 no data"),
        (
            "mute",
            ["WRITTEN SENT", "ACKNOWLEDGED RUNNING", "TIMED_OUT FAILED"],
            "nothing for 60 s after 0 answers",
        ),
        ("wrong-qn", [*["WRITTEN SENT"] * 3, "TIMED_OUT FAILED"], "no 9011 in 3 x 10 s"),
    ],
)
def test_failure_is_told_with_its_cause(fault: str, steps: list[str], detail: str):
    """By name; nothing is asked again."""
    world = World()
    link = world.connect(0, 2017, fault)
    world.order("a")
    world.deliver(link)
    world.pass_time(70)

    assert world.steps("a") == steps
    assert world.told[-1].detail == detail


def test_logger_that_is_not_here_goes_back_and_may_be_ordered_again():
    """DISCONNECTED, QUEUED; when it is here the same order is carried out."""
    world = World()
    world.order("a")
    assert world.steps("a") == ["DISCONNECTED QUEUED"]
    link = world.connect()
    world.order("a")
    world.deliver(link)

    assert world.steps("a")[1:] == READ


def test_lost_connection_returns_what_reads_and_ends_what_changes():
    """A sampling that may have begun is not begun again by itself."""
    world = World()
    link = world.connect(0, 2017, "mute")
    world.order("read", "2061", parameters=HOUR)
    world.order("waits", "3012", parameters={"PolId": LOGGERS[0].model.factors[0]})
    world.hang_up(link)
    link = world.connect(0, 2017, "mute")
    world.order("change", "3012", parameters={"PolId": LOGGERS[0].model.factors[0]})
    world.hang_up(link)

    assert world.steps("read")[-1] == "DISCONNECTED QUEUED"
    assert world.steps("waits") == ["DISCONNECTED QUEUED"]
    assert world.steps("change")[-1] == "DISCONNECTED FAILED"
    assert "fate is not known" in world.told[-1].detail
    link = world.connect()
    for name in ("read", "change"):
        world.order(name, "1011")
        world.deliver(link)
    assert world.steps("read")[-1] == "RESULT DONE"
    assert world.steps("change")[-1] == "DISCONNECTED FAILED"


def test_second_connection_of_a_logger_keeps_what_waits():
    """The old half-open one ends; the next request goes over the new one."""
    world = World()
    old = world.connect(0, 2017, "mute")
    world.order("a")
    world.order("b")
    new = world.connect()
    world.hang_up(old)
    world.deliver(new)

    assert world.steps("a")[-1] == "DISCONNECTED QUEUED"
    assert world.steps("b") == READ


def test_write_into_a_dead_connection_is_a_lost_connection():
    """The transport is closing and nobody has said so yet."""
    world = World()
    link = world.connect()
    link.wire.open = False
    world.order("a")

    assert world.steps("a") == ["WRITTEN SENT", "DISCONNECTED QUEUED"]


def test_late_turn_is_no_turn():
    """The deadline passes while another request runs, or before the order arrives."""
    world = World()
    world.connect(0, 2017, "mute")
    world.order("a")
    world.order("b", deadline=to_timestamp(START + timedelta(seconds=5)))
    world.order("c", deadline=to_timestamp(START - timedelta(seconds=5)), background=True)
    world.pass_time(10)

    assert world.steps("b") == world.steps("c") == ["EXPIRED EXPIRED"]
    assert world.desk.waiting == 0


def test_what_hj212_cannot_say_is_not_sent():
    """A parameter out of range, a command that this version does not have."""
    world = World()
    link = world.connect()
    world.order("a", "1062", parameters={"RtdInterval": "5"})
    world.order("b", "3024", parameters={"PolId": "a21026"})

    assert world.steps("a") == world.steps("b") == ["RESULT FAILED"]
    assert world.told[0].detail == "not sent: RtdInterval '5': not in 30..3600"
    assert "3024" in world.told[1].detail
    assert link.wire.written == []


def test_stopping_gate_gives_back_what_waits_and_ends_what_runs():
    """Nothing stays without a last word, and nothing new is begun."""
    world = World()
    link = world.connect(0, 2017, "mute")
    world.order("runs", "2061", parameters=HOUR)
    world.order("waits")
    world.desk.shut()
    world.order("late")
    assert world.steps("waits") == world.steps("late") == ["DISCONNECTED QUEUED"]
    assert not world.desk.ask(link, "1012", {"SystemTime": "20260621110110"})
    world.desk.abandon()

    assert world.steps("runs")[-1] == "DISCONNECTED QUEUED"
    assert world.desk.active == 0


def test_gates_own_request_is_told_to_nobody():
    """1012 after 1013; it gives way to what is under way."""
    world = World()
    link = world.connect()
    link.wire.device.offset = timedelta(seconds=90)

    assert world.desk.ask(link, "1012", {"SystemTime": "20260621110110"})
    assert not world.desk.ask(link, "1012", {"SystemTime": "20260621110110"})
    assert set(world.deliver(link)) == {""}
    assert world.told == []
    assert link.wire.device.offset == timedelta(0)


def test_waiting_orders_are_bounded():
    """What does not fit goes back to ingest, which keeps it."""
    world = World(waiting=2)
    world.connect(0, 2017, "mute")
    for name in "abcd":
        world.order(name)

    assert [world.steps(name) for name in "abcd"] == [
        ["WRITTEN SENT"],
        [],
        [],
        ["DISCONNECTED QUEUED"],
    ]


def test_desk_forgets_idle_loggers():
    """Its memory is what is under way, and a minute."""
    world = World()
    link = world.connect()
    world.order("a")
    world.deliver(link)
    world.pass_time(LATE_S + 2)

    assert world.desk._lines == {}
    assert world.desk._turns == {}


def test_encrypted_answer_belongs_to_its_order():
    """2025 with its key: minutes of an hour and the result of a standard check."""
    world = World()
    link = world.connect(0, 2025, key=KEY)
    factor = next(f for f in LOGGERS[0].model.factors if LOGGERS[0].model.row(f))
    world.order("minutes", "2051", parameters=HOUR)
    assert b"DataTime" not in link.wire.said[1]
    world.deliver(link)
    world.order("check", "3024", parameters={"PolId": factor})
    world.deliver(link)
    day = {"BeginTime": "20260621000000", "EndTime": "20260621235959"}
    world.order("results", "2062", parameters=day)
    world.deliver(link)

    assert world.steps("minutes")[-1] == "RESULT DONE"
    assert world.steps("check") == DONE
    assert world.steps("results") == READ
    fields = {f.name: f.value for f in world.told[-2].fields}
    assert fields[f"{factor}-ResultType"] == "1"
