"""补传: asks loggers that are back for what is missing, a little at a time.

One request a logger and a cap over all, so that live data keeps its latency; background priority,
so that officers go first. A logger gets time to back-fill by itself (2025 8.1.2) before that.
"""

from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from services.chassis.errors import Conflict, FarsightError, InputRejected, NotFound
from services.chassis.identity import Scope
from services.chassis.log import get_logger
from services.ingest import backfill_store as store
from services.ingest.app.request_command import request_command
from services.ingest.domain.completeness import ASKED_AGAIN
from services.ingest.domain.holes import CN, OPEN, Cell, Hole, Pace, choose, find_holes, parameters

log = get_logger(__name__)

PURPOSE, PLANNER, BACKGROUND = "backfill", "farsight", -1
#: Certificates with holes that one look considers, newest first.
CELLS = 5_000
LONGEST_ASK = timedelta(days=31)
#: Key of the advisory lock: two replicas must not plan for the same room.
_LOCK = 0x6261636B


def plan_backfill(session: Session, pace: Pace, now: datetime) -> list[Hole]:
    """Take over what ended, then ask for the next holes; gives what was asked for."""
    if not session.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _LOCK}):
        return []
    store.end_requests(session, now)
    busy = store.outstanding(session)
    room = pace.outstanding - len(busy)
    if room <= 0:
        return []
    cells = store.cells_of_loggers_that_are_back(
        session, now - pace.wait, now - pace.look_back, now, limit=CELLS
    )
    holes = _holes(session, cells, pace.tries)
    asked = choose(holes, busy, room, now, pace.longest)
    return [hole for hole in asked if _ask(session, hole, now)]


def list_holes(
    session: Session, scope: Scope, outlet_id: str, start: datetime, end: datetime, *, tries: int
) -> tuple[list[Hole], bool]:
    """Holes inside a scope, newest first, and whether there are more than `CELLS` hours of them."""
    cells = store.cells_inside(session, scope, outlet_id, start, end, limit=CELLS + 1)
    return _holes(session, cells[:CELLS], tries), len(cells) > CELLS


def ask_backfill(
    session: Session, outlet_id: str, kind: int, start: datetime, end: datetime, *,
    requested_by: str, requested_role: str, now: datetime,
) -> str:  # fmt: skip
    """Ask for a period because a person wants it; gives the command's id.

    Raises InputRejected for another kind or span, NotFound without a logger, Conflict while a
    back-fill of that logger is under way.
    """
    if kind not in ASKED_AGAIN or not start < end <= start + LONGEST_ASK:
        raise InputRejected("minutes, hours or days, of at most 31 days, can be asked for")
    mn = store.logger_of(session, outlet_id)
    if mn is None:
        raise NotFound("the outlet has no logger", outlet_id=outlet_id)
    if mn in store.outstanding(session):
        raise Conflict("a back-fill of this logger is under way", mn=mn)
    hole = Hole(outlet_id, mn, kind, start, end, 0, OPEN, 0, "", None)
    return _request(session, hole, now, requested_by, requested_role=requested_role, priority=0)


def _holes(session: Session, cells: list[Cell], tries: int) -> list[Hole]:
    if not cells:
        return []
    outlets = sorted({cell.outlet_id for cell in cells})
    tried = store.attempts(session, outlets, min(cell.hour for cell in cells))
    return find_holes(cells, tried, tries)


def _ask(session: Session, hole: Hole, now: datetime) -> bool:
    try:
        with session.begin_nested():
            _request(session, hole, now, PLANNER, requested_role="system", priority=BACKGROUND)
    except FarsightError as error:
        # A logger that the registry switched off, or a version without this command.
        log.info("backfill_not_asked", mn=hole.mn, kind=hole.kind, error=str(error))
        return False
    return True


def _request(
    session: Session,
    hole: Hole,
    now: datetime,
    requested_by: str,
    *,
    requested_role: str,
    priority: int,
) -> str:
    minute_min = store.minute_interval(session, hole.mn)
    command, _ = request_command(
        session,
        mn=hole.mn,
        cn=CN[hole.kind],
        parameters=parameters(hole.kind, hole.start, hole.end, minute_min),
        requested_by=requested_by,
        requested_role=requested_role,
        purpose=PURPOSE,
        priority=priority,
        now=now,
    )
    store.keep_request(session, hole, command.command_id, requested_by, now)
    return str(command.command_id)
