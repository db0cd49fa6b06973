"""挂牌建议: a plant whose orders reach a configured count is proposed for listed supervision."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.cases import registry_copy, rules
from services.cases.app.open_matter import Opening, open_matter
from services.cases.domain.matter import Kind, Level, Matter
from services.cases.tables import MatterRow


@dataclass(frozen=True)
class Threshold:
    """挂牌建议条件: so many orders of at least this level in so many days; count 0 = never."""

    count: int
    days: int
    level: Level


def threshold() -> Threshold:
    """The threshold of `supervision.yaml`."""
    row = rules.load("supervision.yaml")["listing"]
    return Threshold(int(row["count"]), int(row["days"]), Level[row["level"].upper()])


def propose_listing(
    session: Session, order: Matter, now: dt.datetime, limit: Threshold | None = None
) -> Matter | None:
    """Open a proposal when this order makes the count; None where nothing is to be proposed.

    A plant that is proposed or listed already, or was declined inside the span, is left alone.
    """
    limit = limit or threshold()
    if limit.count == 0 or order.level < limit.level:
        return None
    since = now - dt.timedelta(days=limit.days)
    if _is_known(session, order.credit_code, since):
        return None
    numbers = _numbers(session, order.credit_code, since, limit)
    if len(numbers) < limit.count:
        return None
    place = registry_copy.place_of_plant(session, "", order.credit_code)
    opening = Opening(
        kind=Kind.LISTED,
        act="propose",
        level=Level.SUPERVISION,
        item=Kind.LISTED.value,
        item_zh=rules.life_cycle(Kind.LISTED).zh,
        factors=(),
        finding_ids=(),
        correlation_id=order.correlation_id,
        fields={
            "orders": "、".join(numbers),
            "count": str(len(numbers)),
            "days": str(limit.days),
            "version": str(rules.load("supervision.yaml")["version"]),
        },
        title=f"{place.enterprise_short or place.enterprise_name}挂牌督办",
    )
    return open_matter(session, opening, place, now)


def _is_known(session: Session, credit_code: str, since: dt.datetime) -> bool:
    query = select(func.count()).where(
        MatterRow.kind == Kind.LISTED.value,
        MatterRow.credit_code == credit_code,
        MatterRow.closed_at.is_(None) | (MatterRow.opened_at >= since),
    )
    return bool(session.scalar(query))


def _numbers(session: Session, credit_code: str, since: dt.datetime, limit: Threshold) -> list[str]:
    """Orders that count, oldest first; cancelled ones were none."""
    query = (
        select(MatterRow.number)
        .where(
            MatterRow.kind == Kind.ORDER.value,
            MatterRow.credit_code == credit_code,
            MatterRow.opened_at >= since,
            MatterRow.level >= int(limit.level),
            MatterRow.state != "cancelled",
        )
        .order_by(MatterRow.opened_at, MatterRow.number)
    )
    return list(session.scalars(query))
