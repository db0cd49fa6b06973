"""案件事实: what the timeline of a case says of proposal, notice, decision and money.

Gates ask these questions; nothing here decides. A proposal that was made again, a notice that was
served again take the place of the earlier ones.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from services.cases.domain.attempt import Attempt
from services.cases.domain.deadline import Pause
from services.cases.domain.law import Basis, Range
from services.cases.domain.matter import ClockState, Event, Matter, Running
from services.cases.domain.surcharge import surcharge
from services.cases.domain.timing import moment_of
from services.chassis.clock import BEIJING

YES, NO = "yes", "no"
PENALTY = "penalty"
_SECOND = dt.timedelta(seconds=1)


def fields_of(event: Event | None) -> Mapping[str, str]:
    """The fields of a line, none of one that is not there."""
    return event.fields if event else {}


def value_of(matter: Matter, event: Event, name: str) -> str:
    """A field of a line, by its last correction 更正 where there is one.

    For days and sums that were received. What the party was told, the notice and the decision,
    counts as it was served: a correction of the record changes no paper.
    """
    value = event.fields.get(name, "")
    for line in matter.events:
        fields = line.fields
        same = (fields.get("seq"), fields.get("field")) == (str(event.seq), name)
        if line.act == "correct" and same:
            value = fields.get("value", "")
    return value


def stated(attempt: Attempt, name: str) -> str:
    """A field of this act, else of the proposal 处理建议."""
    return attempt.fields.get(name) or fields_of(attempt.matter.last("propose_penalty")).get(
        name, ""
    )


def whole(text: str) -> int:
    """Whole yuan; nothing is 0."""
    return int(text) if text.strip() else 0


def since(matter: Matter, act: str, start: Event | None) -> Event | None:
    """The latest event of an act after another event; with no such event, none."""
    event = matter.last(act)
    return event if event and start and event.seq > start.seq else None


def latest_clock(matter: Matter, key: str) -> Running | None:
    """The clock of that key that was started last, running or ended."""
    return next((clock for clock in reversed(matter.clocks) if clock.key == key), None)


def last_day(clock: Running) -> dt.date:
    """The last day of a term of days; its end is the midnight after it."""
    assert clock.due_at is not None
    return (clock.due_at - _SECOND).astimezone(BEIJING).date()


def runs(clock: Running | None, at: dt.datetime) -> bool:
    """Whether a term still runs at that moment; a paused one does."""
    if clock is None or clock.state is not ClockState.RUNNING:
        return False
    return clock.due_at is None or clock.due_at > at


def day_of(text: str, attempt: Attempt) -> dt.datetime:
    """The first moment of a day that a field names, else the present moment."""
    return moment_of(text) or attempt.now


def discovered(matter: Matter) -> dt.date:
    """When the act was found 发现: the day of the report or inspection, else of the opening."""
    found = fields_of(matter.opening()).get("found_on", "")
    return dt.date.fromisoformat(found) if found else matter.opened_at.astimezone(BEIJING).date()


def years_after(day: dt.date, years: int) -> dt.date:
    """The same day so many years on; 29 February ends on the 28th."""
    leap = day.month == 2 and day.day == 29
    return day.replace(year=day.year + years, day=28 if leap else day.day)


def basis(attempt: Attempt, violation: str = "") -> Basis | None:
    """处罚依据 of the act that is proposed, by the law of its day or the lighter new one."""
    act_date = stated(attempt, "act_date")
    if not act_date:
        return None
    return attempt.law.basis_for(
        violation or stated(attempt, "violation"),
        dt.date.fromisoformat(act_date),
        attempt.today,
        serious=stated(attempt, "gravity") == "serious",
    )


def fine_range(attempt: Attempt, one: Basis) -> Range:
    """The range of the basis for the gravity that was proposed."""
    return one.range_of(serious=stated(attempt, "gravity") == "serious")


def notice(matter: Matter) -> Event | None:
    """事先告知 that belongs to the present proposal; none where it was proposed anew since."""
    return since(matter, "issue_notice", matter.last("propose_penalty"))


def hearing_held(matter: Matter) -> Event | None:
    """听证 held after the present notice."""
    return since(matter, "hold_hearing", notice(matter))


def why_heavy(attempt: Attempt, amount: int | None, measures: frozenset[str]) -> list[str]:
    """Why a case asks for more care: complex, from an amount on, or one of these measures."""
    proposed, given = fields_of(attempt.matter.last("propose_penalty")), attempt.fields
    fine = whole(given.get("amount") or proposed.get("amount", ""))
    measure = given.get("other_measures") or proposed.get("other_measures", "")
    reasons = ["情节复杂或者重大违法"] if proposed.get("complex") == YES else []
    if amount is not None and fine >= amount:
        reasons.append(f"罚款{amount}元以上")
    if measure in measures:
        reasons.append("拟责令停产停业、关闭或者吊销许可证件")
    return reasons


def decided(matter: Matter) -> Mapping[str, str]:
    """The decision that stands, its fields."""
    return fields_of(matter.last("decide"))


def published(matter: Matter) -> bool:
    """Whether the decision is public now."""
    event = matter.last("publish_decision")
    return event is not None and since(matter, "withdraw_published", event) is None


def pending_remedy(matter: Matter) -> Event | None:
    """复议、诉讼 that was filed and has no result yet."""
    filed = matter.last("file_remedy")
    return None if filed is None or since(matter, "remedy_result", filed) else filed


@dataclass(frozen=True)
class Account:
    """应缴与已缴 in yuan, as of a day."""

    fine: int
    surcharge: Decimal
    paid: int

    @property
    def rest(self) -> Decimal:
        """What is still owed, the surcharge included."""
        return max(self.fine + self.surcharge - self.paid, Decimal(0))


def account(matter: Matter, day: dt.date) -> Account:
    """The fine, the surcharge until that day, and what was paid."""
    fine = _fine(matter)
    paid = sum(
        whole(value_of(matter, event, "amount"))
        for event in matter.events
        if event.act in {"record_payment", "court_result"}
    )
    return Account(fine, _surcharge(matter, fine, day), paid)


def _fine(matter: Matter) -> int:
    """What the decision fined, or what review or suit made of it."""
    decision = matter.last("decide")
    changed = [
        event
        for event in matter.events
        if event.act == "remedy_result" and event.fields.get("new_amount")
    ]
    if changed and decision and changed[-1].seq > decision.seq:
        return whole(changed[-1].fields["new_amount"])
    return whole(fields_of(decision).get("amount", ""))


def _surcharge(matter: Matter, fine: int, day: dt.date) -> Decimal:
    term = latest_clock(matter, "pay")
    if not fine or term is None or term.due_at is None:
        return Decimal(0)
    return surcharge(Decimal(fine), last_day(term), day, _stops(matter)).amount


def _stops(matter: Matter) -> list[Pause]:
    """Days that are not counted: under review or suit (PL art 73), under an approved plan."""
    stops, filed = [], None
    for event in matter.events:
        if event.act == "file_remedy":
            filed = moment_of(event.fields["filed_on"])
        elif event.act == "remedy_result" and filed:
            ended = moment_of(event.fields["ended_on"])
            stops.append(Pause(filed, max(filed, ended) if ended else None))
            filed = None
        elif event.act == "approve_instalment" and event.from_state != "executing":
            until = moment_of(event.fields["until"])
            stops.append(Pause(event.at, max(event.at, until) if until else None))
    return [*stops, Pause(filed)] if filed else stops


def descendants(attempt: Attempt) -> list[Matter]:
    """Every matter below this one, at any depth."""
    below: list[Matter] = []
    above = {attempt.matter.matter_id}
    found = True
    while found:
        fresh = [m for m in attempt.family if m.parent_matter_id in above and m not in below]
        below += fresh
        above |= {one.matter_id for one in fresh}
        found = bool(fresh)
    return below
