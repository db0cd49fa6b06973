"""Articles as documents cite them: which duty was broken, which article the penalty rests on."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable

from services.cases.domain.law import Law
from services.cases.domain.matter import Event, Matter


def law_texts(law: Law, event: Event, chain: Iterable[Matter], day: dt.date) -> dict[str, str]:
    """`violated` and `basis` of what was proposed; empty where the table of law has none.

    The law of the act's day, or the new one where it is lighter on the day of the paper.
    """
    lines = [event, *(line for matter in chain for line in reversed(matter.events))]
    proposal = next((line for line in lines if line.act == "propose_penalty"), None)
    if proposal is None or not proposal.fields.get("act_date"):
        return {}
    basis = law.basis_for(
        proposal.fields.get("violation", ""),
        dt.date.fromisoformat(proposal.fields["act_date"]),
        day,
        serious=proposal.fields.get("gravity") == "serious",
    )
    return articles_of(basis.article) if basis else {}


def articles_of(text: str) -> dict[str, str]:
    """Split a cited basis: the last article of each law is the penalty's, those before the duty's.

    >>> articles_of("大气污染防治法第十八条、第九十九条第二项")["basis"]
    '《中华人民共和国大气污染防治法》第九十九条第二项'
    """
    duties: list[str] = []
    penalties: list[str] = []
    for part in re.split("[；;]", text):
        match = re.fullmatch(r"\s*《?([^第《》]+)》?(第.+?)\s*", part)
        if match is None:
            penalties.append(part.strip())
            continue
        name, articles = title_of(match[1]), match[2].split("、")
        if articles[:-1]:
            duties.append(name + "、".join(articles[:-1]))
        penalties.append(name + articles[-1])
    return {"violated": "、".join(duties), "basis": "、".join(penalties)}


def title_of(name: str) -> str:
    """A law with the state's name before it; regulations and measures have none."""
    name = name.removeprefix("中华人民共和国")
    law = name.endswith(("法", "法典")) and not name.endswith("办法")
    return f"《{'中华人民共和国' if law else ''}{name}》"
