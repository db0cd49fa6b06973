"""A replica of `cases` that a walk drives: acts and sweeps at the moment it is told.

`python -m tests.walks.replica DATABASE_URL` reads one JSON command a line and answers one a line.
It runs the product's own use cases and due handlers; only the clock is the walk's. It may be killed
at any moment.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import sys
import traceback
from collections.abc import Callable
from typing import Any

from services.cases.app import handle_due
from services.cases.app.act_on_matter import Request, act_on_matter
from services.cases.app.attach_file import attach_file
from services.cases.app.handle_clue import handle_clue
from services.cases.app.handle_finding import handle_finding
from services.cases.app.handle_referral import handle_referral
from services.cases.app.open_by_person import Wish, open_by_person
from services.cases.app.save_step import BREACH, ESCALATE, WARN
from services.cases.attachment_spool import Spool
from services.cases.domain.attachments import Handed
from services.cases.domain.matter import Kind
from services.chassis.clock import to_timestamp
from services.chassis.db import Database
from services.chassis.due import handle_one
from services.chassis.errors import FarsightError
from services.chassis.pb.referral.v1 import referral_pb2
from tests.integration.cases_rig import bottle, finding
from tests.walks.people import PEOPLE

_HANDLERS: dict[str, Callable[..., None]] = {
    WARN: handle_due.warn,
    BREACH: handle_due.breach,
    ESCALATE: handle_due.escalate,
}


def main() -> None:
    """Answer until the input ends."""
    # Answers go where the driver reads; what the services log must not come between them.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    database = Database(sys.argv[1], "cases", pool_size=1)
    print(json.dumps({"ready": True}), file=answers)
    for line in sys.stdin:
        command = json.loads(line)
        now = dt.datetime.fromisoformat(command["now"])
        try:
            answer = _ANSWERS[command["do"]](database, command, now)
        except FarsightError as refusal:
            answer = {"refused": str(refusal)}
        except Exception as fault:  # noqa: BLE001 (a crash is what the walk looks for)
            fault.add_note(str(command))
            answer = {"crashed": "".join(traceback.format_exception(fault))}
        print(json.dumps(answer, ensure_ascii=False), file=answers)


def act(database: Database, command: dict[str, Any], now: dt.datetime) -> dict[str, Any]:
    """Take an act as a person."""
    request = Request(
        command["matter_id"],
        command["act"],
        command["fields"],
        command["reason"],
        command["version"],
    )
    with database.transaction() as session:
        matter = act_on_matter(session, PEOPLE[command["who"]], request, now)
    return {"state": matter.state, "version": matter.version}


def open_one(database: Database, command: dict[str, Any], now: dt.datetime) -> dict[str, Any]:
    """Open a matter as a person."""
    wish = Wish(
        kind=Kind(command["kind"]),
        act=command["act"],
        outlet_id=command["outlet_id"],
        fields=command["fields"],
        reason=command["reason"],
        request_id=command["request_id"],
    )
    with database.transaction() as session:
        matter = open_by_person(session, PEOPLE[command["who"]], wish, now)
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


def attach(database: Database, command: dict[str, Any], now: dt.datetime) -> dict[str, Any]:
    """Hand in a file of every purpose."""
    for purpose in ("photo", "video", "record", "before", "after", "proof"):
        name = f"{purpose}.txt"
        handed = Handed(
            matter_id=command["matter_id"], name=name, purpose=purpose, media_type="text/plain"
        )
        with Spool(1024) as spool:
            spool.add(name.encode())
            received = spool.received(b"")
            with database.transaction() as session:
                attach_file(session, PEOPLE[command["who"]], handed, received, now)
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


_ANSWERS = {
    "act": act,
    "open": open_one,
    "sweep": sweep,
    "seen": seen,
    "police": police,
    "attach": attach,
}

if __name__ == "__main__":
    main()
