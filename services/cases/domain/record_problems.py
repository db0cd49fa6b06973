"""What is wrong with a record 现场检查记录: by item, test, sample or signature, in Chinese."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterable
from itertools import pairwise

from services.cases.domain.inspection import Limits
from services.cases.domain.records import Known, QuickTest, Signature, Visit, missing
from services.chassis.clock import BEIJING

_IMAGES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/svg+xml": b"<svg"}
#: A drawing of strokes: no scripts, no references, no foreign elements.
_UNSAFE = re.compile(
    rb"<\s*(script|foreignobject|image|use|a|style)\b|\bon\w+\s*=|href|<!|<\?", re.IGNORECASE
)
_ROLES = frozenset({"officer", "party", "witness", "recorder"})
_LONGEST_NOTE = 4000
_TOLERANCE = dt.timedelta(minutes=10)


def problems(visit: Visit, known: Known) -> dict[str, str]:
    """What is wrong with a record, by item, test, sample or signature; empty = nothing.

    What a device may still fill in is asked only of a record that says it is complete.
    """
    found: dict[str, str] = {}
    for name, wrong in (
        *_of_head(visit, known),
        *_of_answers(visit, known),
        *_of_tests(visit, known),
        *_of_samples(visit, known),
        *_of_signatures(visit, known),
        *_of_track(visit, known),
    ):
        if wrong and name not in found:
            found[name] = wrong
    return found


def _of_head(visit: Visit, known: Known) -> Iterable[tuple[str, str]]:
    if visit.started_at and visit.ended_at and visit.ended_at < visit.started_at:
        yield "ended_at", "结束时间早于开始时间"
    if visit.complete and not (visit.started_at and visit.ended_at):
        yield "ended_at", "缺少现场检查的开始或者结束时间"
    if visit.complete and not visit.situation.strip():
        yield "situation", "缺少现场情况"
    if len(visit.situation) > _LONGEST_NOTE:
        yield "situation", f"超过{_LONGEST_NOTE}字"
    if strange := visit.replaces - known.versions:
        yield "replaces", f"版本 {'、'.join(map(str, sorted(strange)))} 不存在"
    for file in visit.films:
        if known.files.get(file) != "video":
            yield "video_ids", f"附件 {file} 不是本次检查的录像"


def _of_answers(visit: Visit, known: Known) -> Iterable[tuple[str, str]]:
    items, given, seen = known.items, {one.item_id: one.value for one in visit.answers}, set()
    for one in visit.answers:
        item = items.get(one.item_id)
        if item is None:
            yield one.item_id, "表单中没有这一检查项"
            continue
        if one.item_id in seen:
            yield one.item_id, "重复填写"
        seen.add(one.item_id)
        if one.value:
            yield one.item_id, item.wrong(one.value)
        if one.value and not item.asked(given):
            yield one.item_id, f"{item.when_item} 的答案不要求填写本项"
        if len(one.note) > _LONGEST_NOTE:
            yield one.item_id, f"说明超过{_LONGEST_NOTE}字"
        yield one.item_id, _strange(one.files, known)
        if visit.complete and item.fault and one.value == item.fault:
            if item.proof and not one.files:
                yield one.item_id, "发现问题，缺少照片、录像等证据附件"
            if not one.note.strip():
                yield one.item_id, "发现问题，缺少情况说明"
    if visit.complete:
        for name in missing(visit, known.lists):
            yield name, "必查项未填写"


def _strange(files: Iterable[str], known: Known) -> str:
    lost = [one for one in files if one not in known.files]
    return f"附件 {'、'.join(lost)} 不属于本次检查" if lost else ""


def _of_tests(visit: Visit, known: Known) -> Iterable[tuple[str, str]]:
    for number, test in enumerate(visit.tests, start=1):
        name = f"test-{number}"
        for value, zh in (
            (test.factor, "检测项目"), (test.unit, "单位"), (test.instrument, "仪器型号"),
            (test.instrument_id, "仪器编号"), (test.place, "检测位置"),
            (test.tested_at, "检测时间"),
        ):  # fmt: skip
            if not value:
                yield name, f"缺少{zh}"
        if not math.isfinite(test.value):
            yield name, "检测值须为数字"
        yield name, _calibration(test, known.limits)
        yield name, _strange(test.files, known)


def _calibration(test: QuickTest, limits: Limits) -> str:
    """校准 not older than the installation allows on the day of the test."""
    if test.tested_at is None:
        return ""
    try:
        calibrated = dt.date.fromisoformat(test.calibrated_on)
    except ValueError:
        return "缺少仪器校准（检定）日期"
    age = (test.tested_at.astimezone(BEIJING).date() - calibrated).days
    if age < 0:
        return "仪器校准（检定）日期晚于检测时间"
    if age > limits.calibration_days:
        return f"仪器校准（检定）已过{age}日，超过{limits.calibration_days}日"
    return ""


def _of_samples(visit: Visit, known: Known) -> Iterable[tuple[str, str]]:
    seen = set()
    for number, sample in enumerate(visit.samples, start=1):
        name = f"sample-{number}"
        if not sample.sample_id or sample.sample_id in seen:
            yield name, "样品编号缺少或者重复"
        seen.add(sample.sample_id)
        for value, zh in (
            (sample.factors, "项目"),
            (sample.place, "点位"),
            (sample.taken_at, "时间"),
        ):
            if not value:
                yield name, f"缺少采样{zh}"
        yield name, _strange(sample.files, known)


def _of_signatures(visit: Visit, known: Known) -> Iterable[tuple[str, str]]:
    for number, one in enumerate(visit.signatures, start=1):
        yield f"signature-{number}", _signature(one, known)
    if visit.complete:
        yield "signatures", _who_signed(visit, known)


def _signature(one: Signature, known: Known) -> str:
    if one.role not in _ROLES:
        return f"签名人身份须为 {'、'.join(sorted(_ROLES))}"
    if not one.name.strip() and not one.refused:
        return "缺少签名人姓名"
    if one.role == "officer" and one.officer_id not in known.officers:
        return "不是本次检查的人员"
    if one.refused:
        return "" if one.role == "party" else "只有当事人可以登记为拒绝签名"
    if one.file:
        return _strange([one.file], known)
    return _drawn(one, known.limits)


def _drawn(one: Signature, limits: Limits) -> str:
    """Strokes in the record itself: small, of the stated kind, and nothing but strokes."""
    start = _IMAGES.get(one.media_type)
    if not one.image:
        return "缺少签名图像"
    if start is None or not one.image.startswith(start):
        return "签名图像须为PNG或者SVG"
    if len(one.image) > limits.inline_bytes:
        return f"签名图像超过{limits.inline_bytes}字节，应当作为附件提交"
    if one.media_type == "image/svg+xml" and _UNSAFE.search(one.image):
        return "签名图像含有笔画以外的内容"
    return ""


def _who_signed(visit: Visit, known: Known) -> str:
    """两名执法人员 and the party; where it refuses, a witness or the film of the visit."""
    officers = {one.officer_id for one in visit.signatures if one.role == "officer"}
    if len(officers & known.officers) < min(2, len(known.officers)):
        return "缺少两名执法人员的签名"
    party = [one for one in visit.signatures if one.role == "party"]
    if not party:
        return "缺少当事人签名，或者拒绝签名的记载"
    witness = any(one.role == "witness" for one in visit.signatures)
    if all(one.refused for one in party) and not witness and not visit.films:
        return "当事人拒绝签名，缺少见证人签名或者录像"
    return ""


def _of_track(visit: Visit, known: Known) -> Iterable[tuple[str, str]]:
    if len(visit.track) > known.limits.track_points:
        yield "track", f"轨迹超过{known.limits.track_points}点"
    for point in visit.track:
        if not (abs(point.longitude) <= 180 and abs(point.latitude) <= 90):
            yield "track", "轨迹坐标超出范围"
    times = [point.at for point in visit.track if point.at is not None]
    if any(later < earlier - _TOLERANCE for earlier, later in pairwise(times)):
        yield "track", "轨迹时间倒退"
