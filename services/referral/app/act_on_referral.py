"""Take an act of the sending agency, the police or the procuratorate."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.errors import Conflict, InputRejected
from services.chassis.identity import Actor
from services.referral import rules, store
from services.referral.app.record_step import Doer, Step, record_step
from services.referral.domain.lifecycle import Act, check_act
from services.referral.registry_copy import officer_name, police_units
from services.referral.store import ReferralRow


def act_on_referral(
    session: Session,
    row: ReferralRow,
    actor: Actor,
    act_key: str,
    *,
    fields: Mapping[str, str],
    reason: str,
    expected_version: int,
    now: datetime,
) -> None:
    """Check the act against the table and write it. `row` is locked and visible to the actor.

    Raises Conflict for another version, Forbidden, RuleViolated or InputRejected as `check_act`
    says.
    """
    if expected_version and expected_version != row.version:
        raise Conflict(f"referral {row.number} has changed", version=str(row.version))
    act = check_act(
        rules.lifecycle(),
        act_key,
        state=row.state,
        role=actor.role,
        running=[clock.key for clock in store.running(session, row.referral_id)],
        fields=fields,
        reason=reason,
    )
    if act.reroute:
        _reroute(session, row, fields)
    if act.key == "hand_over":
        row.handed_over_at = now
    doer = _doer(session, actor)
    record_step(session, row, Step(act, doer, now, dict(fields), reason))


def allowed_acts(session: Session, row: ReferralRow, actor: Actor) -> list[Act]:
    """What the actor may do with it now."""
    running = [clock.key for clock in store.running(session, row.referral_id)]
    return rules.lifecycle().allowed(row.state, actor.role, running)


def _reroute(session: Session, row: ReferralRow, fields: Mapping[str, str]) -> None:
    wanted = fields["agency"]
    unit = next((one for one in police_units(session) if one.agency_id == wanted), None)
    if unit is None or unit.agency_id == row.police_agency_id:
        raise InputRejected("agency must be another police unit", field="agency")
    row.police_agency_id, row.police_agency_name = unit.agency_id, unit.name
    row.police_division = unit.division


def _doer(session: Session, actor: Actor) -> Doer:
    person_id = actor.officer_id or actor.user_id
    name = actor.name or officer_name(session, person_id)
    return Doer(person_id, name, actor.role.value, actor.scripted)
