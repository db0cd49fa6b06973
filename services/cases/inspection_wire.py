"""Forms and records of inspections: protobuf to domain values and back."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from services.cases.domain.checklists import Checklist, Item
from services.cases.domain.records import (
    Answer,
    Conflict,
    Point,
    QuickTest,
    Sample,
    Signature,
    Visit,
)
from services.cases.inspection_tables import RecordRow
from services.chassis.clock import from_timestamp, to_timestamp
from services.chassis.pb.cases.v1 import inspection_pb2 as pb


def checklist_message(one: Checklist) -> pb.Checklist:
    """A checklist as a form."""
    return pb.Checklist(
        topic=one.topic,
        name=one.zh,
        version=one.version,
        source=one.source,
        items=[
            pb.ChecklistItem(
                item_id=item.item_id,
                question=item.ask,
                how=item.how,
                evidence=item.evidence,
                law=item.law,
                answer=item.answer,
                choices=item.choices,
                unit=item.unit,
                required=item.required,
                when_item=item.when_item,
                when_values=sorted(item.when_values),
                fault=item.fault,
                needs_proof=item.proof,
            )
            for item in one.items
        ],
    )


def checklist_of(message: pb.Checklist) -> Checklist:
    """A checklist of a form that went out, whatever the data say by now."""
    return Checklist(
        topic=message.topic,
        zh=message.name,
        version=message.version,
        source=message.source,
        order=0,
        items=tuple(
            Item(
                item_id=item.item_id,
                ask=item.question,
                how=item.how,
                evidence=item.evidence,
                law=item.law,
                answer=item.answer,
                choices=tuple(item.choices),
                unit=item.unit,
                required=item.required,
                when_item=item.when_item,
                when_values=frozenset(item.when_values),
                fault=item.fault,
                proof=item.needs_proof,
            )
            for item in message.items
        ),
    )


def topic_message(one: Checklist, *, suggested: bool) -> pb.Topic:
    """A topic as a list shows it."""
    return pb.Topic(
        topic=one.topic,
        name=one.zh,
        version=one.version,
        items=len(one.items),
        suggested=suggested,
        industries=one.industries,
        media=sorted(one.media),
    )


def visit_of(body: bytes, version: int) -> Visit:
    """A record from the bytes that the store keeps."""
    return visit(pb.InspectionRecord.FromString(body), version)


def visit(record: pb.InspectionRecord, version: int = 0) -> Visit:
    """A record as rules look at it."""
    return Visit(
        record_id=record.record_id,
        complete=record.complete,
        replaces=frozenset(record.replaces),
        answers=tuple(
            Answer(one.item_id, one.value.strip(), one.note, tuple(one.attachment_ids))
            for one in record.answers
        ),
        tests=tuple(map(_test, record.tests)),
        samples=tuple(
            Sample(
                one.sample_id,
                one.factors,
                one.place,
                _moment(one, "taken_at"),
                tuple(one.attachment_ids),
            )
            for one in record.samples
        ),
        signatures=tuple(map(_signature, record.signatures)),
        track=tuple(Point(_moment(one, "at"), one.longitude, one.latitude) for one in record.track),
        started_at=_moment(record, "started_at"),
        ended_at=_moment(record, "ended_at"),
        device_id=record.device_id,
        situation=record.situation,
        films=tuple(record.video_ids),
        version=version,
    )


def _test(one: pb.QuickTest) -> QuickTest:
    return QuickTest(
        factor=one.factor,
        value=one.value,
        unit=one.unit,
        instrument=one.instrument,
        instrument_id=one.instrument_id,
        calibrated_on=one.calibrated_on,
        tested_at=_moment(one, "tested_at"),
        place=one.place,
        files=tuple(one.attachment_ids),
    )


def _signature(one: pb.Signature) -> Signature:
    return Signature(
        role=one.role,
        name=one.name,
        officer_id=one.officer_id,
        file=one.attachment_id,
        media_type=one.media_type,
        image=one.image,
        refused=one.refused,
        refusal=one.refusal,
    )


def _moment(message: Message, name: str) -> dt.datetime | None:
    """A moment of a device, None where it gave none."""
    stamp: Timestamp = getattr(message, name)
    return from_timestamp(stamp) if message.HasField(name) else None


def version_message(
    row: RecordRow, outcomes: Mapping[int, Sequence[Sequence[str]]], *, standing: bool
) -> pb.RecordVersion:
    """A version as kept."""
    return pb.RecordVersion(
        version=row.version,
        record=pb.InspectionRecord.FromString(row.body),
        sha256=row.sha256,
        sm3=row.sm3,
        submitted_by=row.submitted_by,
        received_at=to_timestamp(row.received_at),
        clock_offset_ms=row.clock_offset_ms,
        standing=standing,
        seq=row.seq,
        acts=[
            pb.ActOutcome(act=act, done=done == "yes", article=article, missing=missing)
            for act, done, article, missing in outcomes.get(row.version, ())
        ],
    )


def conflict_messages(found: Iterable[Conflict]) -> list[pb.RecordConflict]:
    """Contradictions, each with what the versions say."""
    return [
        pb.RecordConflict(
            item_id=one.name,
            versions=[version for version, _ in one.said],
            values=[value for _, value in one.said],
        )
        for one in found
    ]
