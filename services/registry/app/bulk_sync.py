"""批量同步: a stream of parts, each one transaction; or a dry run over all; completeness."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from services.chassis.db import Database
from services.registry import store, wire
from services.registry.app.change_records import Origin, change_records
from services.registry.app.keep_accounts import keep_accounts
from services.registry.domain.accounts import Account
from services.registry.domain.draft import Draft
from services.registry.domain.outcome import Entry, Outcome
from services.registry.domain.records import KINDS, Fault, Kind, Reference, key_of

#: What refers to others goes before what they refer to.
DELETION_ORDER = (
    Kind.CONTROL_ORDER,
    Kind.METER_PAIR,
    Kind.LEAVE,
    Kind.DUTY,
    Kind.LIMIT,
    Kind.LOGGER,
    Kind.CONTACT,
    Kind.OFFICER,
    Kind.TEAM,
    Kind.AGENCY,
    Kind.OUTLET,
    Kind.ENTERPRISE,
    Kind.DIVISION,
)
_PART = 400


class BulkSync:
    """One stream. `scope` (kinds, prefix of divisions) is what the stream names completely."""

    def __init__(
        self,
        database: Database,
        origin: Origin,
        *,
        dry_run: bool,
        scope: tuple[frozenset[Kind], str] | None,
    ) -> None:
        self.outcome = Outcome()
        self._database = database
        self._origin = origin
        self._draft = Draft() if dry_run else None
        self._scope = scope
        self._named: set[Reference] = set()

    def take(self, entries: Sequence[Entry], accounts: Sequence[tuple[int, Account]] = ()) -> None:
        """Keep one part, or judge it after the parts before it."""
        if self._scope is not None:
            bodies = [entry.body for entry in entries if entry.body is not None]
            self._named.update((KINDS[type(body)], key_of(body)) for body in bodies)
        with self._database.transaction() as session:
            self._change(session, entries)
            if accounts:
                session.flush()
                kept = keep_accounts(session, accounts, self._origin, draft=self._draft)
                self.outcome.add(kept)

    def finish(self) -> Outcome:
        """Delete what a complete stream left out, unless a row of it was refused."""
        if self._scope is None:
            return self.outcome
        if self.outcome.errors:
            fault = Fault("complete", "nothing was deleted, because rows were refused")
            self.outcome.refuse(0, "", fault)
            return self.outcome
        kinds, prefix = self._scope
        for kind in DELETION_ORDER:
            if kind in kinds:
                self._delete_missing(kind, prefix)
        return self.outcome

    def _delete_missing(self, kind: Kind, prefix: str) -> None:
        with self._database.transaction() as session:
            missing = [
                Entry(0, wire.body_of(row), deleted=True)
                for row in store.living_of(session, kind, prefix)
                if (kind, row.key) not in self._named
            ]
            for start in range(0, len(missing), _PART):
                self._change(session, missing[start : start + _PART])
                session.flush()

    def _change(self, session: Session, entries: Sequence[Entry]) -> None:
        self.outcome.add(change_records(session, entries, self._origin, draft=self._draft))
