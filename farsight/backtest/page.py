"""报告页: a comparison for people, one HTML file with its pictures inside."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from farsight.backtest.compare import Difference
from farsight.backtest.pictures import county_bars, flip_calendar
from farsight.backtest.report import difference_document

#: Rows of a table on the page; the JSON report has more.
SHOWN = 200
_LEVELS = {
    "warning": "事前预警",
    "dispatch": "事中调度",
    "supervision": "事后督办",
    "clue": "案件线索",
}
_WAYS = {"newly": "新认定", "no_longer": "不再认定", "both": "两种都有"}
_WHAT = {"gained": "新增", "lost": "消失", "changed": "变化"}
_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#1d2733;max-width:960px;margin:2rem auto}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;width:100%;font-size:13px}
th,td{border-bottom:1px solid #dde3ea;padding:4px 8px;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}
.big{display:flex;gap:1.5rem;flex-wrap:wrap}.big div{min-width:9rem}
.big b{font-size:1.5rem;display:block}
svg{max-width:100%;height:auto}small{color:#5b6876}
"""

_HEAD = """<!doctype html><html lang="zh-Hans"><head><meta charset="utf-8"><title>{title}</title>
<style>{style}</style></head><body><h1>{title}</h1>"""
_FOOT = """<p><small>每项工时取自触发规则表，是可配置的估计值；同一排放口、因子、事项一天计一项。
试运行的触发规则单列，不计入工时合计。</small></p></body></html>"""


def html_page(difference: Difference, data: str) -> str:
    """报告页 of a comparison; says where the numbers come from and how many rows are left out."""
    document = difference_document(difference, data)
    title = f"规则包回测：{document['old']['pack']} → {document['new']['pack']}"
    parts = [
        _HEAD.format(title=escape(title), style=_STYLE),
        _source(document, data),
        _headline(document["summary"]),
        "<h2>各区县执法工时</h2>",
        county_bars(difference),
        "<h2>改判日历</h2>",
        flip_calendar(difference),
        "<h2>触发规则</h2>",
        _trigger_table(document["triggers"]),
        "<h2>改判企业</h2>",
        _flip_table(document["flips"]),
        "<h2>已查实案件</h2>",
        _label_tables(document),
        "<h2>疑似问题的变化</h2>",
        _change_table(document),
        _FOOT,
    ]
    return "\n".join(parts)


def _source(document: dict[str, Any], data: str) -> str:
    old, new = (document[side]["sha256"][:16] for side in ("old", "new"))
    span = f"{document['from']} 至 {document['to']}；排放口 {document['outlets']} 个。"
    digests = f"旧包 sha256 {old}…，新包 sha256 {new}…"
    return f"<p>{escape(data)}；{span}<br><small>{digests}</small></p>"


def _headline(summary: dict[str, Any]) -> str:
    numbers = (
        (f"{summary['items'][0]} → {summary['items'][1]}", "事项"),
        (f"{summary['officer_hours'][0]:g} → {summary['officer_hours'][1]:g}", "执法工时"),
        (str(summary["enterprises_flipped"]), f"家企业改判，{summary['days_flipped']} 个企业日"),
        (f"+{summary['findings_gained']} −{summary['findings_lost']}", "疑似问题新增、消失"),
        (f"+{summary['confirmed_gained']} −{summary['confirmed_lost']}", "已查实案件增、减"),
    )
    cells = "".join(f"<div><b>{escape(n)}</b>{escape(words)}</div>" for n, words in numbers)
    return f'<div class="big">{cells}</div>'


def _trigger_table(rows: Iterable[dict[str, Any]]) -> str:
    return _table(
        ("触发规则", "事项", "级别", "方式", "旧 项", "新 项", "旧 工时", "新 工时"),
        [
            (
                row["trigger"],
                row["item"],
                _LEVELS[row["level"]],
                "试运行" if row["mode"] == "monitor" else "正式",
                *row["items"],
                *row["officer_hours"],
            )
            for row in rows
        ],
    )


def _flip_table(flips: Sequence[dict[str, Any]]) -> str:
    rows = []
    for one in flips[:SHOWN]:
        first = one["days"][0]
        days = "、".join(dict.fromkeys(day["day"] for day in one["days"][:12]))
        why = "；".join(dict.fromkeys(day["why"] for day in one["days"]))[:300]
        rows.append(
            (one["name"], one["division"], _WAYS[one["way"]], one["day_count"],
             f"{first['outlet_id']} {first['factor']} {first['rule']}", days, why)
        )  # fmt: skip
    heads = ("企业", "区县", "方向", "天数", "例", "日期", "原因")
    return _table(heads, rows) + _rest(len(flips), len(rows))


def _label_tables(document: dict[str, Any]) -> str:
    if not document["labels"]:
        return "<p>没有标签：未提供 labels.csv，也没有已办结的督办单或案件。</p>"
    parts = [f"<p>标签 {document['labels']} 条。</p>"]
    for key, words in (("confirmed_gained", "新规则包多发现"), ("confirmed_lost", "新规则包漏掉")):
        rows = [
            (one["matter"], one["outlet_id"], one["factor"], one["start"], one["end"])
            for one in document[key][:SHOWN]
        ]
        parts.append(f"<p>{words} {len(document[key])} 条</p>")
        if rows:
            parts.append(_table(("编号", "排放口", "因子", "起", "止"), rows))
    return "".join(parts)


def _change_table(document: dict[str, Any]) -> str:
    rows = []
    for one in document["findings"][:SHOWN]:
        shown = one["after"] or one["before"]
        rows.append(
            (_WHAT[one["what"]], one["outlet_id"], one["rule"], shown["start"], shown["end"],
             shown["seen"])
        )  # fmt: skip
    summary = document["summary"]
    total = sum(summary[f"findings_{name}"] for name in ("gained", "lost", "changed"))
    return _table(("", "排放口", "规则", "起", "止", "看到了什么"), rows) + _rest(total, len(rows))


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in heads)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    if not body:
        return "<p>无。</p>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    if isinstance(value, int | float):
        return f'<td class="n">{value:g}</td>'
    return f"<td>{escape(str(value))}</td>"


def _rest(total: int, shown: int) -> str:
    return f"<p><small>另有 {total - shown} 行，见 JSON 报告。</small></p>" if total > shown else ""
