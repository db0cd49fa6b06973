"""What became of a referral flows back into its case."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from sqlalchemy.orm import Session

from services.cases import rules, store
from services.cases.app.attempts import system_attempt
from services.cases.app.perform import perform
from services.cases.domain.matter import Kind, Matter
from services.chassis.pb.referral.v1 import referral_pb2

#: Outcome of the referral to the act of the case. A rerouted one is still with the police.
_ACTS = {"filed": "police_file", "not_filed": "police_refuse", "returned": "police_refuse"}


def handle_referral(session: Session, referral: referral_pb2.Referral, now: dt.datetime) -> None:
    """Take the steps that the referral's state allows; each at most once, in their order.

    Raises `NotFound` for a referral of a matter that is not ours.
    """
    matter = store.load(session, referral.matter_id, lock=True)
    matter = replace(matter, referral_id=referral.referral_id)
    if not matter.last("link_referral"):
        fields = {"referral": referral.referral_id, "number": referral.number}
        matter = _take(session, matter, "link_referral", fields, now)
    if referral.HasField("handed_over_at"):
        fields = {"police": referral.police_agency_name, "bundle_sm3": referral.bundle_sm3.hex()}
        matter = _take(session, matter, "hand_over", fields, now)
    if act := _ACTS.get(referral.outcome):
        fields = {"outcome": referral.outcome, "why": referral.outcome_reason}
        _take(session, matter, act, fields, now)


def _take(
    session: Session, matter: Matter, act: str, fields: dict[str, str], now: dt.datetime
) -> Matter:
    """The act where the table has it from here; a case that is further on stays as it is."""
    life = rules.life_cycle(Kind.CASE)
    if life.row(act, matter.state, matter.level) is None:
        return matter
    return perform(session, act, system_attempt(session, matter, now, fields)).matter
