"""Domain values to protobuf and back. The only module that knows both beside the doors."""

from __future__ import annotations

import datetime as dt
from collections.abc import Container, Iterable, Sequence
from typing import Protocol

from google.protobuf.timestamp_pb2 import Timestamp

from services.cases.domain.derivation import APPROVER
from services.cases.domain.leave import Leave
from services.cases.domain.lifecycle import Act, LifeCycle
from services.cases.domain.matter import (
    ClockState,
    Event,
    Kind,
    Level,
    Matter,
    Officer,
    Row,
    Running,
)
from services.cases.domain.notices import Notice
from services.cases.domain.triggers import Seen
from services.chassis.clock import from_timestamp, to_timestamp
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from services.chassis.pb.detect.v1 import detect_pb2
from services.chassis.pb.registry.v1 import registry_pb2

KINDS = {kind: pb.MatterKind.Value(f"MATTER_KIND_{kind.name}") for kind in Kind}
LEVELS = {
    Level.WARNING: pb.LEVEL_WARNING,
    Level.DISPATCH: pb.LEVEL_DISPATCH,
    Level.SUPERVISION: pb.LEVEL_SUPERVISION,
}
KIND_OF = {number: kind for kind, number in KINDS.items()}
LEVEL_OF = {number: level for level, number in LEVELS.items()}


_PLANT = "enterprise"
_OPEN = frozenset({ClockState.RUNNING.value, ClockState.BREACHED.value})


class OutletKind(Protocol):
    """What a trigger's scope asks of an outlet."""

    @property
    def division(self) -> str:
        """County code."""

    @property
    def industry(self) -> str:
        """Of its enterprise, GB/T 4754-2017."""

    @property
    def process(self) -> str:
        """Of the outlet, as the registry names it."""


def row_of(finding: detect_pb2.Finding) -> Row:
    """What a matter keeps of a finding."""
    return Row(
        finding_id=finding.finding_id,
        revision=finding.revision,
        rule_id=finding.rule_id,
        factors=tuple(finding.factors),
        start=from_timestamp(finding.start),
        end=from_timestamp(finding.end),
        closed=finding.state == detect_pb2.FINDING_STATE_CLOSED,
        seen=finding.seen,
        statistic=finding.statistic,
        threshold=finding.threshold,
        unit=finding.unit,
        count=finding.count,
        withdrawn="withdrawn" in finding.facts and bool(finding.facts["withdrawn"]),
        why=str(finding.facts["reason"]) if "reason" in finding.facts else "",
    )


def row_of_body(body: bytes) -> Row:
    """The same from the bytes that the store keeps."""
    return row_of(detect_pb2.Finding.FromString(body))


def seen_of(finding: detect_pb2.Finding, outlet: OutletKind) -> Seen:
    """A finding as triggers look at it."""
    facts = finding.facts.fields.items()
    return Seen(
        row=row_of(finding),
        count_today=finding.count_today,
        count_7_days=finding.count_7_days,
        confidential=finding.confidential,
        division=outlet.division,
        industry=outlet.industry,
        process=outlet.process,
        outlet_id=finding.outlet_id,
        facts={key: one.number_value for key, one in facts if one.HasField("number_value")},
    )


def officer_of(record: registry_pb2.Officer) -> Officer:
    """An officer of the registry; a certificate without a readable end is none."""
    expires = None
    if record.certificate and record.certificate_expires:
        expires = dt.date.fromisoformat(record.certificate_expires)
    return Officer(
        officer_id=record.officer_id,
        name=record.name,
        division=record.division,
        role=record.role,
        team_id=record.team_id,
        expires=expires,
    )


def leave_of(record: registry_pb2.Leave) -> Leave:
    """An absence of the registry, which has read its days before."""
    return Leave(
        leave_id=record.leave_id,
        officer_id=record.officer_id,
        first=dt.date.fromisoformat(record.from_day),
        last=dt.date.fromisoformat(record.to_day) if record.to_day else None,
        substitute_id=record.substitute_id,
        kind=record.kind,
    )


def head_message(matter: Matter, life: LifeCycle) -> pb.Matter:
    """The head of a matter with its rows and clocks, without timeline."""
    due = matter.next_due()
    return pb.Matter(
        matter_id=matter.matter_id,
        number=matter.number,
        kind=KINDS[matter.kind],
        state=matter.state,
        state_name=life.states[matter.state].zh,
        level=LEVELS[matter.level],
        title=matter.title,
        outlet_id=matter.outlet_id,
        credit_code=matter.credit_code,
        division=matter.division,
        item=matter.item,
        factors=matter.factors,
        confidential=matter.confidential,
        rows=map(_row_message, matter.rows),
        clocks=map(clock_message, matter.clocks),
        assignee_id=matter.assignee_id,
        assignee_name=matter.assignee_name,
        team_id=matter.team_id,
        opened_at=to_timestamp(matter.opened_at),
        closed_at=_optional(matter.closed_at),
        next_due_at=_optional(due.due_at if due else None),
        next_due_key=due.key if due else "",
        version=matter.version,
        correlation_id=matter.correlation_id,
        enterprise_name=matter.enterprise_name,
        outlet_name=matter.outlet_name,
        referral_id=matter.referral_id,
        parent_matter_id=matter.parent_matter_id,
        root_id=matter.root_id,
        risk=matter.risk,
    )


def full_message(matter: Matter, life: LifeCycle, acts: Iterable[Act] = ()) -> pb.Matter:
    """The head with timeline and the acts the caller may do."""
    message = head_message(matter, life)
    message.timeline.extend(event_message(event, life) for event in matter.events)
    message.allowed.extend(act_message(act) for act in acts)
    message.risk_reasons.extend(
        pb.RiskReason(key=key, name=zh, points=points) for key, zh, points in matter.risk_reasons
    )
    return message


def for_enterprise(message: pb.Matter, life: LifeCycle) -> pb.Matter:
    """What the plant may see of its own matter: its own terms, no internal work, no names.

    A term that binds the authority is its own business: when a covert recheck is due, above all.
    """
    shown = life.states[message.state].shown_to_enterprise
    if shown:
        message.state, message.state_name = shown, life.states[shown].zh
    clocks = [clock for clock in message.clocks if clock.bound == _PLANT]
    for clock in clocks:
        clock.derivation[:] = [x for x in clock.derivation if not x.startswith(APPROVER)]
    timeline = [event for event in message.timeline if not is_internal(event, life)]
    for event in timeline:
        hide_from_plant(event, frozenset(clock.key for clock in clocks))
    del message.timeline[:], message.clocks[:]
    message.timeline.extend(timeline)
    message.clocks.extend(clocks)
    for name in (
        "assignee_id", "assignee_name", "team_id", "parent_matter_id", "referral_id", "risk",
        "risk_reasons", "next_due_at", "next_due_key",
    ):  # fmt: skip
        message.ClearField(name)
    waiting = [clock for clock in clocks if clock.HasField("due_at") and clock.state in _OPEN]
    if waiting:
        first = min(waiting, key=lambda clock: clock.due_at.ToNanoseconds())
        message.next_due_at.CopyFrom(first.due_at)
        message.next_due_key = first.key
    return message


def is_internal(event: pb.MatterEvent, life: LifeCycle) -> bool:
    """Whether a line is the authority's own work, not the plant's business."""
    return any(act.internal for act in life.acts if act.key == event.act)


def hide_from_plant(event: pb.MatterEvent, clocks: Container[str]) -> None:
    """Leave out which officer it was, and every clock but the plant's own."""
    if event.actor_role in {"officer", "leader"}:
        event.actor_id = event.actor_name = ""
    for name in [key for key in event.fields if key.startswith("clocks_")]:
        notes = str(event.fields[name]).split("; ")
        kept = "; ".join(note for note in notes if note.partition(" ")[0] in clocks)
        if kept:
            event.fields[name] = kept
        else:
            del event.fields[name]


def event_message(event: Event, life: LifeCycle) -> pb.MatterEvent:
    """One line of a timeline, with the names that the table gives its fields."""
    message = pb.MatterEvent(
        seq=event.seq,
        at=to_timestamp(event.at),
        actor_id=event.doer.person_id,
        actor_name=event.doer.name,
        actor_role=event.doer.role,
        scripted=event.doer.scripted,
        act=event.act,
        act_name=event.act_zh,
        from_state=event.from_state,
        to_state=event.to_state,
        reason=event.reason,
        digest_sm3=event.digest,
    )
    message.fields.update(dict(event.fields))
    for field in life.fields_of(event.act):
        if field.name in event.fields:
            message.field_names[field.name] = field.zh
            if name := field.name_of(event.fields[field.name]):
                message.value_names[field.name] = name
    return message


def clock_message(clock: Running) -> pb.Clock:
    """A clock with its derivation in Chinese."""
    return pb.Clock(
        clock_id=clock.clock_id,
        key=clock.key,
        action=clock.action_zh,
        statutory=clock.statutory,
        started_at=to_timestamp(clock.started_at),
        due_at=_optional(clock.due_at),
        provisional=clock.provisional,
        state=clock.state.value,
        derivation=[line.zh for line in clock.derivation],
        source=clock.source_zh,
        ended_at=_optional(clock.ended_at),
        bound=clock.bound,
        lapses=clock.lapses,
        pauses=[
            pb.Pause(start=to_timestamp(one.start), end=_optional(one.end), cause=one.cause)
            for one in clock.pauses
        ],
        extensions=[one.key for one in clock.grants],
    )


def changed_message(matter: Matter, life: LifeCycle, event: Event) -> pb.MatterChanged:
    """The event that tells others of a step."""
    return pb.MatterChanged(
        matter=head_message(matter, life), last_event=event_message(event, life)
    )


def notice_message(notice: Notice, matter: Matter) -> pb.NoticeRequested:
    """The event that asks notify to tell somebody."""
    return pb.NoticeRequested(
        cause_id=notice.cause_id,
        template=notice.template,
        parameters=notice.parameters,
        recipients=[pb.Recipient(kind=a.kind, key=a.key, role=a.role) for a in notice.addresses],
        level=notice.level,
        event_time=to_timestamp(notice.event_time),
        matter_id=matter.matter_id,
        division=matter.division,
        correlation_id=matter.correlation_id,
        outlet_id=matter.outlet_id,
    )


def referral_message(matter: Matter, findings: Sequence[bytes]) -> pb.ReferralRequested:
    """The event that hands an approved referral over; the acts before it are in the timeline."""
    asked, approved = matter.last("request_referral"), matter.last("approve_referral")
    assert asked is not None
    assert approved is not None
    return pb.ReferralRequested(
        matter_id=matter.matter_id,
        number=matter.number,
        outlet_id=matter.outlet_id,
        credit_code=matter.credit_code,
        division=matter.division,
        charge=asked.fields["charge"],
        requested_by=asked.doer.person_id,
        requested_at=to_timestamp(asked.at),
        start=_optional(min((row.start for row in matter.rows), default=None)),
        end=_optional(max((row.end for row in matter.rows), default=None)),
        findings=[detect_pb2.Finding.FromString(body) for body in findings],
        correlation_id=matter.correlation_id,
        approved_by=approved.doer.person_id,
        approved_at=to_timestamp(approved.at),
        officer_ids=[asked.doer.person_id, asked.fields["officer_2"]],
    )


def _row_message(row: Row) -> pb.OrderRow:
    return pb.OrderRow(
        finding_id=row.finding_id,
        rule_id=row.rule_id,
        factors=row.factors,
        start=to_timestamp(row.start),
        end=to_timestamp(row.end),
        seen=row.seen,
        statistic=row.statistic,
        threshold=row.threshold,
        unit=row.unit,
        count=row.count,
    )


def act_message(act: Act) -> pb.AllowedAct:
    """A row as a form."""
    fields = [
        pb.ActField(
            name=f.name,
            label=f.zh,
            type=f.kind,
            required=f.required,
            choices=f.choices,
            when_field=f.when.field,
            when_values=sorted(f.when.values),
        )
        for f in act.fields
    ]
    return pb.AllowedAct(
        act=act.key,
        name=act.zh,
        fields=fields,
        hint=act.hint,
        reason=act.reason,
        papers=[one.template for one in act.papers],
        aside=act.common,
    )


def _optional(moment: dt.datetime | None) -> Timestamp | None:
    """A Timestamp, or None which protobuf leaves unset."""
    return None if moment is None else to_timestamp(moment)
