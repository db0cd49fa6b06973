"""Draw the clock table 期限表 into docs/clocks.md from the table itself.

Usage: `python -m tools.draw_clocks` writes the part between the markers; with `--check` it writes
nothing and exits 1 when the page says something else than the table.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from services.cases.domain.clocks import Clock, Extension, Kind, Unit
from services.cases.domain.derivation import CAUSES, GRANTS
from services.cases.rules import clock_table

PAGE = Path(__file__).resolve().parent.parent / "docs" / "clocks.md"
BEGIN, END = "<!-- clocks: drawn by tools/draw_clocks.py -->", "<!-- clocks: end -->"
KINDS = {
    Kind.DEADLINE: "办理期限",
    Kind.BEFORE: "提前",
    Kind.WAIT: "等待期",
    Kind.EFFECT: "视为",
    Kind.MAXIMUM: "最长期限",
    Kind.BAR: "时效",
    Kind.RIGHT: "权利",
    Kind.RETENTION: "保存",
    Kind.SUSPENSION: "停止计算",
    Kind.COUNT: "计日",
}
BOUND = {
    "authority": "机关",
    "leader": "负责人",
    "city": "市级",
    "enterprise": "企业",
    "police": "公安",
    "procuratorate": "检察",
}
UNITS = {Unit.HOUR: "小时", Unit.DAY: "日", Unit.MONTH: "个月", Unit.YEAR: "年"}
HEAD = ("期限", "起算 → 事项", "时长", "性质", "延长", "不计入", "依据", "把握")


def main(*, check: bool) -> int:
    """Write the page, or say that it is out of date."""
    before = PAGE.read_text("utf-8")
    after = drawn(before)
    if check:
        if before != after:
            print(f"{PAGE.name} is out of date: python -m tools.draw_clocks")
        return int(before != after)
    PAGE.write_text(after, "utf-8")
    return 0


def drawn(page: str) -> str:
    """The page with the tables of today. Raises ValueError for a page without the markers."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE} has no markers")
    return "\n".join([f"{before}{BEGIN}", *tables(), f"{END}{after}"])


def tables() -> Iterator[str]:
    """The law, then our own terms."""
    law = [clock for clock in clock_table() if clock.statutory]
    terms = [clock for clock in clock_table() if not clock.statutory]
    yield f"### The law 法定期限: {len(law)} rows\n"
    yield from table(law)
    yield f"\n### Our own terms 工作时限: {len(terms)} rows, no law\n"
    yield from table(terms)


def table(clocks: Iterable[Clock]) -> Iterator[str]:
    """Rows as Markdown."""
    yield f"| {' | '.join(HEAD)} |"
    yield "|---" * len(HEAD) + "|"
    for clock in clocks:
        cells = (
            f"`{clock.key}`{version(clock)}",
            f"{clock.start_zh} → {clock.action_zh}",
            length(clock),
            f"{KINDS[clock.kind]}，{BOUND[clock.bound]}",
            "；".join(map(extension, clock.extensions)),
            "、".join(sorted(CAUSES[cause] for cause in clock.pauses)),
            clock.article_zh,
            clock.confidence,
        )
        yield f"| {' | '.join(cells)} |"


def version(clock: Clock) -> str:
    """For which starting days the row is law, where it has several versions."""
    if clock.valid_to:
        return f"（{clock.valid_to} 前起算）"
    return f"（{clock.valid_from} 起）" if clock.valid_from else ""


def length(clock: Clock) -> str:
    """时长 with the kind of days, and whether a last rest day rolls."""
    if clock.length is None or clock.unit is None:
        return "无"
    if clock.unit is Unit.CLOCK_TIME:
        return f"次日 {clock.length // 60:02d}:{clock.length % 60:02d}"
    unit = "个工作日" if clock.working else UNITS[clock.unit]
    return f"{clock.length}{unit}{'，顺延' if clock.rolls else ''}"


def extension(one: Extension) -> str:
    """延长 in a few words."""
    name = GRANTS.get(one.key, one.key)
    if one.decided:
        return name + {"until": "至所定日", "from": "结束日起重新计算", "on": "所定日"}[one.day]
    return f"{name} +{one.add}" if one.add else f"{name} 改为 {one.instead}"


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
