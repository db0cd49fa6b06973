"""Write the transfer letter and the investigation report (2017-17 art 6) from what is on file."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jinja2 import Environment
from sqlalchemy.orm import Session

from services.chassis.clock import beijing, from_timestamp
from services.chassis.pb.cases.v1 import cases_pb2
from services.chassis.pb.detect.v1 import detect_pb2
from services.referral import rules
from services.referral.app.gather_evidence import Evidence
from services.referral.domain.bundle import Item
from services.referral.domain.items import count_kinds
from services.referral.registry_copy import division_name, officer_name, outlet_name
from services.referral.store import ReferralRow

# Every value comes from outside, so the templates escape and know no loader.
_PAGES = Environment(autoescape=True, trim_blocks=True)
_MINUTE = "%Y-%m-%d %H:%M"


def transfer_items(
    session: Session,
    row: ReferralRow,
    request: cases_pb2.ReferralRequested,
    *,
    evidence: Evidence,
    content: Sequence[Item],
    now: datetime,
) -> list[Item]:
    """移送书 and 案件调查报告."""
    facts = {
        **_facts(session, row, request, evidence),
        "total": len(content) + 2,  # with this letter and the report
        "kinds": count_kinds(content),
        "date": beijing(now).strftime("%Y年%m月%d日"),
    }
    return [
        Item("transfer/letter.html", "transfer", "移送书", _page("letter.html", facts)),
        Item("transfer/report.html", "transfer", "案件调查报告", _page("report.html", facts)),
    ]


def _page(name: str, facts: Mapping[str, Any]) -> bytes:
    return _PAGES.from_string(rules.template(name)).render(facts).encode()


def _facts(
    session: Session,
    row: ReferralRow,
    request: cases_pb2.ReferralRequested,
    evidence: Evidence,
) -> dict[str, Any]:
    approver = officer_name(session, request.approved_by)
    approved_at = beijing(from_timestamp(request.approved_at)).strftime(_MINUTE)
    division = division_name(session, row.division)
    timeline = evidence.papers["timeline"]
    return {
        "number": row.number,
        "matter_number": row.matter_number,
        "enterprise": row.enterprise_name or row.credit_code,
        "credit_code": row.credit_code,
        "outlet": outlet_name(session, row.outlet_id),
        "division": division,
        "agency": f"{division}生态环境主管部门",
        "police": row.police_agency_name,
        "procuratorate": row.procuratorate_agency_name,
        "charge": row.charge,
        "charge_basis": row.charge_basis,
        "officers": "、".join(officer_name(session, one) for one in request.officer_ids),
        "approved": f"{approver}，{approved_at}",
        "span": _span(evidence.start, evidence.end),
        "frames": len(evidence.frames),
        "findings": [_finding(one) for one in request.findings],
        "timeline": [_line(session, line) for line in timeline],
        "report": _report(timeline),
    }


def _span(start: datetime, end: datetime) -> str:
    return f"{beijing(start).strftime(_MINUTE)} 至 {beijing(end).strftime(_MINUTE)}"


def _finding(one: detect_pb2.Finding) -> dict[str, Any]:
    basis = one.legal_basis
    return {
        "rule_id": one.rule_id,
        "rule_version": one.rule_version,
        "factors": list(one.factors),
        "span": _span(from_timestamp(one.start), from_timestamp(one.end)),
        "seen": one.seen,
        "statistic_name": one.statistic_name,
        "statistic": f"{one.statistic:.6g}",
        "threshold": f"{one.threshold:.6g}",
        "unit": one.unit,
        "silenced_by": one.silenced_by,
        "legal": f"{basis.instrument} {basis.clause}".strip(),
    }


def _line(session: Session, line: Mapping[str, Any]) -> dict[str, str]:
    at = beijing(datetime.fromisoformat(line["at"])).strftime(_MINUTE)
    scripted = "（演示脚本）" if line["scripted"] else ""
    words = rules.labels()
    fields = [
        f"{words.fields.get(key, key)}：{_worded(session, key, value)}"
        for key, value in line["fields"].items()
        if value and key not in words.bookkeeping
    ]
    return {
        "seq": str(line["seq"]),
        "when": at,
        "act_name": line["act_name"],
        "who": f"{line['actor_name']}{scripted}",
        "what": "；".join(text for text in (line["reason"], *fields) if text),
    }


def _worded(session: Session, key: str, value: str) -> str:
    if key in rules.labels().officers:
        return officer_name(session, value)
    return rules.labels().values.get(value, value)


def _report(timeline: Sequence[Mapping[str, Any]]) -> str:
    """The words of the officers who asked for the referral."""
    for line in reversed(timeline):
        if line["act"] == "request_referral":
            return str(line["fields"].get("report", ""))
    return ""
