"""Checklists 检查表: questions by topic, read from data, and the choice of topics for a visit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

#: Answers of a `check`: it is so, it is not, it does not apply here.
YES_NO = frozenset({"yes", "no", "na"})
_ANSWERS = frozenset({"check", "number", "choice", "text"})
_ITEM_KEYS = frozenset(
    {
        "id", "ask", "how", "evidence", "law", "answer", "choices", "unit", "required", "when",
        "fault", "proof",
    }
)  # fmt: skip
_LIST_KEYS = frozenset(
    {
        "topic", "zh", "version", "source", "confidence", "order", "media", "industries",
        "processes", "matter_items", "only_on_request", "items",
    }
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """检查项. `fault`: the answer that tells of a problem; `proof`: such an answer needs a file."""

    item_id: str
    ask: str
    how: str
    evidence: str
    law: str
    answer: str = "check"
    choices: tuple[str, ...] = ()
    unit: str = ""
    required: bool = True
    when_item: str = ""
    when_values: frozenset[str] = frozenset()
    fault: str = ""
    proof: bool = False

    @property
    def values(self) -> frozenset[str]:
        """What may be answered to a check or a choice."""
        named = frozenset(choice.partition("|")[0] for choice in self.choices)
        return YES_NO if self.answer == "check" else named

    def asked(self, answers: Mapping[str, str]) -> bool:
        """Whether the answers so far ask for this one."""
        return not self.when_item or answers.get(self.when_item, "") in self.when_values

    def wrong(self, value: str) -> str:
        """What is wrong with an answer, in Chinese; nothing where it fits."""
        if self.answer == "number":
            try:
                return "" if Decimal(value).is_finite() else "须为数字"
            except InvalidOperation:
                return "须为数字"
        if self.answer in {"check", "choice"} and value not in self.values:
            return f"“{value}”不在可选项（{'、'.join(sorted(self.values))}）中"
        return ""


@dataclass(frozen=True)
class Checklist:
    """检查表 of one topic. Empty `industries`, `media`, `processes` = no matter which."""

    topic: str
    zh: str
    version: str
    source: str
    order: int
    items: tuple[Item, ...]
    media: frozenset[str] = frozenset()
    industries: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    matter_items: frozenset[str] = frozenset()
    only_on_request: bool = False

    def fits(self, place: Subject) -> bool:
        """Whether the topic is suggested: for what happened there, or for what is there."""
        if place.items & self.matter_items:
            return True
        if self.only_on_request:
            return False
        here = any(place.industry.startswith(one) for one in self.industries)
        process = any(one in place.process for one in self.processes)
        if self.industries or self.processes:
            return (here or process) and self._medium(place)
        return self._medium(place)

    def _medium(self, place: Subject) -> bool:
        return not self.media or not place.medium or place.medium in self.media


@dataclass(frozen=True)
class Subject:
    """检查对象 as the choice of topics sees it."""

    industry: str = ""
    medium: str = ""
    process: str = ""
    items: frozenset[str] = frozenset()  # trigger items and basis that the visit is made for


def suggested(lists: Iterable[Checklist], place: Subject) -> list[Checklist]:
    """The topics that fit, in the order of work: what can be wiped out comes first."""
    return sorted((one for one in lists if one.fits(place)), key=lambda one: one.order)


def read_checklists(documents: Iterable[Mapping[str, Any]]) -> dict[str, Checklist]:
    """All topics by key, in the order of work. `ValueError` names topic, item and fault."""
    lists = sorted(map(_read_list, documents), key=lambda one: one.order)
    found: dict[str, Checklist] = {}
    items: set[str] = set()
    for one in lists:
        if one.topic in found:
            raise ValueError(f"{one.topic}: there are two")
        for item in one.items:
            if item.item_id in items:
                raise ValueError(f"{one.topic}: {item.item_id} is there twice")
            items.add(item.item_id)
        found[one.topic] = one
    return found


def _read_list(document: Mapping[str, Any]) -> Checklist:
    topic = str(document.get("topic", ""))
    if unknown := set(document) - _LIST_KEYS:
        raise ValueError(f"{topic}: unknown {sorted(unknown)}")
    if missing := {"topic", "zh", "version", "source", "order", "items"} - set(document):
        raise ValueError(f"{topic}: lacks {sorted(missing)}")
    items = tuple(_read_item(topic, row) for row in document["items"])
    _check_conditions(topic, items)
    return Checklist(
        topic=topic,
        zh=document["zh"],
        version=document["version"],
        source=document["source"],
        order=document["order"],
        items=items,
        media=frozenset(document.get("media", ())),
        industries=tuple(document.get("industries", ())),
        processes=tuple(document.get("processes", ())),
        matter_items=frozenset(document.get("matter_items", ())),
        only_on_request=document.get("only_on_request", False),
    )


def _read_item(topic: str, row: Mapping[str, Any]) -> Item:
    name = f"{topic}: {row.get('id', '?')}"
    if unknown := set(row) - _ITEM_KEYS:
        raise ValueError(f"{name}: unknown {sorted(unknown)}")
    if missing := [key for key in ("id", "ask", "how", "evidence", "law") if not row.get(key)]:
        raise ValueError(f"{name}: lacks {missing}")
    when = row.get("when", {})
    answer = row.get("answer", "check")
    item = Item(
        item_id=row["id"],
        ask=row["ask"],
        how=row["how"],
        evidence=row["evidence"],
        law=row["law"],
        answer=answer,
        choices=tuple(row.get("choices", ())),
        unit=row.get("unit", ""),
        required=row.get("required", True),
        when_item=when.get("item", ""),
        when_values=frozenset(when.get("is", ())),
        fault=row.get("fault", "no" if answer == "check" else ""),
        proof=row.get("proof", False),
    )
    _check_item(name, item)
    return item


def _check_item(name: str, item: Item) -> None:
    if item.answer not in _ANSWERS:
        raise ValueError(f"{name}: unknown answer {item.answer}")
    if (item.answer == "choice") != bool(item.choices):
        raise ValueError(f"{name}: choices belong to an answer by choice")
    if item.fault and item.fault not in item.values:
        raise ValueError(f"{name}: nobody can answer {item.fault}")
    if item.proof and not item.fault:
        raise ValueError(f"{name}: proof of what, without a fault")
    if bool(item.when_item) != bool(item.when_values):
        raise ValueError(f"{name}: a condition has an item and its answers")


def _check_conditions(topic: str, items: Sequence[Item]) -> None:
    """A condition looks back, at an answer that can be given."""
    before: dict[str, Item] = {}
    for item in items:
        asked = before.get(item.when_item)
        if item.when_item and asked is None:
            raise ValueError(f"{topic}: {item.item_id} depends on {item.when_item} behind it")
        if asked is not None and not item.when_values <= asked.values:
            raise ValueError(f"{topic}: {item.item_id} waits for an answer that nobody can give")
        before[item.item_id] = item
