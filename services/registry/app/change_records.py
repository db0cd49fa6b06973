"""Keep changed records: check each, save what differs, write the change row, tell everybody."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from services.chassis.outbox import record_event
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.registry import store, wire
from services.registry.domain.diff import record_change
from services.registry.domain.draft import Changes, Draft, remaining_dependants
from services.registry.domain.logger_identity import completed
from services.registry.domain.outcome import Entry, Outcome
from services.registry.domain.records import (
    KINDS,
    Body,
    Contact,
    ControlOrder,
    Duty,
    Fault,
    Kind,
    Leave,
    Limit,
    Logger,
    MeterPair,
    Reference,
    credit_code_of,
    division_of,
    key_of,
    references_of,
)
from services.registry.domain.related import related_faults
from services.registry.domain.validate import faults_of

EVENT_RECORDS = 500
"""Most records in one RecordsChanged."""


@dataclass(frozen=True)
class Origin:
    """Who changes something, by which channel (sync, csv, upsert, bootstrap), and where."""

    actor_id: str
    channel: str
    division_prefix: str = ""  # of the caller's jurisdiction; empty = the whole country


def change_records(
    session: Session, entries: Sequence[Entry], origin: Origin, *, draft: Draft | None = None
) -> Outcome:
    """Save the sound entries that differ from what is kept; the faulty ones are reported.

    A record may refer to one that comes earlier in the same input. The same input again changes
    nothing. With a `draft` the outcome is the same, with its differences, and nothing is written.
    """
    if draft is None:
        store.lock_records(session)
    outcome = Outcome()
    changed: Changes = {} if draft is None else draft.changes
    world = _World(session, entries, changed)
    for entry in entries:
        if entry.body is None:
            outcome.refuse(entry.row, "", *entry.faults)
            continue
        place = (KINDS[type(entry.body)], key_of(entry.body))
        known = world.living.get(place)
        body = completed(entry.body, known)
        faults = (
            _deletion_faults(session, world, place, changed)
            if entry.deleted
            else world.faults(body)
        ) or world.foreign(origin.division_prefix, body, known)
        if faults:
            outcome.refuse(entry.row, place[1], *faults)
        elif (None if entry.deleted else body) == known:
            outcome.unchanged += 1
        else:
            outcome.deleted += entry.deleted
            outcome.updated += known is not None
            outcome.created += known is None
            world.put(place, None if entry.deleted else body)
            changed[place] = world.living.get(place)
            if draft is not None:
                outcome.differs(record_change(known, changed[place], entry.row))
    if changed and draft is None:
        _save(session, world, changed, origin)
    return outcome


class _World:
    """The records that the entries name or refer to, as kept and as changed so far."""

    def __init__(
        self, session: Session, entries: Sequence[Entry], drafted: Mapping[Reference, Body | None]
    ) -> None:
        wanted: set[Reference] = set()
        for body in (entry.body for entry in entries if entry.body is not None):
            wanted.add((KINDS[type(body)], key_of(body)))
            wanted.update(reference for _, reference in references_of(body))
        self.rows = {
            (Kind(row.kind), row.key): row for row in store.rows_of(session, sorted(wanted))
        }
        self.living = {
            place: wire.body_of(row) for place, row in self.rows.items() if not row.deleted
        }
        for place in wanted & drafted.keys():
            self.put(place, drafted[place])

    def faults(self, body: Body) -> list[Fault]:
        """Return the faults of a record in itself, else beside what it refers to."""
        return faults_of(body) or related_faults(body, self.living)

    def put(self, place: Reference, body: Body | None) -> None:
        """Take in a change, so that later entries see it."""
        if body is None:
            self.living.pop(place, None)
        else:
            self.living[place] = body

    def foreign(self, prefix: str, *bodies: Body | None) -> list[Fault]:
        """Return a fault when a record is, or was, outside the caller's jurisdiction."""
        if all(self.division(body).startswith(prefix) for body in bodies if body):
            return []
        return [Fault("division", "outside your jurisdiction")]

    def division(self, body: Body) -> str:
        """Return the division a record belongs to: its own, or that of what it hangs on."""
        if isinstance(body, Duty):
            above = self.living.get((Kind.TEAM, body.team_id))
        elif isinstance(body, Leave):
            above = self.living.get((Kind.OFFICER, body.officer_id))
        elif isinstance(body, Contact | ControlOrder):
            above = self.living.get((Kind.ENTERPRISE, body.credit_code))
        elif isinstance(body, Logger | Limit | MeterPair):
            above = self.living.get((Kind.OUTLET, body.outlet_id))
        else:
            return division_of(body)
        return division_of(above) if above else ""


def _deletion_faults(
    session: Session, world: _World, place: Reference, changed: Changes
) -> list[Fault]:
    if place not in world.living:
        return []
    users = remaining_dependants(place, store.dependants_of(session, *place), changed)
    return [Fault("deleted", f"still referred to by {', '.join(users[:3])}")] if users else []


def _save(session: Session, world: _World, changed: Changes, origin: Origin) -> None:
    revisions = iter(store.next_revisions(session, len(changed)))
    rows = []
    for place, body in changed.items():
        row = world.rows.get(place)
        before = row.body if row is not None and not row.deleted else None
        if row is None:
            assert body is not None
            row = store.RecordRow(kind=place[0].value, key=place[1])
            session.add(row)
        row.revision = next(revisions)
        row.deleted = body is None
        if body is not None:
            row.body = wire.stored(body)
            row.division = world.division(body)
            row.credit_code = credit_code_of(body)
            row.refs = [store.reference_text(*ref) for _, ref in references_of(body)]
        session.add(
            store.ChangeRow(
                actor_id=origin.actor_id,
                channel=origin.channel,
                subject=place[0].name.lower(),
                key=place[1],
                revision=row.revision,
                before=before,
                after=None if body is None else row.body,
            )
        )
        rows.append(row)
    for part in _parts(rows):
        records = [wire.record_of(row, secrets=True) for row in part]
        record_event(session, pb.RecordsChanged(records=records))


def _parts(rows: Sequence[store.RecordRow]) -> Iterator[Sequence[store.RecordRow]]:
    for start in range(0, len(rows), EVENT_RECORDS):
        yield rows[start : start + EVENT_RECORDS]
