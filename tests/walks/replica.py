"""A replica of `cases` that a walk drives: acts and sweeps at the moment it is told.

`python -m tests.walks.replica DATABASE_URL` reads one JSON command a line and answers one a line.
It runs the product's own use cases and due handlers; only the clock is the walk's. It may be killed
at any moment.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Callable
from typing import Any

from services.cases.app import handle_due
from services.cases.app.act_on_matter import Request, act_on_matter
from services.cases.app.handle_clue import handle_clue
from services.cases.app.handle_finding import handle_finding
from services.cases.app.handle_referral import handle_referral
from services.cases.app.open_by_person import Wish, open_by_person
from services.cases.app.save_step import BREACH, ESCALATE, WARN
from services.cases.domain.matter import Kind
from services.chassis.clock import to_timestamp
from services.chassis.db import Database
from services.chassis.due import handle_one
from services.chassis.errors import FarsightError
from services.chassis.pb.referral.v1 import referral_pb2
from tests.integration.cases_rig import bottle, finding
from tests.walks.people import OUTLET, PEOPLE

_HANDLERS: dict[str, Callable[..., None]] = {
    WARN: handle_due.warn,
    BREACH: handle_due.breach,
    ESCALATE: handle_due.escalate,
}


def main() -> None:
    """Answer until the input ends."""
    database = Database(sys.argv[1], "cases", pool_size=1)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        now = dt.datetime.fromisoformat(command["now"])
        answer = _ANSWERS[command["do"]](database, command, now)
        print(json.dumps(answer, ensure_ascii=False), flush=True)


def act(database: Database, command: dict[str, Any], now: dt.datetime) -> dict[str, Any]:
    """Take an act as a person."""
    request = Request(
        command["matter_id"],
        command["act"],
        command["fields"],
        command["reason"],
        command["version"],
    )
    try:
        with database.transaction() as session:
            matter = act_on_matter(session, PEOPLE[command["who"]], request, now)
    except FarsightError as refusal:
        return {"refused": str(refusal)}
    return {"state": matter.state, "version": matter.version}


def open_one(database: Database, command: dict[str, Any], now: dt.datetime) -> dict[str, Any]:
    """Open a matter as a person."""
    wish = Wish(
        kind=Kind(command["kind"]),
        act=command["act"],
        outlet_id=OUTLET,
        fields=command["fields"],
        reason=command["reason"],
        request_id=command["request_id"],
    )
    try:
        with database.transaction() as session:
            matter = open_by_person(session, PEOPLE[command["who"]], wish, now)
    except FarsightError as refusal:
        return {"refused": str(refusal)}
    return {"matter_id": matter.matter_id}


def sweep(database: Database, _: dict[str, Any], now: dt.datetime) -> dict[str, Any]:
    """Handle everything that is due, as the timers of a replica do."""
    done = 0
    for kind, handle in _HANDLERS.items():
        done += _sweep_kind(database, kind, handle, now)
    return {"done": done}


def _sweep_kind(
    database: Database, kind: str, handle: Callable[..., None], now: dt.datetime
) -> int:
    done = 0
    while handle_one(database, kind, now, lambda session, row: handle(session, row.payload, now)):
        done += 1
    return done


def seen(database: Database, command: dict[str, Any], now: dt.datetime) -> dict[str, Any]:
    """What detect says: a finding opens an order, a clue a case."""
    with database.transaction() as session:
        if command["what"] == "clue":
            handle_clue(session, bottle(now), now)
        else:
            handle_finding(session, finding(now, hours=command["hours"]), now)
    return {}


def police(database: Database, command: dict[str, Any], now: dt.datetime) -> dict[str, Any]:
    """What the referral service tells: handed over, then filed or not."""
    referral = referral_pb2.Referral(
        referral_id=f"r-{command['matter_id']}",
        matter_id=command["matter_id"],
        number="移〔2026〕1号",
        handed_over_at=to_timestamp(now),
        outcome=command["outcome"],
    )
    with database.transaction() as session:
        handle_referral(session, referral, now)
    return {}


_ANSWERS = {"act": act, "open": open_one, "sweep": sweep, "seen": seen, "police": police}

if __name__ == "__main__":
    main()
