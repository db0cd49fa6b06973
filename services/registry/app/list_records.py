"""List, get and copy records inside what the caller may see."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Select, select

from services.chassis.db import Database
from services.chassis.errors import Forbidden, NotFound
from services.chassis.identity import Actor, can, scope_of
from services.registry import store
from services.registry.domain.records import Kind

DEFAULT_PAGE, MAX_PAGE = 100, 500


def may_see_secrets(actor: Actor) -> bool:
    """Return whether phones and logger passwords are shown to the caller."""
    return can(actor, "registry.secrets")


def list_records(
    database: Database,
    actor: Actor,
    kind: Kind,
    *,
    division: str = "",
    credit_code: str = "",
    search: str = "",
    size: int = 0,
    after: str = "",
) -> tuple[list[store.RecordRow], str]:
    """Return a page of living records by key, and the token of the next page.

    Raises Forbidden when a division outside the caller's jurisdiction is asked for.
    """
    scope = scope_of(actor, "registry.read", division)
    query: Select[Any] = select(store.RecordRow).where(
        store.RecordRow.kind == kind.value, ~store.RecordRow.deleted, store.RecordRow.key > after
    )
    query = store.visible(query, scope.division_prefix, scope.enterprise_id)
    if division and kind is Kind.DIVISION:
        query = query.where(store.RecordRow.division.startswith(scope.division_prefix))
    if credit_code:
        query = query.where(store.RecordRow.credit_code == credit_code)
    if search:
        query = store.matching(query, search)
    count = min(size or DEFAULT_PAGE, MAX_PAGE)
    with database.transaction() as session:
        rows = list(session.scalars(query.order_by(store.RecordRow.key).limit(count + 1)))
    return rows[:count], rows[count - 1].key if len(rows) > count else ""


def get_record(database: Database, actor: Actor, kind: Kind, key: str) -> store.RecordRow:
    """Return one living record. Raises NotFound when there is none, or none for the caller."""
    scope = scope_of(actor, "registry.read")
    query: Select[Any] = select(store.RecordRow).where(
        store.RecordRow.kind == kind.value, store.RecordRow.key == key, ~store.RecordRow.deleted
    )
    with database.transaction() as session:
        row: store.RecordRow | None = session.scalar(
            store.visible(query, scope.division_prefix, scope.enterprise_id)
        )
    if row is None:
        raise NotFound(f"no {kind.name.lower()} {key} in your jurisdiction")
    return row


def copy_records(
    database: Database, kinds: Sequence[int], after: int, actor: Actor
) -> Iterator[list[store.RecordRow]]:
    """Yield every record with a higher revision, page by page, deleted ones too.

    For machines of the whole country only: a copy that lacks neighbours would look complete.
    """
    if not can(actor, "registry.write") or scope_of(actor, "registry.read").division_prefix:
        raise Forbidden("a snapshot is for operators and platforms of the whole country")
    while True:
        with database.transaction() as session:
            rows = store.changed_after(session, after, kinds, MAX_PAGE)
        if not rows:
            return
        yield rows
        after = rows[-1].revision


def all_records(
    database: Database, actor: Actor, kind: Kind, division: str
) -> Iterator[list[store.RecordRow]]:
    """Yield every living record of a kind that the caller may see, page by page, by key.

    Raises Forbidden when a division outside the caller's jurisdiction is asked for.
    """
    token = ""
    while True:
        rows, token = list_records(
            database, actor, kind, division=division, size=MAX_PAGE, after=token
        )
        yield rows
        if not token:
            return
