"""The record as one page for people 卷宗目录: plain HTML, no script, links to the files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

_STYLE = """
body{font:15px/1.6 "Noto Serif CJK SC","Songti SC",serif;max-width:60rem;margin:2rem auto;
 padding:0 1rem;color:#1c2430}
h1{font-size:1.5rem}
h2{font-size:1.2rem;margin-top:2.5rem;border-bottom:2px solid #b33;padding-bottom:.2rem}
h3{font-size:1rem;margin:1.2rem 0 .3rem}
table{border-collapse:collapse;width:100%;font-size:.85rem}
th,td{border:1px solid #c9ced6;padding:.25rem .5rem;text-align:left;vertical-align:top}
th{background:#eef1f4}
code{font-size:.72rem;word-break:break-all;color:#556}
dl{display:grid;grid-template-columns:9rem 1fr;margin:.5rem 0}
dt{color:#556}dd{margin:0}
@media print{a{color:inherit}}
"""
_STATES = {
    "running": "进行中",
    "satisfied": "按期完成",
    "breached": "逾期",
    "lapsed": "届满",
    "cancelled": "终止",
}
_NOTE = (
    "<p>本页由平台从过程记录生成。每行末尾为该行的SM3摘要，按“上一行摘要‖本行”逐行相接；"
    "文件摘要见 <a href='manifest.json'>manifest.json</a>。</p>"
)


def page(document: Mapping[str, Any]) -> str:
    """The whole page."""
    matters = document["matters"]
    title = f"卷宗 {matters[0]['number']}" if matters else "卷宗"
    parts = [
        f'<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>{escape(title)}</title>',
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1>",
        _NOTE,
        *(_matter(one, document) for one in matters),
    ]
    return "\n".join(parts) + "\n"


def _matter(matter: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    heads = (
        ("类别", matter["kind_name"]),
        ("状态", matter["state_name"]),
        ("当事人", f"{matter['enterprise_name']} {matter['credit_code']}"),
        ("排放口", matter["outlet_name"]),
        ("区划", matter["division"]),
        ("承办人", matter["assignee_name"]),
        ("产生时间", matter["opened_at"]),
        ("办结时间", matter["closed_at"]),
    )
    facts = "".join(f"<dt>{name}<dd>{escape(str(value))}" for name, value in heads if value)
    of = matter["matter_id"]
    papers = [one for one in document["papers"] if one["matter_id"] == of]
    files = [one for one in document["attachments"] if one["matter_id"] == of]
    return "\n".join(
        [
            f"<h2>{escape(matter['number'])} {escape(matter['title'])}</h2><dl>{facts}</dl>",
            _section(
                "过程记录", ("序", "时间（UTC）", "办理人", "事项", "内容", "SM3"), _lines(matter)
            ),
            _section("期限", ("事项", "依据", "起算", "届满", "状态", "推算"), _clocks(matter)),
            _section("文书", ("名称", "文号", "文件", "SM3"), map(_paper, papers)),
            _section("附件", ("名称", "用途", "文件", "SM3"), map(_file, files)),
        ]
    )


def _section(title: str, names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = "".join(f"<tr>{''.join(f'<td>{cell}' for cell in row)}" for row in rows)
    if not body:
        return ""
    return f"<h3>{title}</h3><table><tr>{''.join(f'<th>{one}' for one in names)}{body}</table>"


def _lines(matter: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    for line in matter["timeline"]:
        said = {"理由": line["reason"], **line["fields"]}
        text = "；".join(f"{name}：{value}" for name, value in said.items() if value)
        yield (
            str(line["seq"]),
            escape(line["at"][:19]),
            escape(f"{line['actor_name']} {line['actor_role']}"),
            escape(line["act_name"]),
            escape(text),
            f"<code>{line['digest_sm3']}</code>",
        )


def _clocks(matter: Mapping[str, Any]) -> Iterable[Sequence[str]]:
    for clock in matter["clocks"]:
        yield (
            escape(clock["action"]),
            escape(clock["source"]),
            clock["started_at"],
            clock["due_at"],
            _STATES[clock["state"]],
            "<br>".join(map(escape, clock["derivation"])),
        )


def _paper(one: Mapping[str, Any]) -> Sequence[str]:
    return (
        escape(one["title"]),
        escape(one["number"]),
        _link(one["file"]),
        f"<code>{one['sm3']}</code>",
    )


def _file(one: Mapping[str, Any]) -> Sequence[str]:
    name = escape(one["name"])
    return name, escape(one["purpose"]), _link(one["file"]), f"<code>{one['sm3']}</code>"


def _link(path: str) -> str:
    return f'<a href="{escape(path)}">{escape(path.rpartition("/")[2])}</a>'
