"""Rates, holes and back-fill on a real PostgreSQL."""

import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from math import isnan
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from services.chassis.errors import Conflict, InputRejected
from services.chassis.identity import Scope
from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.replica import apply_records
from services.ingest import backfill_store, fill_store
from services.ingest.app.close_hours import close_hours
from services.ingest.app.get_completeness import get_completeness
from services.ingest.app.keep_points import refresh_points
from services.ingest.app.list_rates import Rate, asked_for, list_rates
from services.ingest.app.plan_backfill import ask_backfill, list_holes, plan_backfill
from services.ingest.domain.holes import Hole, Pace
from services.ingest.domain.rates import share
from services.ingest.rules import completeness_rules
from tests.integration.settling_bench import Bench, so2

RULES = completeness_rules()
DAY = datetime(2026, 11, 21, 16, tzinfo=UTC)  # 2026-11-22 in Beijing
NEXT_DAY_13 = DAY + timedelta(hours=37)
ALL_CLOSED = DAY + timedelta(hours=25)
EVERYWHERE = Scope("")
PACE = Pace(wait=timedelta(minutes=5), outstanding=2)


def watch(bench: Bench, revision: int = 1, *, factors: tuple[str, ...] = ("a21026",)) -> None:
    """Register the bench's logger at the day's start, as the registry's copy tells it."""
    outlet = registry.Outlet(
        outlet_id=bench.outlet, credit_code=bench.outlet[:18], division="130402", factors=factors
    )
    logger = registry.Logger(mn=bench.mn, outlet_id=bench.outlet, st="31", enabled=True)
    kinds = registry.RECORD_KIND_OUTLET, registry.RECORD_KIND_LOGGER
    records = [
        registry.Record(kind=kinds[0], key=bench.outlet, outlet=outlet, revision=revision),
        registry.Record(kind=kinds[1], key=bench.mn, logger=logger, revision=revision + 1),
    ]
    with bench.database.transaction() as session:
        apply_records(session, records)
        refresh_points(session, 1, RULES, DAY)


def hour_at(number: int) -> datetime:
    """Hour `number` of the day."""
    return DAY + timedelta(hours=number)


def settle(bench: Bench, *hours: int, at: datetime | None = None, origin: int = 1,
           flag: str = "N") -> None:  # fmt: skip
    """Hour values, in time unless said otherwise."""
    for number in hours:
        bench.now = at or hour_at(number) + timedelta(minutes=62)
        frame = bench.frame(
            data_time_s=int(hour_at(number).timestamp()),
            received_at_us=int(bench.now.timestamp() * 1e6),
            origin=origin,
        )
        bench.run((frame, so2(40.0, flag)))


def close(bench: Bench, now: datetime) -> None:
    """Close everything that is due by `now`."""
    with bench.database.transaction() as session:
        session.execute(text("DELETE FROM settled_until"))
    while close_hours(bench.database, RULES, now, now - timedelta(days=1)):
        pass
    count_fills(bench)


def count_fills(bench: Bench) -> None:
    """Count what came after the closing."""
    with bench.database.transaction() as session:
        fill_store.count_fills(session, 1000)


def rate(bench: Bench, now: datetime = NEXT_DAY_13, level: str = "outlet") -> Rate:
    """The day's rate of the bench's outlet."""
    asked = asked_for("2026-11-22", "", EVERYWHERE, credit_code=bench.outlet[:18])
    with bench.database.transaction() as session:
        (row,), total = list_rates(session, asked, level, RULES, now)
    assert total is not None
    assert (total.row.due, total.row.came) == (row.row.due, row.row.came)
    return row


def shares(one: Rate) -> tuple[float, float]:
    """(real-time, after-fill)."""
    row = one.row
    return (
        share(row.came, row.free, row.due, row.stopped),
        share(row.came + row.filled, row.free_after, row.due, row.stopped),
    )


@pytest.fixture
def bench(migrated_db: Callable[..., str], tmp_path: Path) -> Bench:
    """A bench on this module's database, with its logger registered."""
    made = Bench(migrated_db("ingest"), tmp_path / "archive")
    with made.database.transaction() as session:
        for table in (
            "monitor_point", "certificate_close", "completeness_progress", "logger_session",
            "registry_copy",
        ):  # fmt: skip
            session.execute(text(f"DELETE FROM {table}"))
        session.execute(text("UPDATE backfill SET state = 'expired'"))
    watch(made)
    return made


def test_the_day_s_rate_has_both_versions_with_numerator_and_denominator(bench: Bench) -> None:
    """20 of 24 hours in time; three filled the next morning raise the second version only."""
    settle(bench, *range(20))
    close(bench, ALL_CLOSED)
    settle(bench, 20, 21, 22, at=hour_at(30), origin=pb.ORIGIN_BACKFILL)
    count_fills(bench)

    one = rate(bench)

    assert (one.row.due, one.row.came, one.row.filled) == (24, 20, 3)
    assert shares(one) == (20 / 24, 23 / 24)
    assert not one.provisional


def test_a_day_is_provisional_until_13_of_the_next(bench: Bench) -> None:
    """Numbers are shown before, marked as such."""
    settle(bench, *range(24))
    close(bench, ALL_CLOSED)

    assert rate(bench, NEXT_DAY_13 - timedelta(seconds=1)).provisional
    assert not rate(bench, NEXT_DAY_13).provisional


@pytest.mark.parametrize(
    ("factors", "came", "expected"),
    [(("w01018",), 23, 1.0), (("w01018",), 22, 23 / 24), (("a21026",), 23, 23 / 24)],
    ids=["COD 23 of 24", "COD 22 of 24", "SO2 23 of 24"],
)
def test_one_hour_a_day_of_standard_check_is_free(
    bench: Bench, factors: tuple[str, ...], came: int, expected: float
) -> None:
    """23/24 counts as 100 % for COD, NH3-N, TP and TN, and for nothing else."""
    watch(bench, 11, factors=factors)
    settle(bench, *range(came))
    close(bench, ALL_CLOSED)

    assert shares(rate(bench))[0] == expected


def test_stopped_hours_leave_the_denominator_by_flag_and_by_mark(bench: Bench) -> None:
    """Four hours flagged F, four more marked as long shutdown afterwards: 16 of 16."""
    settle(bench, *range(16))
    settle(bench, *range(16, 20), flag="F")
    close(bench, ALL_CLOSED)
    before = rate(bench)
    with bench.database.transaction() as session:
        long_shutdown(session, bench.outlet, hour_at(30))
        fill_store.take_marks(session)

    after = rate(bench)

    assert (before.row.stopped, shares(before)[0]) == (4, 16 / 20)
    assert (after.row.stopped, shares(after)) == (8, (1.0, 1.0))
    assert holes(bench) == []


def long_shutdown(session: Session, outlet: str, came: datetime, *, late: bool = False) -> str:
    """A mark of the last four hours of the day; gives its id."""
    mark_id = uuid.uuid4().hex
    session.execute(
        text(
            "INSERT INTO mark (outlet_id, mark_id, revision, family, subtype, condition,"
            " facility, factors, start_at, end_at, status, reason, proof_ids, made_by,"
            " rule_version, manual_values, division, credit_code, received_at, late)"
            " VALUES (:o, :id, 1, 4, 2, '', '', '{}', :start, :end, 'active', 'r', '{}', 'p',"
            " '1', '{}', '130402', '', :came, :late)"
        ),
        {"o": outlet, "id": mark_id, "start": hour_at(20), "end": hour_at(24), "came": came,
         "late": late},
    )  # fmt: skip
    return mark_id


def test_a_late_mark_leaves_the_denominator_once_it_is_accepted(bench: Bench) -> None:
    """An objection alone changes no rate; the officer's decision does."""
    settle(bench, *range(20))
    close(bench, ALL_CLOSED)
    with bench.database.transaction() as session:
        mark_id = long_shutdown(session, bench.outlet, hour_at(40), late=True)
        fill_store.take_marks(session)
    waiting = rate(bench)
    with bench.database.transaction() as session:
        session.execute(
            text("INSERT INTO mark_decision VALUES (:o, :id, 1, 'accepted', 'w', '王', :at, 'r')"),
            {"o": bench.outlet, "id": mark_id, "at": hour_at(41)},
        )
        fill_store.take_marks(session)

    assert (waiting.row.stopped, shares(waiting)[0]) == (0, 20 / 24)
    assert (rate(bench).row.stopped, shares(rate(bench))[0]) == (4, 1.0)


def test_nothing_due_has_no_rate() -> None:
    """No number is invented where the denominator is nothing."""
    assert isnan(share(0, 0, 24, 24))


def test_months_and_levels_add_up(bench: Bench) -> None:
    """Outlet, enterprise, county, city and province have the same sums in a world of one outlet."""
    settle(bench, *range(12))
    close(bench, ALL_CLOSED)

    with bench.database.transaction() as session:
        keys = {}
        for level in ("enterprise", "county", "city", "province"):
            asked = asked_for("", "2026-11", Scope("1304"), credit_code=bench.outlet[:18])
            (row,), _ = list_rates(session, asked, level, RULES, NEXT_DAY_13)
            keys[row.row.key] = (row.row.came, row.row.period)
        elsewhere = asked_for("", "2026-11", Scope("14"))
        nothing = list_rates(session, elsewhere, "county", RULES, NEXT_DAY_13)

    assert set(keys) == {bench.outlet[:18], "130402", "130400", "130000"}
    assert set(keys.values()) == {(12, "2026-11")}
    assert nothing == ([], None)


@pytest.mark.parametrize(
    ("day", "month"), [("", ""), ("2026-11-22", "2026-11"), ("22", ""), ("", "2026")]
)
def test_a_period_that_cannot_be_read_is_refused(day: str, month: str) -> None:
    """Exactly one of day and month, in ISO form."""
    with pytest.raises(InputRejected):
        asked_for(day, month, EVERYWHERE)


def test_open_hours_are_counted_as_of_now(bench: Bench) -> None:
    """The hour whose grace still runs is shown, marked as open, without being kept."""
    settle(bench, 0, 1)
    now = hour_at(2) + timedelta(minutes=5)
    close(bench, now)

    with bench.database.transaction() as session:
        found = get_completeness(
            session, bench.outlet, DAY, hour_at(24), kind=3, rules=RULES, now=now
        )

    assert [(row["hour"], row["came"]) for row in found.fixed] == [(DAY, 1)]
    assert [(one.place.hour, one.came) for one in found.open] == [(hour_at(1), 1), (hour_at(2), 0)]


def holes(bench: Bench) -> list[Hole]:
    """Holes of the bench's outlet in the day."""
    with bench.database.transaction() as session:
        found, _ = list_holes(session, EVERYWHERE, bench.outlet, DAY, hour_at(24), tries=3)
    return found


def connect(bench: Bench, at: datetime) -> None:
    """The logger is connected since `at`."""
    with bench.database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO logger_session (mn, outlet_id, session_id, gate_id, peer, version,"
                " certificate_sha256, opened_at, reason)"
                " VALUES (:mn, :o, 's', 'g', 'p', 2017, '', :at, '')"
                " ON CONFLICT (mn) DO UPDATE SET opened_at = excluded.opened_at, closed_at = NULL"
            ),
            {"mn": bench.mn, "o": bench.outlet, "at": at},
        )


def plan(bench: Bench, now: datetime, pace: Pace = PACE) -> list[Hole]:
    """One look of the planner."""
    with bench.database.transaction() as session:
        return plan_backfill(session, pace, now)


def commands(bench: Bench) -> list[tuple[str, dict[str, str], int]]:
    """(CN, parameters, priority) of what the logger is asked."""
    query = text(
        "SELECT cn, parameters, priority FROM command WHERE mn = :mn ORDER BY requested_at"
    )
    with bench.database.transaction() as session:
        rows = session.execute(query, {"mn": bench.mn}).all()
    return [(row.cn, dict(row.parameters), row.priority) for row in rows]


def end_command(bench: Bench, state: str, outcome: str, at: datetime) -> None:
    """The gate says how the request ended."""
    with bench.database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO command_step (command_id, number, kind, at, detail, qn, gate_id,"
                " sending, gate_number, fields, raw)"
                " SELECT command_id, 99, 'result', :at, :outcome, '', 'g', 1, 9, '[]', ''"
                " FROM command WHERE mn = :mn AND look_at IS NOT NULL"
            ),
            {"outcome": outcome, "at": at, "mn": bench.mn},
        )
        session.execute(
            text(
                "UPDATE command SET state = :state, outcome = :outcome, ended_at = :at,"
                " look_at = NULL WHERE mn = :mn AND look_at IS NOT NULL"
            ),
            {"state": state, "outcome": outcome, "at": at, "mn": bench.mn},
        )


def test_holes_in_a_row_are_one_and_the_newest_is_asked_for_first(bench: Bench) -> None:
    """Hours 5 and 10-12 are missing: 10-12 goes first, inclusive bounds, background priority."""
    settle(bench, *(n for n in range(24) if n not in {5, 10, 11, 12}))
    close(bench, ALL_CLOSED)
    connect(bench, ALL_CLOSED)

    found = holes(bench)
    asked = plan(bench, hour_at(27))

    assert [(one.start, one.end, one.slots) for one in found if one.kind == 3] == [
        (hour_at(10), hour_at(13), 3),
        (hour_at(5), hour_at(6), 1),
    ]
    assert [(one.start, one.end) for one in asked] == [(hour_at(10), hour_at(13))]
    assert commands(bench) == [
        ("2061", {"BeginTime": "20261122100000", "EndTime": "20261122120000"}, -1)
    ]
    assert plan(bench, hour_at(27)) == []  # one outstanding request a logger


def test_a_logger_gets_time_to_fill_by_itself(bench: Bench) -> None:
    """Nothing is asked in the first minutes after it came back, and nothing while it is away."""
    close(bench, ALL_CLOSED)
    away = plan(bench, hour_at(27))
    connect(bench, hour_at(27))

    early = plan(bench, hour_at(27) + timedelta(minutes=4))
    late = plan(bench, hour_at(27) + timedelta(minutes=6))

    assert (away, early, len(late)) == ([], [], 1)


def test_what_was_filled_is_not_asked_for_again(bench: Bench) -> None:
    """The answer comes as uploads; the certificate's fill closes the hole."""
    settle(bench, *(n for n in range(24) if n != 7))
    close(bench, ALL_CLOSED)
    connect(bench, ALL_CLOSED)
    plan(bench, hour_at(27))

    settle(bench, 7, at=hour_at(27) + timedelta(minutes=1), origin=pb.ORIGIN_ASKED)
    end_command(bench, "done", "1 success, 1 frames", hour_at(27) + timedelta(minutes=1))
    count_fills(bench)

    assert holes(bench) == []
    assert plan(bench, hour_at(40)) == []
    assert (rate(bench).row.came, rate(bench).row.filled) == (23, 1)


def test_no_data_is_never_asked_again_and_tries_end(bench: Bench) -> None:
    """ExeRtn=100 ends it at once; a logger that times out is asked three times, with waits."""
    settle(bench, *(n for n in range(24) if n not in {3, 9}))
    close(bench, ALL_CLOSED)
    connect(bench, ALL_CLOSED)
    now = hour_at(27)
    assert [one.start for one in plan(bench, now)] == [hour_at(9)]
    end_command(bench, "failed", "100 no data", now)

    waits = []
    for _ in range(3):
        while not (asked := plan(bench, now)):
            now += timedelta(minutes=10)
        waits.append(asked[0].start)
        end_command(bench, "failed", "timed_out", now)
    for hours in range(30):
        assert plan(bench, now + timedelta(hours=hours)) == []

    assert waits == [hour_at(3)] * 3
    assert {one.start: (one.state, one.tries) for one in holes(bench)} == {
        hour_at(9): ("no_data", 0),
        hour_at(3): ("given_up", 3),
    }
    assert [one.reason for one in holes(bench)][-1] == "timed_out"


def test_the_overall_cap_holds(bench: Bench) -> None:
    """Three loggers are back, two may be asked at a time."""
    others = [bench, bench.sibling(), bench.sibling()]
    for number, one in enumerate(others):
        watch(one, 20 + 2 * number)
        connect(one, ALL_CLOSED)
    close(bench, ALL_CLOSED)

    asked = plan(bench, hour_at(27))

    assert len(asked) == len({one.mn for one in asked}) == 2


def test_a_person_s_request_goes_before_and_is_not_doubled(bench: Bench) -> None:
    """The button asks at once with ordinary priority; a second press while it runs is refused."""
    period = hour_at(3), hour_at(6)
    who = {"requested_by": "officer", "requested_role": "officer", "now": hour_at(27)}
    with bench.database.transaction() as session:
        ask_backfill(session, bench.outlet, 3, *period, **who)

    with pytest.raises(Conflict), bench.database.transaction() as session:
        ask_backfill(session, bench.outlet, 3, *period, **who)

    assert commands(bench) == [
        ("2061", {"BeginTime": "20261122030000", "EndTime": "20261122050000"}, 0)
    ]
    with bench.database.transaction() as session:
        assert backfill_store.outstanding(session) == {bench.mn}


def test_a_switched_off_logger_is_not_due(bench: Bench) -> None:
    """Hours after the registry disabled it have no certificate, so no hole and no rate."""
    with bench.database.transaction() as session:
        session.execute(text("UPDATE monitor_point SET enabled = false"))

    close(bench, ALL_CLOSED)

    with bench.database.transaction() as session:
        asked = asked_for("2026-11-22", "", EVERYWHERE, credit_code=bench.outlet[:18])
        assert list_rates(session, asked, "outlet", RULES, NEXT_DAY_13) == ([], None)
    assert date(2026, 11, 22) == asked.first
