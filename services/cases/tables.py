"""Rows of the schema `cases`. The search path decides the schema; migrations create the tables."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import (
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Identity,
    Integer,
    LargeBinary,
    MetaData,
    Text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Moment = DateTime(timezone=True)


class Base(DeclarativeBase):
    """Metadata of this service's own tables."""

    metadata = MetaData()


class MatterRow(Base):
    """办理事项: the present head of a matter; its history is in `matter_event`."""

    __tablename__ = "matter"
    matter_id: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[str] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(Text)
    level: Mapped[int] = mapped_column(Integer)
    title: Mapped[str] = mapped_column(Text)
    item: Mapped[str] = mapped_column(Text)
    factors: Mapped[list[str]] = mapped_column(ARRAY(Text))
    outlet_id: Mapped[str] = mapped_column(Text)
    credit_code: Mapped[str] = mapped_column(Text)
    division: Mapped[str] = mapped_column(Text)
    in_charge: Mapped[str] = mapped_column(Text)
    enterprise_name: Mapped[str] = mapped_column(Text)
    enterprise_short: Mapped[str] = mapped_column(Text)
    outlet_name: Mapped[str] = mapped_column(Text)
    confidential: Mapped[bool] = mapped_column(Boolean)
    assignee_id: Mapped[str] = mapped_column(Text)
    assignee_name: Mapped[str] = mapped_column(Text)
    team_id: Mapped[str] = mapped_column(Text)
    opened_at: Mapped[dt.datetime] = mapped_column(Moment)
    closed_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    next_due_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    next_due_key: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(BigInteger)
    correlation_id: Mapped[str] = mapped_column(Text)
    parent_matter_id: Mapped[str] = mapped_column(Text)
    referral_id: Mapped[str] = mapped_column(Text)
    root_id: Mapped[str] = mapped_column(Text)
    industry: Mapped[str] = mapped_column(Text)
    risk: Mapped[int] = mapped_column(Integer)
    risk_reasons: Mapped[list[tuple[str, str, int]]] = mapped_column(JSONB)
    rank: Mapped[int] = mapped_column(BigInteger)


class EventRow(Base):
    """过程记录: one line of a timeline. Append-only by trigger and by rights.

    `tx` orders lines for `Watch`: a line is shown once every older transaction has ended, so that
    a resume token never steps over one that commits late.
    """

    __tablename__ = "matter_event"
    matter_id: Mapped[str] = mapped_column(Text, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    event_id: Mapped[int] = mapped_column(BigInteger, Identity())
    at: Mapped[dt.datetime] = mapped_column(Moment)
    actor_id: Mapped[str] = mapped_column(Text)
    actor_name: Mapped[str] = mapped_column(Text)
    actor_role: Mapped[str] = mapped_column(Text)
    scripted: Mapped[bool] = mapped_column(Boolean)
    act: Mapped[str] = mapped_column(Text)
    act_zh: Mapped[str] = mapped_column(Text)
    from_state: Mapped[str] = mapped_column(Text)
    to_state: Mapped[str] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    fields: Mapped[dict[str, str]] = mapped_column(JSONB)
    digest: Mapped[bytes] = mapped_column(LargeBinary)


class ClockRow(Base):
    """期限 of a matter as it stands now."""

    __tablename__ = "matter_clock"
    clock_id: Mapped[str] = mapped_column(Text, primary_key=True)
    matter_id: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(Text)
    statutory: Mapped[bool] = mapped_column(Boolean)
    action_zh: Mapped[str] = mapped_column(Text)
    source_zh: Mapped[str] = mapped_column(Text)
    started_at: Mapped[dt.datetime] = mapped_column(Moment)
    due_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    provisional: Mapped[bool] = mapped_column(Boolean)
    derivation: Mapped[list[list[str]]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(Text)
    ended_at: Mapped[dt.datetime | None] = mapped_column(Moment)
    pauses: Mapped[list[list[str]]] = mapped_column(JSONB)
    grants: Mapped[list[list[str]]] = mapped_column(JSONB)
    schedule: Mapped[int] = mapped_column(Integer)
    lapses: Mapped[bool] = mapped_column(Boolean)
    bound: Mapped[str] = mapped_column(Text)
    started_by: Mapped[int] = mapped_column(BigInteger)
    start_field: Mapped[str] = mapped_column(Text)


class FindingRow(Base):
    """疑似问题 as detect last told it; `body` is the event's own message."""

    __tablename__ = "finding"
    finding_id: Mapped[str] = mapped_column(Text, primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger)
    outlet_id: Mapped[str] = mapped_column(Text)
    body: Mapped[bytes] = mapped_column(LargeBinary)


class MatterFindingRow(Base):
    """Which findings a matter is about, in the order they came."""

    __tablename__ = "matter_finding"
    matter_id: Mapped[str] = mapped_column(Text, primary_key=True)
    finding_id: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger, Identity())


class ClueRow(Base):
    """线索 of detect and the case it opened."""

    __tablename__ = "clue"
    clue_id: Mapped[str] = mapped_column(Text, primary_key=True)
    revision: Mapped[int] = mapped_column(BigInteger)
    matter_id: Mapped[str] = mapped_column(Text)


class NumberRow(Base):
    """文号: the last number given in a division and year."""

    __tablename__ = "number"
    kind: Mapped[str] = mapped_column(Text, primary_key=True)
    division: Mapped[str] = mapped_column(Text, primary_key=True)
    year: Mapped[int] = mapped_column(Integer, primary_key=True)
    last: Mapped[int] = mapped_column(Integer)


class TriggerTableRow(Base):
    """触发规则表 of an activation, with the timeline as it was then. Append-only."""

    __tablename__ = "trigger_table"
    seq: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    pack_id: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    timeline: Mapped[list[list[str]]] = mapped_column(JSONB)
    activated_at: Mapped[dt.datetime] = mapped_column(Moment)


class TriggerHitRow(Base):
    """触发: the highest trigger of an item that a finding reached, live or in monitor mode."""

    __tablename__ = "trigger_hit"
    finding_id: Mapped[str] = mapped_column(Text, primary_key=True)
    item: Mapped[str] = mapped_column(Text, primary_key=True)
    mode: Mapped[str] = mapped_column(Text, primary_key=True)
    opens: Mapped[str] = mapped_column(Text, primary_key=True)
    level: Mapped[int] = mapped_column(Integer)
    trigger: Mapped[str] = mapped_column(Text)
    item_zh: Mapped[str] = mapped_column(Text)
    table_version: Mapped[str] = mapped_column(Text)
    outlet_id: Mapped[str] = mapped_column(Text)
    division: Mapped[str] = mapped_column(Text)
    factors: Mapped[list[str]] = mapped_column(ARRAY(Text))
    day: Mapped[dt.date] = mapped_column(Date)
    first_at: Mapped[dt.datetime] = mapped_column(Moment)
    withdrawn: Mapped[bool] = mapped_column(Boolean)
