"""Read sheets 电子督办单 and the overdue list 逾期清单 as a caller may see them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.orm import Session

from services.cases import rules, sheet_store, store
from services.cases.app.act_on_matter import require_readable
from services.cases.app.gather_material import agency_of
from services.cases.domain import sheet as sheets
from services.cases.domain.assignment import levels_of
from services.cases.domain.matter import Kind, Matter, Running
from services.cases.domain.notices import leaders_told
from services.cases.domain.sheet import Book, Sheet, overdue_steps
from services.cases.queries import View
from services.cases.sheet_store import Listed, WantedSheets
from services.chassis.clock import BEIJING
from services.chassis.errors import NotFound, RuleViolated
from services.chassis.identity import Actor, Role


@dataclass(frozen=True)
class OverdueTerm:
    """逾期事项: a breached term, how far it has climbed and who heard of it last."""

    matter: Matter
    clock: Running
    minutes: int
    steps: int
    who: str
    told_division: str
    published: bool


def get_sheet(session: Session, actor: Actor, matter_id: str, now: dt.datetime) -> Sheet:
    """The sheet of an order. Raises `NotFound` for anything else and outside the jurisdiction."""
    order = store.load(session, matter_id)
    require_readable(actor, order)
    if order.kind is not Kind.ORDER:
        raise NotFound("no such sheet", matter_id=matter_id)
    return sheet_of(session, actor, order, now)


def list_sheets(
    session: Session,
    actor: Actor,
    wanted: WantedSheets,
    page: tuple[int, str],
    now: dt.datetime,
) -> Listed[Sheet]:
    """Whole sheets, oldest change first. `page` is its size and the token of the page before."""
    found = sheet_store.list_orders(session, wanted, *page)
    orders = (store.load(session, one) for one in found.rows)
    whole = [sheet_of(session, actor, order, now) for order in orders]
    return Listed(whole, found.token, found.total)


def sheet_of(session: Session, actor: Actor, order: Matter, now: dt.datetime) -> Sheet:
    """The sheet as this actor may see it."""
    kin = sheet_store.kin_of(session, order)
    whole = sheets.build(order, kin, _book(session, order), now)
    if actor.role is not Role.ENTERPRISE:
        return whole
    states = rules.life_cycle(Kind.ORDER).states
    state = states[order.state].shown_to_enterprise or order.state
    return sheets.for_plant(whole, (state, states[state].zh))


def _book(session: Session, order: Matter) -> Book:
    reminders = rules.reminders()
    first = rules.load("supervision.yaml")["items"]
    second = {trigger.item: trigger.item_zh for trigger in rules.triggers().triggers}
    names = {key: (zh, second.get(key, order.title)) for key, zh in first.items()}
    return Book(
        factors=rules.factor_names(),
        states={
            kind: {key: state.zh for key, state in rules.life_cycle(kind).states.items()}
            for kind in (Kind.ORDER, Kind.CASE)
        },
        items=names,
        bureau=_bureau(session, order),
        step=reminders.step,
        steps=reminders.steps,
    )


def _bureau(session: Session, order: Matter) -> str:
    """落款: the authority in charge; its kind where no table knows its name."""
    day = order.opened_at.astimezone(BEIJING).date()
    try:
        return agency_of(session, order.in_charge or order.division, day).name
    except RuleViolated:
        return "生态环境主管部门"


def list_overdue(
    session: Session, view: View, steps_from: int, page: tuple[int, str], now: dt.datetime
) -> Listed[OverdueTerm]:
    """Breached terms of orders and listings, longest first, from a step of the escalation on."""
    reminders = rules.reminders()
    before = now - max(steps_from - 1, 0) * reminders.step
    found = sheet_store.list_overdue(session, view, before, *page)
    return Listed([_overdue(*one, now) for one in found.rows], found.token, found.total)


def _overdue(matter: Matter, clock: Running, now: dt.datetime) -> OverdueTerm:
    assert clock.due_at is not None
    reminders = rules.reminders()
    steps = overdue_steps(clock, now, reminders.step, reminders.steps)
    told = leaders_told(clock)
    level = told[min(steps, len(told)) - 1].partition("_")[0]
    _, city, province = levels_of(matter.division)
    division = {"county": matter.in_charge, "city": city, "province": province}[level]
    plant = clock.bound == "enterprise"
    return OverdueTerm(
        matter=matter,
        clock=clock,
        minutes=int((now - clock.due_at) / dt.timedelta(minutes=1)),
        steps=steps,
        who=matter.enterprise_name if plant else matter.assignee_name,
        told_division=division,
        published=steps >= reminders.steps,
    )
