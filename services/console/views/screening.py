"""筛查 for pages: which finding a sign made, how rare it is in plain words, who may do what."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from google.protobuf.json_format import MessageToDict

from services.chassis.clock import BEIJING, to_timestamp
from services.chassis.errors import Conflict, FarsightError, Forbidden, InputRejected
from services.chassis.pb.detect.v1 import detect_pb2 as detect
from services.chassis.pb.detect.v1 import screening_pb2 as pb
from services.console.language import Translate
from services.console.views.factors import factor_of

FAMILIES = ("scatter", "copy", "level", "chemistry", "process", "timing", "device")
STATES = {"open": detect.FINDING_STATE_OPEN, "closed": detect.FINDING_STATE_CLOSED}
SIGN_STATES = {
    pb.SIGN_STATE_RAISED: "raised",
    pb.SIGN_STATE_HELD: "held",
    pb.SIGN_STATE_SUPPRESSED: "suppressed",
}
#: Suffix of a converted concentration's factor.
_CONVERTED = "_zs"
_RATE = "false_alarms_per_station_year"
_MOST_YEARS = 1000


@dataclass(frozen=True)
class Vote:
    """A sign and the finding that it belongs to, empty where none is shown."""

    sign: pb.ScreenSign
    finding_id: str


@dataclass(frozen=True)
class Raised:
    """A clue or a single finding, with how rare it is in honest data."""

    clue: detect.Clue | None
    findings: Sequence[detect.Finding]
    families: Sequence[str]
    rate: float
    """False alarms a station-year, NaN where no test of the screening measured it."""

    @property
    def start_s(self) -> int:
        """First moment."""
        return min((one.start.seconds for one in self.findings), default=0)


def raised_clues(clues: Iterable[detect.Clue]) -> list[Raised]:
    """线索, newest first as they come."""
    return [
        Raised(clue, clue.findings, families_of(clue.findings), rate_of(clue.findings))
        for clue in clues
    ]


def lone_findings(findings: Iterable[detect.Finding], clues: Iterable[detect.Clue]) -> list[Raised]:
    """数据质量疑点: findings of one kind of information, in no clue, rarest first."""
    known = {finding_id for clue in clues for finding_id in clue.finding_ids}
    mine = [
        Raised(None, [one], families_of([one]), rate)
        for one in findings
        if one.finding_id not in known and math.isfinite(rate := rate_of([one]))
    ]
    return sorted(mine, key=lambda one: one.rate)


def families_of(findings: Iterable[detect.Finding]) -> list[str]:
    """Kinds of information that speak, in the table's order."""
    said = {one.family for one in findings}
    for one in findings:
        said |= set(str(_facts(one).get("families", "")).split(","))
    return [family for family in FAMILIES if family in said]


def rate_of(findings: Iterable[detect.Finding]) -> float:
    """False alarms a station-year of the strongest finding, NaN where none was measured."""
    rates = [_facts(one).get(_RATE) for one in findings]
    return min((float(rate) for rate in rates if rate is not None), default=math.nan)


def strength(rate: float, t: Translate) -> str:
    """Tell in plain words how often honest data show as much."""
    if not math.isfinite(rate):
        return t("screening.unmeasured")
    if rate >= 1:
        return t("screening.times_a_year", n=f"{rate:.0f}")
    years = 1 / rate if rate > 0 else math.inf
    if years >= _MOST_YEARS:
        return t("screening.hardly_ever", n=_MOST_YEARS)
    return t("screening.once_in_years", n=f"{years:.0f}" if years >= 10 else f"{years:.1f}")


def votes_of(signs: Iterable[pb.ScreenSign], findings: Sequence[detect.Finding]) -> list[Vote]:
    """Signs with their findings."""
    return [Vote(sign, _finding_of(sign, findings)) for sign in signs]


def _finding_of(sign: pb.ScreenSign, findings: Iterable[detect.Finding]) -> str:
    """Id of the finding of a sign: same test and factor, and times that meet."""
    factor = sign.factor.removesuffix(_CONVERTED)
    for one in findings:
        same = (one.outlet_id, one.rule_id) == (sign.outlet_id, sign.rule_id)
        meet = one.start.seconds < sign.end.seconds and sign.start.seconds < one.end.seconds
        if same and meet and factor in one.factors:
            return one.finding_id
    return ""


def factor_name(code: str, language: str, t: Translate) -> str:
    """Name a factor, a converted concentration as such; "outlet/factor" by its factor."""
    measured = code.rpartition("/")[2].removesuffix(_CONVERTED)
    name = factor_of(measured).name(language)
    return f"{name} {t('screening.converted')}" if code.endswith(_CONVERTED) else name


def suppress_request(fields: dict[str, str]) -> pb.SuppressRequest:
    """Read the form; the day of `until` counts until its end. Raises InputRejected."""
    try:
        day = datetime.strptime(fields.get("until", ""), "%Y-%m-%d").date()  # noqa: DTZ007
    except ValueError as error:
        raise InputRejected("give a day", field="until") from error
    until = datetime.combine(day + timedelta(days=1), time(), BEIJING)
    return pb.SuppressRequest(
        outlet_id=fields.get("outlet_id", "").strip(),
        factor=fields.get("factor", "").strip(),
        rule_id=fields.get("rule_id", "").strip(),
        reason=fields.get("reason", ""),
        until=to_timestamp(until.astimezone(UTC)),
    )


def refusal_words(error: FarsightError, t: Translate) -> str:
    """Tell why a form was refused, in the words of the page."""
    if isinstance(error, InputRejected) and error.facts.get("field") in {"until", "reason"}:
        return t(f"screening.wrong_{error.facts['field']}")
    if isinstance(error, Forbidden):
        return t("screening.second_person")
    if isinstance(error, Conflict):
        return t("screening.changed_meanwhile")
    return error.message


def _facts(finding: detect.Finding) -> dict[str, Any]:
    return MessageToDict(finding.facts) if finding.HasField("facts") else {}
