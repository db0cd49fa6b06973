"""Which referrals somebody may see, and one of them.

The sending agency answers for the place, the police for the unit that has the file, the
procuratorate for its own: each side's jurisdiction is a column of its own, because a file may be
passed on to another city.
"""

from collections.abc import Sequence

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from services.chassis.errors import InputRejected, NotFound
from services.chassis.identity import Actor, Role, require_visible, scope_of
from services.referral import rules, store
from services.referral.store import ReferralRow

#: What is still on the sender's desk is nobody else's business.
_INTERNAL = ("freezing", "prepared")


def visible_referral(
    session: Session, actor: Actor, action: str, referral_id: str, *, lock: bool = False
) -> ReferralRow:
    """One referral. Raises NotFound where it does not exist for this actor."""
    row = store.load(session, referral_id, lock=lock)
    division = getattr(row, _side(actor).key)
    require_visible(actor, action, division=division or "-", enterprise_id="")
    if row.state in _INTERNAL and _is_agency(actor):
        raise NotFound(f"no referral {referral_id}")
    return row


def list_referrals(
    session: Session, actor: Actor, *, state: str, matter_id: str, page: str, size: int
) -> Sequence[ReferralRow]:
    """At most `size` referrals of the actor's jurisdiction, newest first, after `page`.

    Raises InputRejected for an unknown state or page.
    """
    scope = scope_of(actor, "referrals.read")
    query = select(ReferralRow).where(
        _side(actor).startswith(scope.division_prefix, autoescape=True)
    )
    if _is_agency(actor):
        query = query.where(ReferralRow.state.not_in(_INTERNAL))
    if state == "open":
        query = query.where(ReferralRow.outcome == "")
    elif state and state != "all":
        if state not in rules.lifecycle().states:
            raise InputRejected(f"unknown state {state}")
        query = query.where(ReferralRow.state == state)
    if matter_id:
        query = query.where(ReferralRow.matter_id == matter_id)
    if page:
        last = session.get(ReferralRow, page)
        if last is None:
            raise InputRejected("page_token is not one of ours")
        query = query.where(
            or_(
                ReferralRow.requested_at < last.requested_at,
                and_(
                    ReferralRow.requested_at == last.requested_at,
                    ReferralRow.referral_id < last.referral_id,
                ),
            )
        )
    order = (ReferralRow.requested_at.desc(), ReferralRow.referral_id.desc())
    return session.scalars(query.order_by(*order).limit(size)).all()


def _side(actor: Actor) -> InstrumentedAttribute[str]:
    if actor.role is Role.POLICE:
        return ReferralRow.police_division
    if actor.role is Role.PROCURATOR:
        return ReferralRow.procuratorate_division
    return ReferralRow.division


def _is_agency(actor: Actor) -> bool:
    return actor.role in (Role.POLICE, Role.PROCURATOR)
