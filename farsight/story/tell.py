"""Tell a story: every step by the product's own use cases, time by the script, deadlines swept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import func, select

from farsight.story.script import Expected, FileToAttach, Script, ScriptStep
from services.cases import store
from services.cases.app import handle_due
from services.cases.app.act_on_matter import Request, act_on_matter
from services.cases.app.attach_file import attach_file
from services.cases.app.open_by_person import Wish, open_by_person
from services.cases.app.save_step import BREACH, ESCALATE, WARN
from services.cases.attachment_spool import Spool
from services.cases.domain.attachments import Handed
from services.cases.domain.matter import Kind, Matter
from services.chassis.clock import BEIJING
from services.chassis.db import Database
from services.chassis.due import handle_one
from services.chassis.errors import NotFound
from services.chassis.replica import apply_records
from services.chassis.tables import DueRow

_DUE: dict[str, Callable[..., None]] = {
    WARN: handle_due.warn,
    BREACH: handle_due.breach,
    ESCALATE: handle_due.escalate,
}


_LARGEST_FILE = 1024 * 1024


@dataclass(frozen=True)
class Told:
    """A step that was taken: the matter as it stood then."""

    step: ScriptStep
    matter: Matter


@dataclass(frozen=True)
class Claim:
    """An expected last day beside the real one."""

    expected: Expected
    found: dt.date | None

    @property
    def holds(self) -> bool:
        """Whether they are the same."""
        return self.found == self.expected.last_day


class Teller:
    """One telling in one database."""

    def __init__(self, database: Database, script: Script) -> None:
        self._database = database
        self._script = script
        self._root = ""
        with database.transaction() as session:
            apply_records(session, script.records)

    def tell(self) -> Iterator[Told]:
        """Take the steps one by one; raises what the law refuses."""
        for number, step in enumerate(self._script.steps, start=1):
            self._sweep(step.at)
            try:
                yield self._take(step)
            except Exception as fault:
                fault.add_note(
                    f"step {number}: {step.at:%Y-%m-%d} {step.who} {step.act} ({step.on})"
                )
                raise
        self._sweep(self._script.ends)

    def family(self) -> list[Matter]:
        """The case and every matter below it, oldest first."""
        with self._database.transaction() as session:
            root = store.load(session, self._root)
            return [
                root,
                *(store.load(session, one.matter_id) for one in store.family(session, root)),
            ]

    def claims(self) -> list[Claim]:
        """What the story expects of its clocks."""
        return [Claim(one, self._last_day(one)) for one in self._script.expected]

    def _take(self, step: ScriptStep) -> Told:
        actor = self._script.people[step.who]
        if step.opens:
            wish = Wish(
                Kind(step.opens),
                step.act,
                outlet_id=self._script.outlet_id,
                title=self._script.title,
                fields=step.fields,
                reason=step.reason,
            )
            with self._database.transaction() as session:
                matter = open_by_person(session, actor, wish, step.at)
            self._root = self._root or matter.matter_id
            return Told(step, matter)
        matter_id = self._find(step.on)
        given = [(file.into, self._attach(matter_id, step, file)) for file in step.files]
        named = {
            into: " ".join(one for to, one in given if to == into) for into, _ in given if into
        }
        request = Request(matter_id, step.act, {**step.fields, **named}, step.reason)
        with self._database.transaction() as session:
            return Told(step, act_on_matter(session, actor, request, step.at))

    def _attach(self, matter_id: str, step: ScriptStep, file: FileToAttach) -> str:
        handed = Handed(
            matter_id=matter_id, name=file.name, purpose=file.purpose, media_type="text/plain"
        )
        with Spool(_LARGEST_FILE) as spool:
            spool.add(file.text.encode())
            received = spool.received(b"")
            with self._database.transaction() as session:
                actor = self._script.people[step.who]
                return attach_file(session, actor, handed, received, step.at).attachment_id

    def _find(self, on: str) -> str:
        """The newest matter that `on` names and that is still open, else the newest at all."""
        if on == "case":
            return self._root
        kind, _, paper = on.partition(":")
        found = [
            one
            for one in self.family()
            if one.kind.value == kind
            and (not paper or ((first := one.opening()) and first.fields.get("paper") == paper))
        ]
        if not found:
            raise NotFound(f"the story has no {on} yet")
        still_open = [one for one in found if one.closed_at is None]
        return (still_open or found)[-1].matter_id

    def _sweep(self, until: dt.datetime) -> None:
        """Let everything fall due in its own order, each at its own moment."""
        while (moment := self._next_due()) is not None and moment <= until:
            for kind, handle in _DUE.items():
                self._sweep_kind(kind, handle, moment)

    def _sweep_kind(self, kind: str, handle: Callable[..., None], now: dt.datetime) -> None:
        while handle_one(
            self._database, kind, now, lambda session, row: handle(session, row.payload, now)
        ):
            pass

    def _next_due(self) -> dt.datetime | None:
        query = select(func.min(DueRow.at)).where(
            DueRow.done_at.is_(None), DueRow.kind.in_(list(_DUE))
        )
        with self._database.transaction() as session:
            return session.scalar(query)

    def _last_day(self, expected: Expected) -> dt.date | None:
        with self._database.transaction() as session:
            matter = store.load(session, self._find(expected.on))
        ends = [c.due_at for c in matter.clocks if c.key == expected.clock and c.due_at]
        if not ends:
            return None
        return (ends[-1] - dt.timedelta(seconds=1)).astimezone(BEIJING).date()
