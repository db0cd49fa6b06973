"""A region with people, findings as detect tells them, and a running `cases`, for its tests."""

import datetime as dt
import hashlib
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from services.cases import store
from services.cases.app.act_on_matter import Request, act_on_matter
from services.cases.domain.matter import Matter
from services.cases.paper_store import IssuedPaper
from services.cases.tables import MatterRow, TriggerHitRow, TriggerTableRow
from services.chassis.clock import to_timestamp
from services.chassis.db import Database
from services.chassis.identity import Actor, Role
from services.chassis.pb.detect.v1 import detect_pb2
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.chassis.replica import apply_records
from services.chassis.tables import OutboxRow

PLANT = "91130402MA000T014P"
OUTLET = f"{PLANT}-DA001"
COUNTY, CITY, PROVINCE = "130402", "130400", "130000"


def actor(role: Role, who: str, division: str = COUNTY, plant: str = "") -> Actor:
    """Somebody who is signed in; authority acts under an officer id."""
    officer_id = who if role in {Role.OFFICER, Role.LEADER} else ""
    return Actor(who, role, division, plant, name=who, officer_id=officer_id)


WANG = actor(Role.OFFICER, "o-wang")
LI = actor(Role.OFFICER, "o-li")
ZHAO = actor(Role.OFFICER, "o-zhao")
EXPIRED = actor(Role.OFFICER, "o-expired")
LEADER = actor(Role.LEADER, "o-leader")
NEIGHBOUR = actor(Role.OFFICER, "o-neighbour", "130403")
MANAGER = actor(Role.ENTERPRISE, "u-plant", "", PLANT)
OTHER_PLANT = actor(Role.ENTERPRISE, "u-other", "", "91130402MA000T024X")


#: Fields of the acts, as somebody fills them in who wants them to succeed.
ANSWER = {"cause": "脱硫泵故障", "measure": "已更换", "evidence": "维修单 12"}
VERDICT = {"verdict": "rectified", "opinion": "已恢复", "evidence": "照片 3 张"}
VISIT = {"officer_2": "o-li", "visited_on": "2026-11-02", "found": "confirmed", "record": "笔录 7"}
FOUR = dict.fromkeys(
    ("facts_suspected", "punishable", "own_jurisdiction", "within_limitation"), "yes"
)
FINDINGS = {
    "officer_2": "o-li",
    "facts": "采样管插入样品瓶",
    "violation": "falsify_self_monitoring",
    "party_told_on": "2026-11-02",
}
TECHNICAL = {"equipment_ok": "yes", "record_ok": "yes", "opinion": "合格"}
LEGAL = {"place_published": "yes", "party_can_query": "yes", "opinion": "合格"}
PROPOSAL = {
    "officer_2": "o-li",
    "act_date": "2026-10-31",
    "harm": "no",
    "violation": "exceed_air",
    "facts": "二氧化硫小时均值超标",
    "evidence": "自动监测数据、现场检查笔录",
    "outcome": "penalty",
    "amount": "220000",
    "other_measures": "none",
    "discretion": "超标倍数较低，首次",
    "complex": "no",
    "public_interest": "no",
}
REPORT = {"officer_2": "o-li", "charge": "338", "report": "重点排污单位篡改自动监测数据"}


def registry_records() -> list[pb.Record]:
    """The plant, its outlet, the county's people and one neighbour."""
    records = [
        pb.Record(
            kind=pb.RECORD_KIND_ENTERPRISE,
            key=PLANT,
            enterprise=pb.Enterprise(
                credit_code=PLANT,
                name="示范热电有限公司",
                short_name="示范热电",
                division=COUNTY,
                industry="4411",
                address="示范市示范路1号",
            ),
        ),
        pb.Record(
            kind=pb.RECORD_KIND_OUTLET,
            key=OUTLET,
            outlet=pb.Outlet(
                outlet_id=OUTLET, credit_code=PLANT, name="1号炉", division=COUNTY, medium="air"
            ),
        ),
    ]
    for who, division, role, expires in (
        ("o-wang", COUNTY, "officer", "2030-01-01"),
        ("o-li", COUNTY, "officer", "2030-01-01"),
        ("o-zhao", COUNTY, "officer", "2030-01-01"),
        ("o-expired", COUNTY, "officer", "2020-01-01"),
        ("o-leader", COUNTY, "leader", "2030-01-01"),
        ("o-neighbour", "130403", "officer", "2030-01-01"),
    ):
        officer = pb.Officer(
            officer_id=who,
            name=who,
            division=division,
            role=role,
            team_id=f"t-{division}",
            certificate=f"冀环{who}",
            certificate_expires=expires,
        )
        records.append(pb.Record(kind=pb.RECORD_KIND_OFFICER, key=who, officer=officer))
    for revision, record in enumerate(records, start=1):
        record.revision = revision
    return records


def finding(now: dt.datetime, *, hours: int = 1, **changes: Any) -> detect_pb2.Finding:
    """An hourly exceedance of SO2 that ended at `now` after so many hours."""
    end = now.replace(minute=0, second=0, microsecond=0)
    message = detect_pb2.Finding(
        finding_id=f"f-{uuid.uuid4()}",
        revision=1,
        outlet_id=OUTLET,
        rule_id="hourly_exceedance",
        rule_version="1",
        factors=["a21026"],
        start=to_timestamp(end - dt.timedelta(hours=hours)),
        end=to_timestamp(end),
        state=detect_pb2.FINDING_STATE_OPEN,
        statistic=41.25,
        threshold=35,
        unit="mg/m3",
        seen="小时均值 41.25 mg/m3 超过限值 35 mg/m3",
        count=hours,
        count_today=hours,
        count_7_days=hours,
        division=COUNTY,
        correlation_id="corr-1",
    )
    for name, value in changes.items():
        if name == "factors":
            message.factors[:] = value
        else:
            setattr(message, name, value)
    return message


def bottle(now: dt.datetime) -> detect_pb2.Clue:
    """Two factors of one sampling line that collapsed together."""
    start = now - dt.timedelta(days=2)
    findings = [
        finding(
            now,
            finding_id=f"f-{factor}-{uuid.uuid4()}",
            rule_id="low_variance_part_of_day",
            factors=[factor],
            confidential=True,
        )
        for factor in ("w01018", "w21003")
    ]
    return detect_pb2.Clue(
        clue_id=f"c-{uuid.uuid4()}",
        revision=1,
        outlet_id=OUTLET,
        pattern="D01",
        finding_ids=[one.finding_id for one in findings],
        factors=["w01018", "w21003"],
        start=to_timestamp(start),
        end=to_timestamp(now),
        reason="两项因子同时失去波动",
        state=detect_pb2.FINDING_STATE_OPEN,
        correlation_id="corr-2",
        findings=findings,
    )


@dataclass
class Region:
    """The database of `cases` with the region's records, and short words for what tests do."""

    database: Database
    now: dt.datetime

    def matters(self) -> list[Matter]:
        """Every matter, oldest first."""
        with self.database.transaction() as session:
            ids = session.scalars(select(MatterRow.matter_id).order_by(MatterRow.number))
            return [store.load(session, matter_id) for matter_id in ids]

    def only(self) -> Matter:
        """The one matter there is."""
        (matter,) = self.matters()
        return matter

    def act(self, who: Actor, matter: Matter, act: str, reason: str = "", **fields: str) -> Matter:
        """Act as a person, at the region's present moment."""
        request = Request(matter.matter_id, act, fields, reason)
        with self.database.transaction() as session:
            return act_on_matter(session, who, request, self.now)

    def sent(self, kind: type[Any]) -> list[Any]:
        """Events of a type that wait in the outbox, oldest first."""
        name = kind.DESCRIPTOR.full_name
        with self.database.transaction() as session:
            rows = session.scalars(
                select(OutboxRow).where(OutboxRow.type_name == name).order_by(OutboxRow.outbox_id)
            )
            return [kind.FromString(row.body) for row in rows]

    def execute(self, *statements: str) -> None:
        """Run SQL in one transaction, as the service's role unless it resets that."""
        with self.database.transaction() as session:
            for statement in statements:
                session.execute(text(statement))

    def tables(self) -> list[str]:
        """Versions of the packs whose trigger tables were kept, oldest first."""
        with self.database.transaction() as session:
            query = select(TriggerTableRow.version).order_by(TriggerTableRow.seq)
            return list(session.scalars(query))

    def hits(self) -> list[tuple[str, str]]:
        """Mode and trigger of everything that was reached."""
        with self.database.transaction() as session:
            rows = session.execute(select(TriggerHitRow.mode, TriggerHitRow.trigger))
            return sorted((mode, trigger) for mode, trigger in rows)

    def run(self, what: Callable[..., Any], *args: Any) -> Any:
        """Call a use case in a transaction of its own."""
        with self.database.transaction() as session:
            return what(session, *args, self.now)


def wipe(session: Session) -> None:
    """Empty the schema between tests; the triggers against it are the owner's to lift."""
    session.execute(text("RESET ROLE"))
    tables = list(
        session.scalars(
            text(
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
                " AND tablename NOT LIKE 'alembic%'"
            )
        )
    )
    guarded = list(
        session.execute(
            text(
                "SELECT relname, tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid"
                " WHERE NOT tgisinternal AND (tgtype & 32) > 0"  # BEFORE TRUNCATE
                " AND relnamespace = current_schema()::regnamespace"
            )
        )
    )
    for table, trigger in guarded:
        session.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}"))
    session.execute(text(f"TRUNCATE {', '.join(tables)}"))
    for table, trigger in guarded:
        session.execute(text(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}"))


@contextmanager
def region(url: str, now: dt.datetime) -> Iterator[Region]:
    """A fresh region in a migrated database."""
    owner = Database(url, "cases")
    with owner.transaction() as session:
        wipe(session)
    owner.engine.dispose()
    database = Database(url, "cases")
    with database.transaction() as session:
        apply_records(session, registry_records())
    try:
        yield Region(database, now)
    finally:
        database.engine.dispose()


@contextmanager
def running_cases(url: str, amqp_uri: str) -> Iterator[subprocess.Popen[str]]:
    """`cases` as the product runs it: a process of its own, ended with the test."""
    env = {
        **os.environ,
        "DATABASE_URL": url,
        "AMQP_URI": amqp_uri,
        "FARSIGHT_PROBE_BIND": "127.0.0.1:0",
        "FARSIGHT_PARTITIONS": "2",
    }
    command = [sys.executable, "-m", "services.chassis.host", "cases"]
    process = subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if "service_ready" in line:
                break
        else:
            pytest.fail("cases did not start")
        yield process
    finally:
        process.kill()
        process.wait(10)


def wait_until(check: Callable[[], Any], seconds: float = 30) -> Any:
    """Poll until `check` gives something true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = check()
        if value:
            return value
        time.sleep(0.05)
    return pytest.fail(f"not within {seconds} s")


def issued_paper(
    matter_id: str, number: str, seq: int = 1, pdf: bytes = b"%PDF-1.7 x"
) -> IssuedPaper:
    """A document of a matter as the store keeps it."""
    return IssuedPaper(
        paper_id=str(uuid.uuid4()),
        matter_id=matter_id,
        seq=seq,
        template="rectification_order",
        template_version="1",
        title="责令改正违法行为决定书",
        number=number,
        revision=1,
        facts={"party": "示范热电有限公司"},
        sha256=hashlib.sha256(pdf).digest(),
        sm3=hashlib.new("sm3", pdf).digest(),
        size_bytes=len(pdf),
        made_at=dt.datetime(2026, 11, 2, tzinfo=dt.UTC),
        agency="丛",
        division=COUNTY,
        credit_code=PLANT,
        html="<p>x</p>",
        pdf=pdf,
        pages=1,
        copies=1,
    )
