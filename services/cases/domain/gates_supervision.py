"""Gates of electronic and listed supervision 督办要件: who confirms, when a sheet may be reopened.

None of them is law: each is a rule of work that the table names, with its figures (domain.md D.3).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping

from services.cases.domain.assignment import levels_of
from services.cases.domain.attempt import Attempt
from services.cases.domain.lifecycle import Gate
from services.cases.domain.matter import Matter
from services.chassis.identity import covers

_LEVELS_ZH = {"city": "市级", "province": "省级"}


def _above_county(_: Gate, attempt: Attempt) -> str:
    """市级确认: somebody of the city or the province in charge of this county."""
    above = levels_of(attempt.matter.division)[1:]
    return "" if attempt.doer.division in above else "市级（或者省级）人员"


def _cause_known(_: Gate, attempt: Attempt) -> str:
    """原因: stated by the plant, by who checked, or by who closes."""
    acts = ("answer", "confirm", "check")
    stated = (event.fields.get("cause", "") for event in attempt.matter.events if event.act in acts)
    return "" if attempt.fields.get("cause", "").strip() or any(stated) else "原因"


def _closed_within(gate: Gate, attempt: Attempt) -> str:
    """Reopening has an end: after it a new order is opened."""
    closed = attempt.matter.closed_at
    days = int(gate.asks["days"])
    if closed is not None and attempt.now <= closed + dt.timedelta(days=days):
        return ""
    return f"销号未满{days}日"


def _never_done(gate: Gate, attempt: Attempt) -> str:
    """None of these acts was done before."""
    done = [event.act_zh for event in attempt.matter.events if event.act in gate.asks["acts"]]
    return f"尚未办理过“{done[0]}”" if done else ""


def _pending(gate: Gate, attempt: Attempt) -> str:
    """Something was asked for and not answered yet."""
    asked = attempt.matter.last(gate.asks["asked"])
    answers = (attempt.matter.last(act) for act in gate.asks["answered"])
    answered = any(one is not None and asked and one.seq > asked.seq for one in answers)
    return "待处理的申请" if asked is None or answered else ""


def _not_stated(gate: Gate, attempt: Attempt) -> str:
    """No earlier act stated this."""
    event = attempt.matter.last(gate.asks["act"])
    stated = event is not None and event.fields.get(gate.asks["field"]) == gate.asks["equals"]
    return f"“{event.act_zh}”为其他结论" if event and stated else ""


def _in_future(gate: Gate, attempt: Attempt) -> str:
    """A day that is still to come."""
    later = attempt.fields[gate.asks["field"]] > attempt.today.isoformat()
    return "" if later else f"{gate.asks['field']} 晚于今天"


def _later_than(gate: Gate, attempt: Attempt) -> str:
    """Later than the day that this field of an earlier act named."""
    event = attempt.matter.last(gate.asks["act"])
    before = event.fields.get(gate.asks["field"], "") if event else ""
    return "" if attempt.fields[gate.asks["field"]] > before else f"晚于 {before} 的日期"


def _listing_level(_: Gate, attempt: Attempt) -> str:
    """挂牌级别: city lists as city, province as province."""
    wanted = attempt.fields["level_of"]
    return "" if attempt.doer.division == _division_of(attempt.matter, wanted) else _of(wanted)


def _listing_authority(_: Gate, attempt: Attempt) -> str:
    """挂牌机关: the level that listed the plant, or the one above it."""
    listing = attempt.matter.last("list_plant")
    level = listing.fields["level_of"] if listing else "city"
    authority = _division_of(attempt.matter, level)
    return "" if covers(attempt.doer.division, authority) else _of(level)


def _division_of(matter: Matter, level: str) -> str:
    _, city, province = levels_of(matter.division)
    return city if level == "city" else province


def _of(level: str) -> str:
    return f"{_LEVELS_ZH[level]}负责人"


GATES: Mapping[str, Callable[[Gate, Attempt], str]] = {
    "above_county": _above_county,
    "cause_known": _cause_known,
    "closed_within": _closed_within,
    "never_done": _never_done,
    "pending": _pending,
    "not_stated": _not_stated,
    "in_future": _in_future,
    "later_than": _later_than,
    "listing_level": _listing_level,
    "listing_authority": _listing_authority,
}
BEFORE_FIELDS: frozenset[str] = frozenset(
    {"above_county", "closed_within", "never_done", "pending", "not_stated", "listing_authority"}
)
