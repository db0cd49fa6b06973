"""A filed case with measures below it, for their tests: what people fill in, and short words."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager

from services.cases import paper_store, store
from services.cases.app import handle_due
from services.cases.app.attach_file import attach_file
from services.cases.app.handle_clue import handle_clue
from services.cases.attachment_spool import Spool
from services.cases.domain.attachments import Handed
from services.cases.domain.matter import ClockState, Kind, Matter
from services.chassis.clock import BEIJING
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from tests.integration.cases_rig import (
    FINDINGS,
    FOUR,
    LEADER,
    LEGAL,
    MANAGER,
    TECHNICAL,
    VISIT,
    WANG,
    ZHAO,
    Region,
    bottle,
    region,
)

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256))
NOW = dt.datetime(2026, 11, 2, 10, 30, tzinfo=BEIJING)
ORDER = {
    "officer_2": "o-li",
    "violation": "evade_supervision",
    "recognised": "on_the_spot",
    "party_address": "示范市示范路1号",
    "party_head": "张某",
    "facts": "采样管插入样品瓶，现场照片12张",
    "clauses": "生态环境法典第一百六十四条、第一千一百零八条",
    "demand": "立即停止违法排放污染物行为",
    "daily": "yes",
    "daily_kind": "evade",
    "daily_warning": "yes",
    "remedies": "六十日内申请行政复议，六个月内提起行政诉讼",
    "ordered_on": "2026-11-02",
}
AGAIN = {name: text for name, text in ORDER.items() if name not in {"violation", "daily_kind"}}
PROPOSAL = {
    "officer_2": "o-li",
    "act_date": "2026-11-01",
    "harm": "no",
    "violation": "evade_supervision",
    "facts": "采样管插入样品瓶",
    "evidence": "现场照片12张，笔录2份",
    "outcome": "penalty",
    "other_measures": "none",
    "discretion": "按裁量表38%",
    "complex": "yes",
    "public_interest": "no",
}
REVIEWED = (
    "facts_clear", "evidence_sufficient", "law_right", "procedure_lawful", "discretion_right",
)  # fmt: skip
SEIZE = {
    "officer_2": "o-li",
    "ground": "evade",
    "targets": "旁路阀门一台",
    "place": "原址",
    "facts": "通过旁路排放",
    "utility": "no",
    "on_the_spot": "yes",
    "taken_at": "2026-11-02T09:00:00+08:00",
    "manager_present": "no",
    "manager_note": "负责人外出，门卫李某见证",
    "record": "现场笔录1份",
    "list": "旁路阀门DN200一台",
}
KEEP = {
    "officer_2": "o-li",
    "why": "样品瓶可能被销毁",
    "items": "样品瓶1个",
    "place": "本局物证室",
    "keeper": "封存，o-wang保管",
    "on_the_spot": "yes",
    "taken_at": "2026-11-02T09:00:00+08:00",
    "signed": "张某签名",
}
LIMIT = {
    "officer_2": "o-li",
    "measure": "limit",
    "limit_ground": "exceed",
    "facts": "二氧化硫超标0.8倍",
    "clauses": "生态环境法典第一千一百零七条",
    "content": "日产量限制在核定产能的50%以内",
    "utility": "no",
}
COMPLETION = {
    "monitoring_report": "冀环监字2026第8号，达标",
    "power_before": "120000",
    "power_after": "61000",
    "water_before": "3000",
    "water_after": "1600",
    "product": "蒸汽（吨）",
    "output_before": "9000",
    "output_after": "4400",
    "period": "2026-10-01至2026-12-01",
    "published_on": "2026-12-01",
}


@contextmanager
def filed(url: str) -> Iterator[Region]:
    """A region with a case that was verified on the spot and filed."""
    with region(url, NOW) as fresh:
        fresh.run(handle_clue, bottle(NOW))
        case = fresh.only()
        fresh.act(WANG, case, "verify", **VISIT)
        fresh.act(LEADER, case, "file_case", **FOUR)
        yield fresh


def case_of(place) -> Matter:
    """The case."""
    return next(one for one in place.matters() if one.kind is Kind.CASE)


def newest(place, kind: Kind) -> Matter:
    """The matter of a kind that was opened last."""
    return max((one for one in place.matters() if one.kind is kind), key=lambda one: one.opened_at)


def again(place, matter: Matter) -> Matter:
    """The matter as it is now."""
    with place.database.transaction() as session:
        return store.load(session, matter.matter_id)


def opened(place, act: str, kind: Kind, /, **fields: str) -> Matter:
    """A measure that Wang took in the case."""
    place.act(WANG, case_of(place), act, **fields)
    return newest(place, kind)


def serve(place, matter: Matter, paper: str, on: dt.date | None = None) -> Matter:
    """Hand a paper of the matter over, on the region's present day; the matter afterwards."""
    for one in place.matters():
        opening = one.opening()
        mine = one.kind is Kind.SERVICE and one.parent_matter_id == matter.matter_id
        if mine and one.closed_at is None and opening.fields["paper"] == paper:
            day = (on or place.now.astimezone(BEIJING).date()).isoformat()
            fields = {"served_on": day, "receiver": "张某", "capacity": "legal_representative"}
            place.act(WANG, one, "serve_by_hand", officer_2="o-li", **fields)
            return again(place, matter)
    raise AssertionError(f"no service of {paper}")


def pass_to(place, day: str, hour: int = 10) -> None:
    """Let the time pass to that day."""
    place.now = dt.datetime.fromisoformat(day).replace(hour=hour, tzinfo=BEIJING)


def attach(place, who, matter: Matter, purpose: str) -> None:
    """Hand a photo in on the matter."""
    handed = Handed(matter.matter_id, f"{purpose}.jpg", purpose)
    with Spool(10_000) as spool:
        spool.add(JPEG)
        with place.database.transaction() as session:
            attach_file(session, who, handed, spool.received(b""), place.now)


def run_out(place, matter: Matter, key: str) -> Matter:
    """What the due row of a clock does at its time."""
    clock = again(place, matter).open_clock(key)
    place.now = max(place.now, clock.due_at)
    payload = {
        "matter_id": matter.matter_id,
        "clock_id": clock.clock_id,
        "schedule": clock.schedule,
    }
    place.run(handle_due.breach, payload)
    return again(place, matter)


def ended(matter: Matter) -> dict[str, ClockState]:
    """How each clock of the matter stands."""
    return {clock.key: clock.state for clock in matter.clocks}


def told(place, template: str) -> set[str]:
    """Kinds of recipients of a template."""
    notices = [one for one in place.sent(pb.NoticeRequested) if one.template == template]
    return {f"{r.kind}:{r.key}:{r.role}".rstrip(":") for one in notices for r in one.recipients}


def fined(place, amount: str) -> None:
    """The case walks to its decision on a fine; the plant waives its rights."""
    case, today = case_of(place), place.now.astimezone(BEIJING).date().isoformat()
    place.act(WANG, case, "finish_investigation", **FINDINGS, electronic="yes")
    place.act(ZHAO, case, "review_technical", **TECHNICAL)
    place.act(LEADER, case, "review_legal", **LEGAL)
    place.act(WANG, case, "propose_penalty", **PROPOSAL, amount=amount)
    place.act(ZHAO, case, "review_case", opinion="同意", **dict.fromkeys(REVIEWED, "yes"))
    place.act(LEADER, case, "issue_notice", amount=amount, other_measures="none", hearing="yes")
    place.now += dt.timedelta(days=1)
    serve(place, case, "penalty_notice")
    serve(place, case, "hearing_rights_notice")
    place.act(MANAGER, case, "waive", statement_of="放弃")
    place.act(ZHAO, case, "review_defence", result="none", opinion="未提出")
    place.act(ZHAO, case, "review_decision", qualified="yes", passed="yes", opinion="同意")
    place.act(LEADER, case, "discuss", held_on=today, participants="丁某、戊某、己某",
              opinions="一致同意", conclusion="agree")  # fmt: skip
    place.act(LEADER, case, "decide", outcome="penalty", amount=amount, other_measures="none",
              facts="采样管插入样品瓶", defence_answer="未提出")  # fmt: skip


def refuse_again(place, order: Matter, day: str) -> Matter:
    """The recheck of that day finds the act going on; the new order is served on the same day."""
    pass_to(place, day)
    place.act(WANG, order, "recheck", officer_2="o-li", rechecked_on=day, covert="yes",
              result="refused", record="笔录")  # fmt: skip
    place.act(WANG, order, "order_again", **AGAIN | {"ordered_on": day})
    return serve(place, order, "rectification_order")


def papers_of(place, matter: Matter):
    """Papers of a matter."""
    with place.database.transaction() as session:
        return paper_store.papers(session, matter.matter_id)
