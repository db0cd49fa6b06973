"""文号互核: every number that a document cites is the number of a document of its own family.

A public notice once demanded the fine of decision no. 1 where the decision was no. 3 in every
other line: such a paper falls in court. A number of our agencies that the family does not have is
wrong; a number of somebody else is external and only marked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum

from services.cases.domain.numbers import Found, find_numbers


class Standing(Enum):
    """How a cited number stands."""

    KNOWN = "known"
    EXTERNAL = "external"
    UNKNOWN = "unknown"
    REPLACED = "replaced"
    MISTITLED = "mistitled"


#: Standings with which a document must not go out.
WRONG = frozenset({Standing.UNKNOWN, Standing.REPLACED, Standing.MISTITLED})


@dataclass(frozen=True)
class Issued:
    """A number that exists, of a document or a matter.

    `replaced_by` is the number of a later revision.
    """

    number: str
    title: str = ""
    paper_id: str = ""
    replaced_by: str = ""
    related: bool = False  # of another family of the same plant


@dataclass(frozen=True)
class Ours:
    """What makes a number one of ours: short names of agencies, and series that we number."""

    agencies: frozenset[str]
    series: frozenset[str]


@dataclass(frozen=True)
class Reference:
    """A cited number and what is to be said of it."""

    found: Found
    standing: Standing
    title: str = ""  # document title cited before the number
    paper_id: str = ""
    explanation: str = ""
    likely: tuple[str, ...] = ()

    @property
    def wrong(self) -> bool:
        """Whether the document must not go out with it."""
        return self.standing in WRONG


def check_references(
    text: str, issued: Iterable[Issued], ours: Ours, *, replaces: str = ""
) -> list[Reference]:
    """Every number cited in the text, in order.

    `replaces` is the number of the paper that this text takes the place of: it may be cited.
    """
    by_number = {one.number: one for one in issued}
    return [
        _reference(text, _claimed(found, ours), by_number, replaces)
        for found in find_numbers(text, ours.agencies)
    ]


def _claimed(found: Found, ours: Ours) -> Found:
    """A report of the monitoring station bears our name and none of our series: not ours."""
    own = found.own and (not found.series or found.series in ours.series)
    return replace(found, own=own)


def _reference(text: str, found: Found, by_number: dict[str, Issued], replaces: str) -> Reference:
    title = _title_before(text, found.start)
    known = by_number.get(found.number)
    if known is None:
        return _stranger(found, title, by_number)
    if known.replaced_by and found.number != replaces:
        return Reference(
            found,
            Standing.REPLACED,
            title,
            known.paper_id,
            f"{found.number} 已由 {known.replaced_by} 替代",
            (known.replaced_by,),
        )
    if title and known.title and known.title not in title:
        return Reference(
            found,
            Standing.MISTITLED,
            title,
            known.paper_id,
            f"{found.number} 是《{known.title}》的文号，文中写作《{title}》",
            tuple(one.number for one in by_number.values() if one.title and one.title in title),
        )
    if known.related:
        return Reference(found, Standing.EXTERNAL, title, known.paper_id, "同一单位的另案文书")
    return Reference(found, Standing.KNOWN, title, known.paper_id)


def _stranger(found: Found, title: str, by_number: dict[str, Issued]) -> Reference:
    if not found.own:
        return Reference(found, Standing.EXTERNAL, title, explanation="其他机关或者其他种类的文书")
    likely = tuple(sorted(one for one in by_number if _resembles(found, one, by_number, title)))
    hint = f"，本案有：{'、'.join(likely)}" if likely else ""
    return Reference(
        found,
        Standing.UNKNOWN,
        title,
        explanation=f"本案没有文号 {found.number}{hint}",
        likely=likely,
    )


def _resembles(found: Found, number: str, by_number: dict[str, Issued], title: str) -> bool:
    """The same but for the serial or the year, or a document of the title that was cited."""
    one = by_number[number]
    stem = f"{found.agency}环{found.series}字" if found.agency else found.number[0]
    return number.startswith(stem) or bool(title and one.title and one.title in title)


def _title_before(text: str, start: int) -> str:
    """《…》 right before the number, with at most an opening bracket or "文号" between."""
    match = re.search(r"《([^《》]{1,80})》[\s（(\[［〔]*(?:文号|编号)?[：:]?\s*\Z", text[:start])
    return match.group(1) if match else ""
