"""kill -9 of services, broker and database while frames arrive: nothing is lost or doubled."""

import json
import subprocess
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import create_engine, text

from farsight.lab.province import DEMO, read_rows
from services.chassis.db import sqlalchemy_url
from services.detect.screening.screens import SCREENS
from tests.e2e.clients import LoggerIdentity, Person, demo_identities, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(600)]

#: Sees the confidential findings too, as the operator may not.
LEADER = "leader.130000"
RATE = 200
VICTIMS = ("ingest-gate", "ingest", "detect", "rabbitmq", "postgres", "cases", "notify")
SECONDS_A_VICTIM = 8
#: Outlets with forty days behind them: those of the demo's stories and some calm ones beside them.
OTHERS = 6


def stored(platform) -> tuple[int, int]:
    """Give (frames in the ledger as accepted, rows of readings that are a first version)."""
    engine = create_engine(sqlalchemy_url(platform.env["DATABASE_URL"]))
    with engine.connect() as connection:
        ledger = connection.scalar(
            text("SELECT count(*) FROM ingest.ledger WHERE outcome = 'accepted'")
        )
        rows = connection.scalar(text("SELECT count(*) FROM ingest.reading"))
    engine.dispose()
    return ledger, rows


def finding_set(leader: Person) -> set[tuple[str, ...]]:
    """Give what stands, without what differs by run: ids, revisions, moments of hearing.

    A withdrawn finding has no hit left: a month that came half was short of its share until the
    rest came. Which of those were seen on the way depends on how the batches fell. What screening
    raises depends on which outlets a sweep saw together (e-BH, county budget), so on the clock.
    """
    return {
        (
            one.outlet_id,
            one.rule_id,
            "+".join(one.factors),
            one.start.ToJsonString(),
            one.end.ToJsonString(),
            f"{one.statistic:.6g}",
            str(one.count),
        )
        for one in leader.all_findings()
        if one.count and one.rule_id not in {"silence", *SCREENS}  # silence, too, is the clock's
    }


def history(platform, tmp_path, name: str, end: datetime) -> list[str]:
    """Name the arguments of a run that sends forty days of hour frames, the stories included."""
    start = end - timedelta(days=40)
    state = str(tmp_path / f"{name}.json")
    only = [word for one in with_history() for word in ("--only", one.mn)]
    return ["simulate", "--from", start.isoformat(), "--to", end.isoformat(), "--state", state,
            "--window", "8", "--json", *only]  # fmt: skip


def with_history() -> list[LoggerIdentity]:
    """Give the loggers of the stories, and the first few that have none."""
    told = {row["outlet_id"] for row in read_rows("scenarios", DEMO)}
    all_of_them = demo_identities()
    calm = [one for one in all_of_them if one.outlet_id not in told][:OTHERS]
    return [one for one in all_of_them if one.outlet_id in told] + calm


def test_kill_nine_loses_and_doubles_nothing(fresh_platforms, tmp_path):
    """Two platforms get the same forty days; one is killed part by part under 200 frames/s."""
    end = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    calm = fresh_platforms("calm")
    calm.run_command(*history(calm, tmp_path, "calm", end))
    expected = settled_findings(calm)
    print(*sorted(expected), sep="\n")
    calm.stop()

    storm = fresh_platforms("storm")
    seconds = SECONDS_A_VICTIM * (len(VICTIMS) + 1)
    load = storm.start_command(
        "simulate", "--rate", str(RATE), "--seconds", str(seconds), "--json",
        "--state", str(tmp_path / "load.json"),
    )  # fmt: skip
    past = storm.start_command(*history(storm, tmp_path, "storm", end))
    for victim in VICTIMS:
        time.sleep(SECONDS_A_VICTIM - 2)  # load arrives meanwhile; the kill must fall into it
        storm.wait_ready(victim, not_pid=storm.kill(victim))
    sent = [report(process) for process in (load, past)]
    acknowledged = sum(one["acknowledged"] for one in sent)

    operator = storm.operator()
    wait_until(lambda: operator.balance().accepted >= acknowledged, 120, "all in the balance")
    balance = operator.balance()
    ledger, rows = stored(storm)
    found = settled_findings(storm)
    print(f"acknowledged {acknowledged}, ledger {ledger}, rows {rows}, findings {len(found)}")

    assert balance.received == (
        balance.accepted + balance.duplicate + sum(balance.refused.values())
    )
    assert ledger == balance.accepted == rows
    assert ledger == acknowledged
    assert expected
    assert found == expected


def settled_findings(platform) -> set[tuple[str, ...]]:
    """Give the findings once nothing waits for detect and three looks in a row agree."""
    wait_until(
        lambda: not platform.waiting("detect.") + platform.waiting("farsight.retry"),
        240,
        "an empty queue of detect",
    )
    leader = Person(platform.grpc, LEADER)
    looks: list[set[tuple[str, ...]]] = []

    def settled() -> bool:
        judged = all_judged(platform)  # before the look: the last slice may change what it shows
        looks.append(finding_set(leader) if judged else set())
        time.sleep(1)
        return len(looks) > 5 and all(look == looks[-1] != set() for look in looks[-5:])

    wait_until(settled, 240, "findings to settle")
    return looks[-1]


def all_judged(platform) -> bool:
    """Tell whether nothing asks to be judged again and the newest frozen day is judged of all."""
    engine = create_engine(sqlalchemy_url(platform.env["DATABASE_URL"]))
    with engine.connect() as connection:
        waiting = connection.scalar(text("SELECT count(*) FROM detect.rejudge"))
        judged = connection.scalar(
            text(
                "SELECT count(DISTINCT outlet_id) FROM detect.day_judgement"
                " WHERE day = (SELECT max(day) FROM detect.frozen_day)"
            )
        )
    engine.dispose()
    return not waiting and judged >= len(with_history())


def report(process: subprocess.Popen[str]) -> dict[str, int]:
    """Wait for a command and read the JSON it printed."""
    output, errors = process.communicate(timeout=400)
    assert process.returncode == 0, output + errors
    return json.loads(output[output.index("{") :])
