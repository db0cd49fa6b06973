"""A command's way to the gate and back over a real database, bus and Redis, and its accidents."""

import os
import random
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from services.chassis.clock import utc_now
from services.chassis.errors import (
    Conflict,
    InputRejected,
    NotFound,
    RuleViolated,
    Unavailable,
)
from services.chassis.pb.ingest.v1 import command_pb2 as pb
from services.ingest.app.cancel_command import cancel_command
from services.ingest.app.dispatch_commands import DispatchCommands
from services.ingest.app.record_session import SweepSessions
from services.ingest.order_bus import OrderBus, RouteReader
from tests.integration.commands_rig import OUTLET, PERIOD, CommandRig

CHECK_3024 = "3024"  # a control command: the standard-sample check


@pytest.fixture(scope="module")
def rig(migrated_db, amqp_uri, redis_url) -> Iterator[CommandRig]:
    """Use cases over real servers, shared: each test has loggers and gates of its own."""
    made = CommandRig(migrated_db("ingest"), amqp_uri, redis_url)
    yield made
    made.close()


@pytest.fixture(autouse=True)
def nothing_under_way(rig: CommandRig) -> Iterator[None]:
    """Commands of one test are not looked at by the next."""
    yield
    with rig.transaction() as session:
        session.execute(
            text("UPDATE command SET look_at = NULL, ended_at = now(), state = 'cancelled'"
                 " WHERE look_at IS NOT NULL")
        )  # fmt: skip


def test_a_request_comes_back_with_its_answer(rig: CommandRig) -> None:
    """Asked, handed to the gate that the route names, answered: each step timed and kept."""
    mn, gate = rig.logger(), rig.gate()
    gate.hold(mn)
    command_id = rig.ask(mn)

    rig.dispatch()
    (order,) = gate.orders()

    assert (order.command_id, order.mn, order.cn) == (command_id, mn, "2051")
    assert dict(order.parameters) == PERIOD
    assert not order.background
    assert rig.row(command_id).state == "sent"
    rig.tell(*gate.walk(order))
    row = rig.row(command_id)
    assert (row.state, row.outcome, row.qn) == ("done", "1 success", "20261122101500123")
    assert row.ended_at is not None
    assert rig.kinds(command_id) == [
        "requested", "dispatched", "written", "acknowledged", "answer", "result",
    ]  # fmt: skip


def test_steps_are_stored_once_in_any_order(rig: CommandRig) -> None:
    """Every step three times, shuffled: each is kept once and the end is the end."""
    for seed in range(8):
        mn, gate = rig.logger(), rig.gate()
        gate.hold(mn)
        command_id = rig.ask(mn)
        rig.dispatch()
        (order,) = gate.orders()
        words = gate.walk(order) * 3
        random.Random(seed).shuffle(words)

        rig.tell(*words)

        assert rig.row(command_id).state == "done"
        assert sorted(rig.kinds(command_id)) == sorted(
            ["requested", "dispatched", "written", "acknowledged", "answer", "result"]
        )


def test_without_a_connection_it_waits_until_the_logger_comes(rig: CommandRig) -> None:
    """No route: queued, nothing sent; the logger's session wakes it at once."""
    mn, gate = rig.logger(), rig.gate()
    command_id = rig.ask(mn)
    rig.dispatch()
    assert rig.row(command_id).state == "queued"
    assert rig.dispatch() == 0  # it is not looked at over and over

    gate.hold(mn)
    rig.connected(mn, gate)
    rig.dispatch()

    assert [order.command_id for order in gate.orders()] == [command_id]


def test_a_stale_route_leaves_it_queued(rig: CommandRig) -> None:
    """The gate of the route is gone: nothing is sent, and the next gate gets it."""
    mn, dead, living = rig.logger(), rig.gate(), rig.gate()
    dead.hold(mn)
    dead.die()
    command_id = rig.ask(mn, CHECK_3024)
    rig.dispatch()
    assert (rig.row(command_id).state, rig.row(command_id).sendings) == ("queued", 0)

    living.hold(mn)
    rig.clock.forward(6)
    rig.dispatch()

    assert len(living.orders()) == 1
    assert rig.row(command_id).sendings == 1


def test_a_returned_order_never_was(rig: CommandRig) -> None:
    """The gate went between the look and the order: the broker returns it, and control waits on."""
    mn, gate = rig.logger(), rig.gate()
    gate.hold(mn)

    class Blind(OrderBus):
        """Takes every gate for living."""

        def is_alive(self, gate_id: str) -> bool:
            return True

    command_id = rig.ask(mn, CHECK_3024)
    gate.die()
    orders = Blind(rig.amqp_uri)
    DispatchCommands(rig.database, orders, rig.routes, rig.clock)()
    orders.close()

    row = rig.row(command_id)
    assert (row.state, row.sendings, row.gate_id) == ("queued", 0, "")
    assert rig.kinds(command_id) == ["requested"]


@pytest.mark.parametrize(("cn", "state"), [("2051", "queued"), (CHECK_3024, "lost")])
def test_a_gate_that_is_gone_leaves_a_reading_to_repeat_and_a_control_lost(
    rig: CommandRig, cn: str, state: str
) -> None:
    """The gate was killed after it wrote: reading is asked again elsewhere, control never."""
    mn, first, second = rig.logger(), rig.gate(), rig.gate()
    first.hold(mn)
    command_id = rig.ask(mn, cn)
    rig.dispatch()
    (order,) = first.orders()
    written = first.step(order, pb.COMMAND_STEP_KIND_WRITTEN, pb.COMMAND_STATE_SENT)
    rig.tell(written)
    first.die()
    second.hold(mn)

    for _ in range(6):
        rig.clock.forward(10)
        rig.dispatch()
        if rig.row(command_id).state != "sent":
            break

    assert rig.row(command_id).state == state
    rig.clock.forward(6)
    rig.dispatch()
    again = [one.command_id for one in second.orders()]
    assert again == ([f"{command_id}.2"] if cn == "2051" else [])
    if cn == CHECK_3024:  # its last word was under way: the fate is known after all
        rig.tell(first.step(order, pb.COMMAND_STEP_KIND_RESULT, pb.COMMAND_STATE_DONE))
        assert rig.row(command_id).state == "done"


def test_a_gate_that_loses_the_bus_for_a_moment_keeps_its_command(rig: CommandRig) -> None:
    """Ready, a long quiet calibration, and the gate's queue is away at one look: not lost."""
    mn, gate = rig.logger(), rig.gate()
    gate.hold(mn)
    command_id = rig.ask(mn, CHECK_3024)
    rig.dispatch()
    (order,) = gate.orders()
    words = gate.walk(order)
    rig.tell(*words[:2])
    gate.die()
    rig.clock.forward(31)
    rig.dispatch()
    assert rig.row(command_id).state == "running"

    rig.gate(gate.gate_id)  # connected again
    for _ in range(8):
        rig.clock.forward(10)
        rig.dispatch()

    assert rig.row(command_id).state == "running"
    rig.tell(words[-1])
    assert rig.row(command_id).state == "done"


def test_a_control_command_that_timed_out_is_failed_with_that_said(rig: CommandRig) -> None:
    """The logger said ready and then nothing: it may have acted, so the fate is open."""
    mn, gate = rig.logger(), rig.gate()
    gate.hold(mn)
    control, reading = rig.ask(mn, CHECK_3024), rig.ask(mn, "2051", priority=-1)
    rig.dispatch()
    orders = {order.cn: order for order in gate.orders()}
    timed_out = (pb.COMMAND_STEP_KIND_TIMED_OUT, pb.COMMAND_STATE_FAILED)
    for order in orders.values():
        rig.tell(gate.step(order, *timed_out, detail="nothing for 60 s after 0 answers"))

    assert rig.row(control).state == "lost"
    assert rig.row(reading).state == "failed"
    assert rig.row(control).outcome.startswith("nothing for 60 s")


def test_what_a_gate_never_began_is_queued_again(rig: CommandRig) -> None:
    """The gate gives an order back: not connected there. It is sent again under another name."""
    mn, gate = rig.logger(), rig.gate()
    gate.hold(mn)
    command_id = rig.ask(mn, CHECK_3024)
    rig.dispatch()
    (order,) = gate.orders()
    rig.tell(gate.step(order, pb.COMMAND_STEP_KIND_DISCONNECTED, pb.COMMAND_STATE_QUEUED))
    assert rig.row(command_id).state == "queued"

    rig.clock.forward(6)
    rig.dispatch()

    assert [one.command_id for one in gate.orders()] == [f"{command_id}.2"]


def test_a_reading_that_had_begun_is_asked_again(rig: CommandRig) -> None:
    """Ready, then the line broke, and the gate gives the reading request back: three sendings."""
    mn, gate = rig.logger(), rig.gate()
    gate.hold(mn)
    command_id = rig.ask(mn)
    for _ in range(4):
        rig.dispatch()
        for order in gate.orders():
            rig.tell(*gate.walk(order)[:2])
            assert rig.row(command_id).state == "running"
            ended = gate.step(
                order, pb.COMMAND_STEP_KIND_DISCONNECTED, pb.COMMAND_STATE_QUEUED, detail="line"
            )
            rig.tell(ended)
        rig.clock.forward(6)

    row = rig.row(command_id)
    assert (row.state, row.sendings, row.outcome) == ("failed", 3, "line")


def test_one_at_a_time_and_people_before_the_platform(rig: CommandRig) -> None:
    """A logger gets people's requests one by one, by priority; back-fill has a lane of its own."""
    mn, gate = rig.logger(), rig.gate()
    fills = [rig.ask(mn, priority=-1) for _ in range(2)]
    plain = rig.ask(mn, "3019")
    urgent = rig.ask(mn, "1011", parameters={}, priority=5)
    gate.hold(mn)

    rig.dispatch()
    sent = gate.orders()

    assert {order.command_id for order in sent} == {urgent, fills[0]}
    assert {order.command_id for order in sent if order.background} == {fills[0]}
    for order in sent:
        rig.tell(*gate.walk(order))
    rig.dispatch()
    assert {order.command_id for order in gate.orders()} == {plain, fills[1]}


def test_what_is_too_late_expires_and_what_is_queued_can_be_withdrawn(rig: CommandRig) -> None:
    """The deadline ends a waiting command; a sent one cannot be taken back."""
    mn, gate = rig.logger(), rig.gate()
    late = rig.ask(mn, deadline=rig.clock() + timedelta(minutes=2))
    withdrawn = rig.ask(mn)
    with rig.transaction() as session:
        cancel_command(session, withdrawn, who="officer", reason="mistake", now=rig.clock())
    rig.clock.forward(121)
    rig.dispatch()
    assert rig.row(late).state == "expired"
    assert (rig.row(withdrawn).state, rig.row(withdrawn).outcome) == ("cancelled", "mistake")

    gate.hold(mn)
    sent = rig.ask(mn)
    rig.dispatch()
    with pytest.raises(RuleViolated), rig.transaction() as session:
        cancel_command(session, sent, who="officer", reason="", now=rig.clock())


def test_what_may_not_be_asked(rig: CommandRig) -> None:
    """Unknown or switched-off loggers, wrong parameters, no reason for control, a past deadline."""
    mn = rig.logger()
    with pytest.raises(NotFound):
        rig.ask("NOBODY")
    with pytest.raises(RuleViolated, match="switched off"):
        rig.ask(rig.logger(enabled=False))
    with pytest.raises(InputRejected, match="EndTime"):
        rig.ask(mn, parameters={"BeginTime": "20261122080000"})
    with pytest.raises(InputRejected, match="no command"):
        rig.ask(rig.logger(version=2017), CHECK_3024)
    with pytest.raises(RuleViolated, match="reason"):
        rig.ask(mn, CHECK_3024, reason=" ")
    with pytest.raises(InputRejected, match="deadline"):
        rig.ask(mn, deadline=rig.clock() - timedelta(seconds=1))


def test_a_repeated_request_gives_the_first_command(rig: CommandRig) -> None:
    """The caller's own id: the same request once, another request under it is refused."""
    mn = rig.logger()
    request_id = uuid.uuid4().hex

    first, second = (rig.ask(mn, request_id=request_id) for _ in range(2))

    assert first == second
    assert rig.kinds(first) == ["requested"]
    with pytest.raises(Conflict):
        rig.ask(mn, "1011", parameters={}, request_id=request_id)
    assert rig.ask(mn, request_id=request_id, requested_by="another") != first


def test_the_bus_or_redis_away_lets_commands_wait(rig: CommandRig) -> None:
    """Nothing is sent, nothing is lost, and it goes on by itself."""
    mn, gate = rig.logger(), rig.gate()
    gate.hold(mn)
    command_id = rig.ask(mn)
    nowhere = OrderBus("amqp://guest:guest@127.0.0.1:9//")
    no_redis = RouteReader("redis://127.0.0.1:9/0")
    for orders, routes in ((nowhere, rig.routes), (rig.orders, no_redis)):
        with pytest.raises(Unavailable):
            DispatchCommands(rig.database, orders, routes, rig.clock)()
        assert rig.row(command_id).state == "queued"

    rig.dispatch()

    assert [order.command_id for order in gate.orders()] == [command_id]


DIES = """
import os, sys
from services.chassis.db import Database
from services.ingest.app.dispatch_commands import DispatchCommands
from services.ingest.order_bus import OrderBus, RouteReader

class Mortal(OrderBus):
    def send(self, order, gate_id):
        if sys.argv[4] == "after":
            super().send(order, gate_id)
        os.kill(os.getpid(), 9)

DispatchCommands(Database(sys.argv[1], "ingest"), Mortal(sys.argv[2]), RouteReader(sys.argv[3]))()
"""


@pytest.mark.fault
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("cn", ["2051", CHECK_3024])
def test_kill_9_round_the_order_neither_loses_nor_doubles_it(
    rig: CommandRig, migrated_db, cn: str, moment: str
) -> None:
    """Killed between the commit of SENT and the confirm: the gate gets one order, by its name."""
    mn, gate = rig.logger(), rig.gate()
    gate.hold(mn)
    rig.clock.now = utc_now()
    command_id = rig.ask(mn, cn)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", DIES, migrated_db("ingest"), rig.amqp_uri,
         rig.redis_url, moment],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, capture_output=True,
        check=False, text=True,
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert rig.row(command_id).state == "sent"
    assert "dispatched" not in rig.kinds(command_id)

    rig.clock.forward(15)
    rig.dispatch()
    orders = gate.orders()

    assert {order.command_id for order in orders} == {command_id}
    assert len(orders) == (2 if moment == "after" else 1)  # the gate carries one name out once
    rig.tell(*gate.walk(orders[0]))
    assert rig.row(command_id).state == "done"


def test_steps_cannot_be_changed(rig: CommandRig) -> None:
    """The record of who asked what and what came of it is append-only for the service's role."""
    command_id = rig.ask(rig.logger())
    for statement in ("UPDATE command_step SET detail = 'x'", "DELETE FROM command_step"):
        with pytest.raises(ProgrammingError, match="permission denied"), rig.transaction() as one:
            one.execute(text(statement))
    assert rig.kinds(command_id) == ["requested"]


def test_connections_are_kept_and_those_of_a_dead_gate_end(rig: CommandRig) -> None:
    """Open, exchanged, closed; and one whose gate says nothing any more is closed by the sweep."""
    mn, other, gate = rig.logger(), rig.logger(), rig.gate()
    rig.connected(mn, gate, id="one")
    rig.clock.forward(1)
    rig.connected(mn, gate, id="two")
    rig.connected(mn, gate, id="one", open=False)
    row = rig.session_row(mn)
    assert (row.session_id, row.closed_at, row.version) == ("two", None, 2017)

    rig.connected(other, gate)
    gate.hold(other)
    sweep = SweepSessions(rig.database, rig.routes.gates_of)
    assert sweep(rig.clock()) == 0  # one look is not enough
    assert sweep(rig.clock()) >= 1
    assert rig.session_row(mn).reason == "gate gone"
    assert rig.session_row(other).closed_at is None


def test_words_that_nobody_waits_for_are_refused(rig: CommandRig) -> None:
    """A step of an unknown order goes to the dead letters, where somebody looks at it."""
    gate = rig.gate()
    stranger = pb.CommandOrder(command_id=str(uuid.uuid4()), mn="X")
    for order in (stranger, pb.CommandOrder(command_id="no uuid", mn="X")):
        with pytest.raises(InputRejected):
            rig.tell(gate.step(order, pb.COMMAND_STEP_KIND_WRITTEN, pb.COMMAND_STATE_SENT))
    assert OUTLET
