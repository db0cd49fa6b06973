"""外部线索查询: items by kind, place and time, to whom they are anybody's business."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.errors import Forbidden, InputRejected
from services.chassis.identity import Actor, can, scope_of
from services.chassis.pb.ingest.v1 import outside_pb2 as pb
from services.ingest import outside_store as store
from services.ingest.outside_tables import OutsideRow

DEFAULT_PAGE, MAX_PAGE = 100, 500
ACTIONS = {
    pb.OUTSIDE_KIND_MARK: "outside.own",
    pb.OUTSIDE_KIND_ELECTRICITY: "outside.own",
    pb.OUTSIDE_KIND_GRID: "outside.read",
    pb.OUTSIDE_KIND_STATION: "outside.read",
    pb.OUTSIDE_KIND_EVENT: "outside.read",
    pb.OUTSIDE_KIND_COMPLAINT: "complaints.read",
    pb.OUTSIDE_KIND_SPOT: "outside.read",
    pb.OUTSIDE_KIND_FINGERPRINT: "outside.read",
}
"""Right that each kind needs."""


@dataclass(frozen=True)
class OutsideQuery:
    """What is asked for; empty fields ask for anything."""

    kinds: frozenset[int] = frozenset()
    division: str = ""
    outlet_id: str = ""
    credit_code: str = ""
    subject: str = ""
    start: datetime | None = None
    end: datetime | None = None
    with_versions: bool = False
    size: int = 0
    after: str = ""


def list_outside(
    session: Session, actor: Actor, query: OutsideQuery
) -> tuple[list[OutsideRow], str]:
    """Return a page, newest first, and the token of the next one.

    Raises Forbidden for a kind or a division that is not the caller's business.
    """
    kinds = visible_kinds(actor, query.kinds)
    scope = scope_of(actor, "outside.own", query.division)
    credit_code = query.credit_code
    if scope.enterprise_id:
        if credit_code not in ("", scope.enterprise_id):
            raise Forbidden("another enterprise's")
        credit_code = scope.enterprise_id
    size = min(query.size or DEFAULT_PAGE, MAX_PAGE)
    rows = store.items_between(
        session,
        kinds,
        division_prefix=scope.division_prefix,
        credit_code=credit_code,
        outlet_id=query.outlet_id,
        subject=query.subject,
        start=query.start,
        end=query.end,
        with_versions=query.with_versions,
        after=_cursor(query.after) if query.after else None,
        limit=size + 1,
    )
    return rows[:size], _token(rows[size - 1]) if len(rows) > size else ""


def visible_kinds(actor: Actor, asked: Collection[int]) -> set[int]:
    """Return the asked kinds, or all that the caller may see. Raises Forbidden for another."""
    allowed = {int(kind) for kind, action in ACTIONS.items() if can(actor, action)}
    if not allowed or not set(asked) <= allowed:
        raise Forbidden(f"{actor.role} may not see these kinds", action="outside.read")
    return set(asked) or allowed


def _token(row: OutsideRow) -> str:
    return f"{row.at.isoformat()} {row.kind} {row.version} {row.key}"


def _cursor(token: str) -> store.Cursor:
    try:
        at, kind, version, key = token.split(" ", 3)
        return datetime.fromisoformat(at), int(kind), key, int(version)
    except ValueError:
        raise InputRejected("page_token: not one of ours", field="page_token") from None
