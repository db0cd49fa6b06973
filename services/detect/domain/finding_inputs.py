"""疑似问题的输入: what the hits of a finding rest on, and what changed when it is judged again."""

import hashlib
from collections.abc import Sequence

import numpy as np

from services.detect.domain import rule_ids as ids
from services.detect.domain.digest import (
    Input,
    check_inputs,
    inputs_text,
    limit_inputs,
    mark_inputs,
    pack_inputs,
    reading_input,
)
from services.detect.domain.hits import Hits
from services.detect.domain.judged import Judged
from services.detect.domain.rule_ids import REACH, Reach
from services.detect.domain.series_key import SeriesKey
from services.detect.domain.standard_checks import moment_text
from services.detect.judgement.periods import day_of
from services.detect.kernels.series import Ints

#: Hits further back from the end of their finding are no part of its inputs: a block reaches four
#: judged weeks and these hours back, so that any judging again sees the same inputs.
_REACH_H = 12 * 168
_OUTLET_WIDE = frozenset({ids.POOL_USAGE, ids.MSWI_COLD, ids.MSWI_MONTH})
_BY_PATTERN = frozenset({ids.CONSTANT, ids.LOW_VARIANCE})


def inputs_of(judged: Judged, key: SeriesKey, rule_id: str, hits: Hits) -> str:
    """疑似问题的输入 as `inputs_text`: pack, marks, limits and readings of the hours of its hits.

    Empty for silence, which rests on nothing received. Ten-minute values are not among them: they
    leave their ring after two days, and a finding must not change because time passed.
    """
    if rule_id == ids.SILENCE or not len(hits):
        return ""
    spans = _near(hits)
    first, end = min(a for a, _ in spans), max(b for _, b in spans)
    found = pack_inputs(pack for *_, pack in judged.known.timeline.intervals(first, end))
    if rule_id not in _BY_PATTERN:
        marks = judged.marks.get(key.outlet_id, ())
        found += mark_inputs(marks, "" if rule_id in _OUTLET_WIDE else key.factor, spans)
        found += limit_inputs(judged.block.limits.get(key, ()), spans)
        if key in judged.row_of:
            found += check_inputs(judged.failed_checks(judged.row_of[key], spans))
    if rule_id == ids.MSWI_COLD:
        found += _furnace_inputs(judged, key.outlet_id, spans)
    if rule_id not in _OUTLET_WIDE:
        slots = np.unique(np.concatenate([np.arange(a, b) for a, b in spans])).astype(np.int64)
        found += _readings(judged, key, rule_id, slots)
    return inputs_text(found)


def _near(hits: Hits) -> list[tuple[int, int]]:
    """Hours of the hits that are inputs; of windows that all begin earlier, their last hours."""
    end = int(hits["end"].max())
    since = end - _REACH_H
    near = hits[hits["slot"] >= since]
    if not len(near):  # a drift is judged over more than these weeks
        return [(since, end)]
    return list(zip(near["slot"].tolist(), near["end"].tolist(), strict=True))


def why(before: str, now: str) -> str:
    """变化原因 in Chinese: which inputs of the same hits are no longer what they were; or empty."""
    old, new = _lines(before), _lines(now)
    said = []
    packs = [sorted(one for one in side if one[0] == "pack") for side in (old, new)]
    if packs[0] != packs[1]:
        names = ("、".join(name for _, name, _ in side) for side in packs)
        said.append("规则包由{}改为{}".format(*names))
    gone, came = ({one[1] for one in side if one[0] == "mark"} for side in (old - new, new - old))
    if gone | came:
        said.append("、".join(_mark(one, counts=one in came) for one in sorted(gone | came)))
    said += _checks(old, new)
    limits = sorted({one[1] for one in old ^ new if one[0] == "limit"})
    if limits:
        said.append(f"限值{'、'.join(limits)}变更")
    if any(one[0] == "readings" for one in old ^ new):
        said.append("数据补传或更正")
    if any(one[0] == "furnace" for one in old ^ new):
        said.append("炉温数据或其标记变更")
    return "；".join(said)


def _readings(judged: Judged, key: SeriesKey, rule_id: str, slots: Ints) -> list[Input]:
    """Hours of the series and of those it was read with: oxygen where it converts, flow of a mean.

    A factor of a companion is the companion's own code.
    """
    block = judged.block
    rows = [block.row_of[key]] if key in block.row_of else []
    at = judged.row_of.get(key)
    if at is not None and rule_id not in _BY_PATTERN:
        hours = judged.hours
        if judged.limits.ref_o2[at] > 0 and hours.oxygen[at] >= 0:
            rows.append(int(judged.rows[hours.oxygen[at]]))
        weighted = judged.parts[-1].rules.are("weight", "flow")[at]
        if REACH.get(rule_id) is Reach.DAYS and weighted and hours.flow[at] >= 0:
            rows.append(int(judged.rows[hours.flow[at]]))
    return [reading_input(block, row, slots) for row in rows]


def _furnace_inputs(
    judged: Judged, outlet_id: str, spans: Sequence[tuple[int, int]]
) -> list[Input]:
    """Furnace days of the hits."""
    days = judged.known.furnaces.get(outlet_id, {})
    found = []
    for first, _ in spans:
        one = days.get(day_of(first))
        text = "" if one is None else f"{one.low},{one.excused},{one.lowest_degc:.6g}"
        digest = hashlib.sha256(text.encode()).digest()
        found.append(Input("furnace", day_of(first).isoformat(), digest))
    return found


def _mark(name: str, *, counts: bool) -> str:
    """A mark revision that counts now, or no longer."""
    mark_id, _, revision = name.rpartition("/")
    return f"标记{mark_id}第{revision}版{'生效' if counts else '不再生效'}"


def _checks(old: set[tuple[str, str, str]], new: set[tuple[str, str, str]]) -> list[str]:
    """Failed standard checks that reach over the hits now, otherwise than before, or no longer."""
    gone, came = ({one[1] for one in side if one[0] == "qc"} for side in (old - new, new - old))
    said = []
    for name in sorted(gone | came):
        if name not in gone:
            what = "不合格，上次合格以来的数据无效"
        elif name not in came:
            what = "不再使数据无效"
        else:
            what = "的失效时段变更"
        said.append(moment_text(name) + what)
    return said


def _lines(text: str) -> set[tuple[str, str, str]]:
    lines = (line.split("\t") for line in text.split("\n") if line)
    return {(kind, name, digest) for kind, name, digest in lines}
