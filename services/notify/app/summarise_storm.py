"""One text in place of the many that the storm rule kept back."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from services.notify.domain.policy import Policy
from services.notify.domain.templates import Template
from services.notify.domain.text import parts_of
from services.notify.store import SendingRow


def summarise_storm(
    session: Session,
    sending_id: int,
    *,
    templates: Mapping[str, Template],
    policy: Policy,
    now: datetime,
) -> None:
    """Queue the summary for the window that the muted sending `sending_id` fell into."""
    muted = session.get_one(SendingRow, sending_id)
    count = session.scalar(
        select(func.count()).where(
            SendingRow.recipient_id == muted.recipient_id,
            SendingRow.item_key == muted.item_key,
            SendingRow.state == "muted",
            SendingRow.reason.startswith("storm"),
            SendingRow.created_at > now - policy.storm - timedelta(minutes=1),
        )
    )
    minutes = str(int(policy.storm / timedelta(minutes=1)))
    wording = templates["storm_summary"].render(
        policy.signature, {"minutes": minutes, "count": str(count)}
    )
    waits = policy.quiet(now)
    session.add(
        SendingRow(
            cause_id=f"storm:{muted.sending_id}",
            recipient_id=muted.recipient_id,
            recipient_name=muted.recipient_name,
            phone=muted.phone,
            matter_id=muted.matter_id,
            division=muted.division,
            credit_code=muted.credit_code,
            outlet_id=muted.outlet_id,
            item_key=f"storm_summary:{muted.item_key}",
            template="storm_summary",
            text=wording,
            parts=parts_of(wording),
            level=2,
            state="held" if waits else "queued",
            reason="quiet_hours" if waits else "",
            not_before=policy.quiet_until(now) if waits else now,
            created_at=now,
            correlation_id=muted.correlation_id,
        )
    )
