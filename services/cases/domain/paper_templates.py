"""文书模板表: which documents there are, when each wording is in force, and what it needs.

The wording itself is HTML beside the table; here is what the program must know of it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.cases.domain.lifecycle import When
from services.cases.domain.matter import Kind

#: How a fact is printed, see `paper_facts.shown`.
KINDS = frozenset({"text", "money", "date", "moment", "choice", "officer", "files", "number"})
#: What a further paper of the same key in a matter does to the one before.
AGAIN = frozenset({"replaces", "adds"})
_KEYS = frozenset(
    {"key", "version", "title", "series", "file", "valid_from", "valid_to", "articles", "copies"}
    | {"again", "party", "facts", "cites", "for"}
)
_FACT = frozenset({"zh", "from", "kind", "required", "if", "default", "all"})


@dataclass(frozen=True)
class Fact:
    """What a template fills in from the record: the first of `sources` that holds something.

    A source is a field name, `act.field`, or `law.name`. `when` is about other facts of the paper.
    `every`: all lines that say it, amounts added up.
    """

    name: str
    zh: str
    sources: tuple[str, ...]
    kind: str
    required: bool
    when: When
    default: str = ""
    every: bool = False


@dataclass(frozen=True)
class Template:
    """文书模板, one wording. `series` is empty for a paper without a number.

    `party`: it names the plant and goes to it. `cites`: keys of earlier papers it rests on, which
    must be there. `again`: `replaces` = a second one is a revision, `adds` = one more. `kinds`: it
    is the wording for matters of these kinds only; one without kinds is for all others.
    """

    key: str
    version: str
    title: str
    series: str
    file: str
    valid_from: dt.date
    valid_to: dt.date | None
    articles: tuple[str, ...]
    copies: int
    again: str
    party: bool
    facts: tuple[Fact, ...]
    cites: tuple[str, ...]
    kinds: frozenset[Kind] = frozenset()

    def in_force(self, day: dt.date) -> bool:
        """Whether this wording is used on a day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


@dataclass(frozen=True)
class TemplateTable:
    """Every wording of every document."""

    version: str
    rows: tuple[Template, ...]
    anew: frozenset[str] = frozenset()  # acts that make the latest paper again

    def replaces(self, template: Template, act: str) -> bool:
        """Whether a further paper of this act takes the place of the one before."""
        return template.again == "replaces" or act in self.anew

    @property
    def keys(self) -> frozenset[str]:
        """Every document there is a template of."""
        return frozenset(row.key for row in self.rows)

    @property
    def series(self) -> frozenset[str]:
        """Every series that is numbered here."""
        return frozenset(row.series for row in self.rows if row.series)

    def template(self, key: str, kind: Kind, day: dt.date) -> Template:
        """The wording in force for a kind of matter. Raises `LookupError`."""
        rows = [row for row in self.rows if row.key == key and row.in_force(day)]
        own = next((row for row in rows if kind in row.kinds), None)
        found = own or next((row for row in rows if not row.kinds), None)
        if found is None:
            raise LookupError(f"{key} of {kind.value} on {day}")
        return found


def read_templates(document: Mapping[str, Any]) -> TemplateTable:
    """The table from its document. `ValueError` names a row that is wrong or overlaps another."""
    since = dt.date.fromisoformat(str(document["valid_from"]))
    rows = tuple(_template(row, since) for row in document["papers"])
    for index, row in enumerate(rows):
        for other in rows[index + 1 :]:
            same = row.key == other.key and (row.kinds & other.kinds or row.kinds == other.kinds)
            if same and _overlap(row, other):
                raise ValueError(f"{row.key}: {row.version} and {other.version} overlap")
    return TemplateTable(document["version"], rows, frozenset(document.get("anew", ())))


def _template(row: Mapping[str, Any], since: dt.date) -> Template:
    key = row["key"]
    if unknown := set(row) - _KEYS:
        raise ValueError(f"{key}: unknown {sorted(unknown)}")
    again = row.get("again", "replaces")
    if again not in AGAIN:
        raise ValueError(f"{key}: again is one of {sorted(AGAIN)}")
    return Template(
        key=key,
        version=str(row["version"]),
        title=row["title"],
        series=row.get("series", ""),
        file=row.get("file", f"{key}.html"),
        valid_from=_day(row.get("valid_from")) or since,
        valid_to=_day(row.get("valid_to")),
        articles=tuple(row["articles"]),
        copies=row.get("copies", 1),
        again=again,
        party=row.get("party", False),
        facts=tuple(_fact(key, name, body) for name, body in (row.get("facts") or {}).items()),
        cites=tuple(row.get("cites", ())),
        kinds=frozenset(map(Kind, row.get("for", ()))),
    )


def _fact(key: str, name: str, body: Mapping[str, Any]) -> Fact:
    if unknown := set(body) - _FACT:
        raise ValueError(f"{key}.{name}: unknown {sorted(unknown)}")
    if hasattr(dict, name):
        raise ValueError(f"{key}.{name}: a template cannot name this fact, choose another name")
    kind = body.get("kind", "text")
    if kind not in KINDS:
        raise ValueError(f"{key}.{name}: kind {kind} is none of {sorted(KINDS)}")
    sources = body.get("from", [name])
    return Fact(
        name=name,
        zh=body["zh"],
        sources=tuple([sources] if isinstance(sources, str) else sources),
        kind=kind,
        required=body.get("required", True),
        when=_when(body.get("if")),
        default=body.get("default", ""),
        every=body.get("all", False),
    )


def _when(asked: Mapping[str, Any] | None) -> When:
    if asked is None:
        return When()
    values = asked["is"] if isinstance(asked["is"], list) else [asked["is"]]
    return When(asked["field"], frozenset(values))


def _day(text: object) -> dt.date | None:
    return dt.date.fromisoformat(str(text)) if text else None


def _overlap(one: Template, other: Template) -> bool:
    first, second = sorted((one, other), key=lambda row: row.valid_from)
    return first.valid_to is None or second.valid_from < first.valid_to
