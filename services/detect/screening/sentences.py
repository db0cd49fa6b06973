"""两句话 of a sign: what was seen, and the smallest change that would have silenced it."""

from dataclasses import dataclass

from services.chassis.clock import beijing, from_unix
from services.detect.domain.rule import Rule, RuleBook
from services.detect.domain.words import number
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign

_DIGITS = 4
_MOST_OTHERS = 4


@dataclass(frozen=True)
class Sentences:
    """两句话, as the rule words them."""

    seen: str
    silenced_by: str


def sentences(panel: Panel, sign: Sign, book: RuleBook) -> Sentences:
    """两句话 of a sign, by the version of its rule in force when the window ended.

    Times are Beijing time. A field that a test leaves out reads as a dash.
    """
    rule = rule_of(panel, sign, book)
    words = words_of(panel, sign, rule, book)
    return Sentences(
        rule.wording.seen.format_map(words), rule.wording.silenced_by.format_map(words)
    )


def rule_of(panel: Panel, sign: Sign, book: RuleBook) -> Rule:
    """The version of the rule that judged a sign."""
    return book.at(sign.test, (panel.start_s + sign.end * panel.step_min * 60) // 3600)


def words_of(panel: Panel, sign: Sign, rule: Rule, book: RuleBook) -> dict[str, str]:
    """All fields that the wording of a screen may name."""
    factor = book.factor(panel.keys[sign.row].factor)
    return {
        "factor": factor.name_zh,
        "others": _others(panel, sign, book),
        "start": moment_text(panel, sign.begin),
        "end": moment_text(panel, sign.end),
        "hours": number((sign.end - sign.begin) / panel.per_hour, 3),
        "statistic": number(sign.statistic, _DIGITS),
        "value": number(sign.value, _DIGITS),
        "expected": number(sign.expected, _DIGITS),
        "silent_at": number(sign.silent_at, _DIGITS),
        "unit": factor.unit,
        "variant": rule.wording.fragments.get(f"variant_{sign.variant}", sign.variant),
        "source": moment_text(panel, sign.source) if sign.source >= 0 else "—",
    }


def moment_text(panel: Panel, cell: int) -> str:
    """Beginning of a cell as people read it: a day for daily series, minutes only where there are.

    >>> import numpy as np
    >>> from services.detect.domain.series_key import SeriesKey
    >>> no = np.zeros((1, 48))
    >>> panel = Panel(30, 1700000000 // 86400 * 86400 - 28800, [SeriesKey("a", "b")], no,
    ...     no.astype(np.uint8), no.astype(bool), np.array([np.nan]), ["a"])
    >>> moment_text(panel, 3), moment_text(panel, 4)
    ('2023年11月14日01时30分', '2023年11月14日02时')
    """
    at = beijing(from_unix(panel.start_s + cell * panel.step_min * 60))
    day = f"{at.year}年{at.month}月{at.day}日"
    if panel.step_min >= 24 * 60:
        return day
    return f"{day}{at.hour:02d}时" + (f"{at.minute:02d}分" if at.minute else "")


def _others(panel: Panel, sign: Sign, book: RuleBook) -> str:
    """Sister factors by name; factors of another outlet with the outlet before them."""
    mine = panel.keys[sign.row].outlet_id
    names = []
    for row in sign.others[:_MOST_OTHERS]:
        key = panel.keys[row]
        name = book.factor(key.factor).name_zh
        names.append(name if key.outlet_id == mine else f"{key.outlet_id} {name}")
    more = len(sign.others) - len(names)
    return "、".join(names) + (f"等{len(sign.others)}项" if more > 0 else "") or "—"
