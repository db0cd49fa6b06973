"""Signs and suppressions to protobuf, and what a finding of signs says about itself."""

import hashlib
import json
import math
from datetime import datetime

import numpy as np

from services.chassis.clock import from_unix, to_timestamp
from services.chassis.pb.detect.v1 import screening_pb2 as pb
from services.chassis.pb.detect.v1.detect_pb2 import Picture
from services.detect.domain.block import Block
from services.detect.domain.describe import Description, counts_of
from services.detect.domain.describe_judged import Facts
from services.detect.domain.picture import values_at
from services.detect.domain.reconcile import Kept
from services.detect.domain.rule import Rule, RuleBook
from services.detect.domain.series_key import SeriesKey, measured_factor
from services.detect.domain.words import hour_text
from services.detect.screening.alarms import Alarm, Basis
from services.detect.screening.evidence import log_e, p_value
from services.detect.screening.panel import Panel
from services.detect.screening.sentences import rule_of, sentences
from services.detect.screening.sign import Sign
from services.detect.screening_store import HELD, RAISED, SUPPRESSED, SignKey, SuppressionRow

_STATE = {
    RAISED: pb.SIGN_STATE_RAISED,
    HELD: pb.SIGN_STATE_HELD,
    SUPPRESSED: pb.SIGN_STATE_SUPPRESSED,
}
STATE_NAMES = {number: name for name, number in _STATE.items()}
_LN10 = math.log(10.0)
_MOST_OTHERS = 3


def key_of(panel: Panel, sign: Sign) -> SignKey:
    """Which sign it is; one in a converted row is the factor's own."""
    series = panel.keys[sign.row]
    begin_s = panel.start_s + sign.begin * panel.step_min * 60
    return SignKey(series.outlet_id, sign.test, measured_factor(series.factor), begin_s)


def sign_message(panel: Panel, sign: Sign, alarm: Alarm, basis: Basis) -> pb.ScreenSign:
    """A sign with what it weighs in an alarm; state, reason and moment are set when it is kept."""
    rule = rule_of(panel, sign, basis.book)
    words = sentences(panel, sign, basis.book)
    step_s = panel.step_min * 60
    rate = float(basis.rates.per_station_year(sign.test, panel.step_min, np.array(sign.score)))
    return pb.ScreenSign(
        outlet_id=panel.keys[sign.row].outlet_id,
        factor=panel.keys[sign.row].factor,
        rule_id=rule.id,
        rule_version=rule.version,
        family=rule.family,
        pattern=rule.pattern,
        start=to_timestamp(from_unix(panel.start_s + sign.begin * step_s)),
        end=to_timestamp(from_unix(panel.start_s + sign.end * step_s)),
        score=sign.score,
        statistic=sign.statistic,
        threshold=sign.silent_at,
        unit=_unit(panel, sign, rule, basis),
        value=sign.value,
        expected=sign.expected,
        variant=sign.variant,
        others=[_other(panel, sign, row) for row in sign.others],
        seen=words.seen,
        silenced_by=words.silenced_by,
        per_station_year=rate,
        joint_per_station_year=alarm.per_station_year,
        log10_e=alarm.log_e / _LN10,
        own_log10_e=float(log_e(p_value(np.array(rate)))) / _LN10,
        families=alarm.families,
        support=[_name(panel, other) for other in alarm.signs if other is not sign],
        decisive=alarm.decisive and sign is alarm.signs[0],
        source_s=panel.start_s + sign.source * step_s if sign.source >= 0 else 0,
    )


def show_what_it_rests_on(
    picture: Picture, sign: pb.ScreenSign, block: Block, book: RuleBook
) -> None:
    """Add the source of a copy and the sister curves of a sign to the picture of its finding.

    A copy between rows has its source in the first other row; another outlet's row is not in the
    block of this one, so that its curve stays out.
    """
    slot = np.array(picture.time_s, dtype=np.int64) // 3600
    others = [(code, block.row_of.get(SeriesKey(sign.outlet_id, code))) for code in sign.others]
    if sign.source_s:
        row = others[0][1] if others else block.row_of.get(SeriesKey(sign.outlet_id, sign.factor))
        if row is not None:
            picture.copy_start_s, picture.source_start_s = sign.start.seconds, sign.source_s
            hours = (sign.end.seconds - sign.start.seconds) // 3600
            at = sign.source_s // 3600 + np.arange(hours, dtype=np.int64)
            picture.source_value.extend(values_at(block, row, at).tolist())
    for code, row in others[:_MOST_OTHERS]:
        if row is not None:
            factor, value = book.factor(code), values_at(block, row, slot).tolist()
            picture.others.add(factor=code, name=factor.name_zh, unit=factor.unit, value=value)


def description_of(finding: Kept, sign: pb.ScreenSign, rule: Rule) -> Description:
    """描述 of a finding by its strongest sign, in the words that were made when it was weighed."""
    count, today, week = counts_of(finding)
    return Description(
        rule=rule,
        limit=None,
        statistic=sign.statistic,
        threshold=sign.threshold,
        unit=sign.unit,
        seen=sign.seen,
        silenced_by=sign.silenced_by,
        count=count,
        count_today=today,
        count_7_days=week,
        peak_multiple=math.nan,
        facts=_facts(finding, sign, rule),
    )


def suppression_message(row: SuppressionRow, now: datetime) -> pb.Suppression:
    """抑制 as kept."""
    message = pb.Suppression(
        suppression_id=row.suppression_id,
        outlet_id=row.outlet_id,
        factor=row.factor,
        rule_id=row.rule_id,
        reason=row.reason,
        asked_by=row.asked_by,
        asked_by_name=row.asked_by_name,
        asked_at=to_timestamp(row.asked_at),
        until=to_timestamp(row.until),
        confirmed_by=row.confirmed_by or "",
        confirmed_by_name=row.confirmed_by_name or "",
        ended_by=row.ended_by or "",
        ended_by_name=row.ended_by_name or "",
        end_reason=row.end_reason or "",
        division=row.division,
        in_force=row.in_force(now),
    )
    if row.confirmed_at is not None:
        message.confirmed_at.CopyFrom(to_timestamp(row.confirmed_at))
    if row.ended_at is not None:
        message.ended_at.CopyFrom(to_timestamp(row.ended_at))
    return message


def _facts(finding: Kept, sign: pb.ScreenSign, rule: Rule) -> Facts:
    """For the record: evidence, measured rates, and what it rests on."""
    facts: Facts = {
        "worst_hour": hour_text(sign.start.seconds // 3600),
        "hits": float(len(finding.hits)),
        "rule_parameters": json.dumps(dict(rule.parameters)),
        "score": sign.score,
        "log10_e": sign.log10_e,
        "false_alarms_per_station_year": sign.joint_per_station_year,
        "false_alarms_of_this_test_per_station_year": sign.per_station_year,
        "families": ",".join(sign.families),
    }
    if sign.variant:
        facts["variant"] = sign.variant
    if sign.others:
        facts["others"] = ",".join(sign.others)
    if finding.inputs:
        facts["inputs_sha256"] = hashlib.sha256(finding.inputs.encode()).hexdigest()
    if finding.reason:
        facts["reason"] = finding.reason
    return facts


def _unit(panel: Panel, sign: Sign, rule: Rule, basis: Basis) -> str:
    """Unit of the statistic: the factor's where the rule names none."""
    if rule.statistic_unit is not None:
        return rule.statistic_unit
    return basis.book.factor(panel.keys[sign.row].factor).unit


def _other(panel: Panel, sign: Sign, row: int) -> str:
    """A row that a sign rests on: its factor, with its outlet where that is another one."""
    key = panel.keys[row]
    mine = key.outlet_id == panel.keys[sign.row].outlet_id
    return key.factor if mine else f"{key.outlet_id}/{key.factor}"


def _name(panel: Panel, sign: Sign) -> pb.SignName:
    key = key_of(panel, sign)
    return pb.SignName(rule_id=key.rule_id, factor=key.factor, begin_s=key.begin_s)
