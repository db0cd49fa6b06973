"""A plant whose position is registered, a visit to it, and records as devices make them."""

import datetime as dt
import uuid

import pytest

from services.cases.app.attach_file import attach_file
from services.cases.app.issue_form import issue_form
from services.cases.app.open_by_person import Wish, open_by_person
from services.cases.app.submit_record import submit_record
from services.cases.attachment_spool import Spool
from services.cases.domain.attachments import Handed
from services.cases.domain.matter import Kind
from services.chassis.clock import BEIJING, to_timestamp, utc_now
from services.chassis.pb.cases.v1 import inspection_pb2 as pb
from services.chassis.replica import apply_records
from tests.integration.cases_rig import (
    OUTLET,
    PLANT,
    WANG,
    region,
    registry_records,
)

NOW = utc_now().replace(microsecond=0)
HERE = {"longitude": "114.4801", "latitude": "36.6102", "system": "wgs84"}
AWAY = {"longitude": "114.60", "latitude": "36.70", "system": "wgs84"}
FILM = b"\x00\x00\x00\x20ftypisom" + b"0" * 100
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 60


def iso(hours: float) -> str:
    """A moment so many hours from now, as a device writes it."""
    return (NOW + dt.timedelta(hours=hours)).astimezone(BEIJING).isoformat()


def today() -> str:
    """The Beijing day."""
    return NOW.astimezone(BEIJING).date().isoformat()


REQUEST = {
    "basis": "random",
    "purpose": "自动监测专项检查",
    "officer_1": "o-wang",
    "officer_2": "o-li",
    "planned_from": iso(-1),
    "planned_until": iso(8),
    "place": "厂区",
    "covert": "yes",
    "topics": "production permit_ledger",
}
SHOWN = {
    "shown_at": iso(0),
    "certificate_1": "冀环o-wang",
    "certificate_2": "冀环o-li",
    "shown_to": "张三，环保主管",
    "rights_told": "yes",
}
FINISH = {
    "officer_2": "o-li",
    "ended_at": iso(0),
    "record_by": "device",
    "situation": "生产正常，台账齐全",
    "party": "张三，环保主管",
    "signature": "signed",
    "no_video_reason": "执法记录仪故障",
}


@pytest.fixture
def place(migrated_db):
    """The region with a plant whose position is registered."""
    with region(migrated_db("cases"), NOW) as fresh:
        records = registry_records()
        for record in records:
            record.revision += 100
            if record.key == PLANT:
                record.enterprise.longitude, record.enterprise.latitude = 114.48, 36.61
        with fresh.database.transaction() as session:
            apply_records(session, records)
        yield fresh


def ask(place, who=WANG, act="request", reason="", **changes: str):
    """Open an inspection."""
    wish = Wish(Kind.INSPECTION, act, OUTLET, fields={**REQUEST, **changes}, reason=reason)
    with place.database.transaction() as session:
        return open_by_person(session, who, wish, NOW)


def approved(place):
    """One that may start; an urgent one needs no paper before, which takes time to print."""
    return ask(place, act="begin_urgent", reason="举报正在偷排")


def checking(place):
    """One whose officers have shown their certificates."""
    matter = place.act(WANG, approved(place), "arrive", arrived_at=iso(0), **HERE)
    return place.act(WANG, matter, "show_certificates", **SHOWN)


def form_of(place, matter, who=WANG, topics=()) -> tuple[pb.Form, bytes]:
    """The form and its digest."""
    with place.database.transaction() as session:
        body, digest = issue_form(session, who, matter.matter_id, topics, NOW)
    return pb.Form.FromString(body), digest


def answers(form: pb.Form, **changes: str) -> list[pb.Answer]:
    """Each required item answered as if nothing was wrong."""
    plain = {"check": "yes", "number": "80", "text": "无"}
    given = []
    for item in (item for one in form.checklists for item in one.items if item.required):
        if item.when_item and changes.get(item.when_item) not in item.when_values:
            continue
        value = item.choices[0].partition("|")[0] if item.choices else plain[item.answer]
        value = "no" if item.fault == "yes" else value
        given.append(pb.Answer(item_id=item.item_id, value=changes.get(item.item_id, value)))
    return given


def record(matter, form: pb.Form, digest: bytes, **changes) -> pb.InspectionRecord:
    """A complete record of a visit."""
    whole = pb.InspectionRecord(
        record_id=str(uuid.uuid4()),
        matter_id=matter.matter_id,
        form_sm3=digest,
        complete=True,
        answers=answers(form, **{"prod-01": "full"}),
        signatures=[
            pb.Signature(role=role, name=name, officer_id=who, media_type="image/png", image=PNG)
            for role, name, who in (
                ("officer", "王", "o-wang"), ("officer", "李", "o-li"), ("party", "张三", ""),
            )
        ],
        started_at=to_timestamp(NOW - dt.timedelta(hours=1)),
        ended_at=to_timestamp(NOW),
        sent_at=to_timestamp(NOW + dt.timedelta(seconds=30)),
        device_id="T-1",
        app_version="1.0",
        situation="生产正常",
    )  # fmt: skip
    for name, value in changes.items():
        if isinstance(value, list):
            del getattr(whole, name)[:]
            getattr(whole, name).extend(value)
        else:
            setattr(whole, name, value)
    return whole


def submit(place, one: pb.InspectionRecord, who=WANG):
    """Hand a record in."""
    with place.database.transaction() as session:
        return submit_record(session, who, one, NOW)


def film(place, matter, purpose="video", body=FILM, kind="video/mp4") -> str:
    """A file on the matter."""
    with place.database.transaction() as session, Spool(10_000) as spool:
        spool.add(body)
        handed = Handed(matter.matter_id, "全程.mp4", purpose, kind)
        return attach_file(session, WANG, handed, spool.received(b""), NOW).attachment_id
