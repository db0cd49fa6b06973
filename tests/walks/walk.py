"""The walk: many families at once, acts by two replicas, time that jumps, replicas that die.

Which act comes next is chosen from what the engine allows, so that walks get far; whether what came
of it was legal is judged by `oracle`, from the tables' own text.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import func, select

from services.cases import rules, store
from services.cases.app.act_on_matter import doer_of
from services.cases.app.attempts import attempt_of
from services.cases.domain import steps
from services.cases.domain.attempt import Attempt
from services.cases.domain.lifecycle import SAME, Act
from services.cases.domain.matter import ClockState, Kind, Matter
from services.cases.tables import ClockRow, EventRow, MatterRow
from services.chassis.db import Database
from services.chassis.errors import FarsightError
from tests.walks.drafts import OPENED, draft
from tests.walks.oracle import Moves, check_clocks, check_matter, read_table
from tests.walks.people import PEOPLE, PLANTS

#: Acts that any matter allows at any time; a walk of nothing else would go nowhere.
_ASIDE = frozenset(row["act"] for row in read_table("lifecycle_common.yaml")["acts"])
_HUMAN = frozenset({"officer", "leader", "enterprise"})
#: Drafts that are tried for a row before it is given up.
_DRAFTS = 6


class Replica:
    """A process that acts and sweeps; killed and started again at will."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.deaths = 0
        self.start()

    def start(self) -> None:
        """Start the process and wait until it listens."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.walks.replica", self._url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )
        assert self.answer() == {"ready": True}

    def tell(self, command: dict[str, Any]) -> None:
        """Send a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """Read the answer to it."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the replica ended by itself"
        found: dict[str, Any] = json.loads(line)
        assert "crashed" not in found, found["crashed"]
        return found

    def die(self) -> None:
        """Kill -9, whatever it is doing."""
        self._process.send_signal(signal.SIGKILL)
        self.stop()
        self.deaths += 1

    def stop(self) -> None:
        """End it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(10)


@dataclass
class Report:
    """What a walk came through."""

    steps: int = 0
    refused: int = 0
    sweeps: int = 0
    deaths: int = 0
    opened: int = 0
    acts: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    clocks: Counter[str] = field(default_factory=Counter)
    matters: int = 0
    closed: int = 0
    days: int = 0


class Walk:
    """One walk over one database."""

    def __init__(self, url: str, start: dt.datetime, seed: int, *, families: int = 8) -> None:
        self._database = Database(url, "cases", pool_size=1)
        self._replicas = [Replica(url), Replica(url)]
        self._chance = Random(seed)
        self._families = families
        self._start = self.now = start
        self._moves = Moves()
        self._files: dict[str, list[str]] = {}
        self._visits: Counter[str] = Counter()
        self.report = Report()

    def close(self) -> None:
        """End the replicas."""
        for replica in self._replicas:
            replica.stop()
        self._database.engine.dispose()

    def run(self, count: int) -> Report:
        """Take so many steps, then check everything."""
        while self.report.steps < count:
            self._one()
        self._sweep()
        self.check()
        self.report.days = (self.now - self._start).days
        self.report.deaths = sum(replica.deaths for replica in self._replicas)
        return self.report

    def _one(self) -> None:
        chance = self._chance.random()
        open_ids = self._open_ids()
        if len(open_ids) < self._families:
            self._open()
        elif chance < 0.04:
            self._jump()
        else:
            self.now += dt.timedelta(minutes=self._chance.randrange(1, 240))
            self._act(self._chance.choice(open_ids))

    def _open_ids(self) -> list[str]:
        """Matters that are not over, and a few that are: follow-ups and corrections."""
        with self._database.transaction() as session:
            query = select(MatterRow.matter_id).where(MatterRow.closed_at.is_(None))
            return list(session.scalars(query.order_by(MatterRow.matter_id)))

    def _open(self) -> None:
        """Detect saw something, or somebody opens a matter by hand."""
        self.report.opened += 1
        if self._chance.random() < 0.4:
            what, hours = self._chance.choice(("clue", "finding")), self._chance.choice((1, 3, 24))
            self._ask({"do": "seen", "now": self.now.isoformat(), "what": what, "hours": hours})
            return
        kind = self._chance.choice(OPENED)
        life = rules.life_cycle(kind)
        rows = [row for row in life.acts if not row.from_states and row.by & {"officer", "leader"}]
        if rows:
            self._open_by_hand(kind, self._chance.choice(rows))

    def _open_by_hand(self, kind: Kind, row: Act) -> None:
        """Until a draft is accepted; twice by the same request, as after a lost answer."""
        for attempt in range(_DRAFTS):
            if self._try_opening(kind, row, f"walk-{self.report.opened}-{attempt}"):
                return

    def _try_opening(self, kind: Kind, row: Act, request_id: str) -> bool:
        who = self._chance.choice([one for one, a in PEOPLE.items() if a.role.value in row.by])
        command = {
            "do": "open",
            "now": self.now.isoformat(),
            "kind": kind.value,
            "act": row.key,
            "outlet_id": f"{self._chance.choice(PLANTS)}-DA001",
            "who": who,
            "fields": draft(row, None, [], self.now, self._chance, who),
            "reason": "理由",
            "request_id": request_id,
        }
        answers = [self._ask(command), self._ask(command)]
        assert answers[0] == answers[1]
        self.report.refused += "refused" in answers[0]
        return "matter_id" in answers[0]

    def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        replica = self._chance.choice(self._replicas)
        replica.tell(command)
        return replica.answer()

    def _act(self, matter_id: str) -> None:
        """Somebody does something that is allowed here; now and then the replica dies over it."""
        if self._is_with_police(matter_id):
            outcome = self._chance.choice(("", "filed", "not_filed", "returned"))
            command = {"do": "police", "matter_id": matter_id, "outcome": outcome}
            self._ask({**command, "now": self.now.isoformat()})
            return
        found = self._choose(matter_id)
        if found is None:
            return
        matter, row, who, fields = found
        command = {
            "do": "act",
            "now": self.now.isoformat(),
            "matter_id": matter_id,
            "act": row.key,
            "who": who,
            "fields": fields,
            "reason": "理由",
            "version": matter.version,
        }
        if self._chance.random() < 0.02:
            self._die_over(command, matter)
            return
        answer = self._ask(command)
        self.report.refused += "refused" in answer
        if "state" in answer:
            self.report.steps += 1
            self.report.acts[f"{matter.kind.value}.{row.key}"] += 1
            self._visits[f"{matter.kind.value}.{answer['state']}"] += 1

    def _is_with_police(self, matter_id: str) -> bool:
        query = select(MatterRow.state).where(MatterRow.matter_id == matter_id)
        with self._database.transaction() as session:
            return session.scalar(query) in {"referral_approved", "with_police"}

    def _choose(self, matter_id: str) -> tuple[Matter, Act, str, dict[str, str]] | None:
        """A row, a person and fields that the engine would accept; forward ones first."""
        with self._database.transaction() as session:
            matter = store.load(session, matter_id)
            attempt = attempt_of(session, matter, doer_of(PEOPLE["l-1"]), self.now)
        if not attempt.attachments and self._chance.random() < 0.3:
            self._attach(matter)
        life = rules.life_cycle(matter.kind)
        files = [one.attachment_id for one in attempt.attachments]
        rows = [row for row in life.from_state(matter.state, matter.level) if row.by & _HUMAN]
        self._chance.shuffle(rows)
        rows.sort(key=lambda row: self._late(matter, row))
        for row in rows:
            people = [who for who, actor in PEOPLE.items() if actor.role.value in row.by]
            for _ in range(_DRAFTS + len(row.fields)):
                who = self._chance.choice(people)
                if PEOPLE[who].enterprise_id and matter.confidential:
                    continue
                fields = draft(row, matter, files, self.now, self._chance, who)
                tried = replace(attempt, doer=doer_of(PEOPLE[who]), fields=fields, reason="理由")
                if self._would_do(row, tried):
                    return matter, row, who, fields
        return None

    def _would_do(self, row: Act, tried: Attempt) -> bool:
        life = rules.life_cycle(tried.matter.kind)
        try:
            steps.take(life, row.key, tried, rules.terms())
        except FarsightError:
            return False
        return True

    def _attach(self, matter: Matter) -> None:
        """Files of every purpose, so that gates that ask for proof can be passed."""
        self._ask(
            {
                "do": "attach",
                "now": self.now.isoformat(),
                "matter_id": matter.matter_id,
                "who": self._chance.choice(("o-1", "o-2", "l-1")),
            }
        )

    def _late(self, matter: Matter, row: Act) -> float:
        """What leads where walks seldom came goes first; what ends a matter or is aside, late."""
        kind = matter.kind.value
        done = 1 + self.report.acts[f"{kind}.{row.key}"]
        targets = row.targets - {SAME}
        seen = min((self._visits[f"{kind}.{state}"] for state in targets), default=done)
        aside = 20 if row.key in _ASIDE else 0
        ends = 3 if row.targets <= self._moves.final[matter.kind] else 0
        return seen + aside + ends + 2 * self._chance.random()

    def _die_over(self, command: dict[str, Any], matter: Matter) -> None:
        """Kill the replica in the middle: the act is done whole or not at all."""
        replica = self._chance.choice(self._replicas)
        replica.tell(command)
        time.sleep(self._chance.random() * 0.03)
        replica.die()
        replica.start()
        with self._database.transaction() as session:
            after = store.load(session, matter.matter_id)
        assert after.version >= matter.version
        self.report.steps += after.version > matter.version

    def _jump(self) -> None:
        """To the next end of a clock, or some days on; then both replicas sweep at once."""
        with self._database.transaction() as session:
            ends = select(func.min(ClockRow.due_at)).where(
                ClockRow.ended_at.is_(None), ClockRow.state == ClockState.RUNNING.value
            )
            first = session.scalar(ends)
        if first is not None and self._chance.random() < 0.7:
            self.now = max(self.now, first)
        else:
            self.now += dt.timedelta(days=self._chance.randrange(1, 5))
        self._sweep()

    def _sweep(self) -> None:
        """Both replicas at once; one of them may die over it, the other still does all."""
        command = {"do": "sweep", "now": self.now.isoformat()}
        for replica in self._replicas:
            replica.tell(command)
        victim = self._chance.randrange(2) if self._chance.random() < 0.15 else None
        if victim is not None:
            time.sleep(self._chance.random() * 0.05)
            self._replicas[victim].die()
            self._replicas[victim].start()
        for number, replica in enumerate(self._replicas):
            if number != victim:
                replica.answer()
        if victim is not None:  # rows that died half-way are free again
            self._ask(command)
        self.report.sweeps += 1

    def check(self) -> None:
        """Everything that must hold, over every matter of the database."""
        with self._database.transaction() as session:
            ids = session.scalars(select(MatterRow.matter_id)).all()
            matters = [store.load(session, matter_id) for matter_id in ids]
            self.report.clocks = check_clocks(session, matters, self.now)
            lines = session.scalar(select(func.count()).select_from(EventRow))
        for matter in matters:
            check_matter(self._moves, matter)
            for event in matter.events:
                self.report.states[f"{matter.kind.value}.{event.to_state}"] += 1
        assert lines == sum(len(matter.events) for matter in matters)
        self.report.matters = len(matters)
        self.report.closed = sum(matter.closed_at is not None for matter in matters)

    def missed(self) -> list[str]:
        """States of the tables that the walk never came to."""
        every = {f"{kind.value}.{state}" for kind in Kind for state in self._moves.states[kind]}
        return sorted(every - set(self.report.states))
