"""Judge the risk of a matter with each of its steps, so that the queue is in order at once."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from sqlalchemy.orm import Session

from services.cases import registry_copy, rules, store
from services.cases.domain.matter import Matter
from services.cases.domain.risk import Facts, risk_of


def judge_risk(session: Session, matter: Matter, now: dt.datetime) -> Matter:
    """The matter with its 风险分 and the reasons as of now."""
    weights = rules.risk_weights()
    since = matter.opened_at - dt.timedelta(days=365 * weights.repeat_years)
    facts = Facts(
        at=now,
        key_discharger=registry_copy.is_key_discharger(session, matter.credit_code),
        earlier_cases=store.earlier_cases(session, matter, since),
    )
    risk, reasons = risk_of(matter, facts, weights)
    return replace(
        matter, risk=risk, risk_reasons=tuple((one.key, one.zh, one.points) for one in reasons)
    )
