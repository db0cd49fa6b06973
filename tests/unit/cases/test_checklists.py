"""Checklists: read strictly from data, chosen by what is there and what happened."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.cases import inspection_rules, rules
from services.cases.domain.checklists import Item, Subject, read_checklists, suggested

EVERY = inspection_rules.checklists()
PLAIN: dict[str, Any] = {
    "topic": "t", "zh": "主题", "version": "1", "source": "HJ 75-2017", "order": 1,
    "items": [
        {"id": "t-1", "ask": "问", "how": "查", "evidence": "照", "law": "法"},
        {"id": "t-2", "ask": "问", "how": "查", "evidence": "照", "law": "法",
         "when": {"item": "t-1", "is": ["no"]}},
    ],
}  # fmt: skip


def topics(**place: Any) -> list[str]:
    """Keys of what is suggested."""
    return [one.topic for one in suggested(EVERY.values(), Subject(**place))]


def test_the_lists_are_substantial_and_sourced():
    """At least eight topics and eighty questions, each with a way to check and a clause."""
    items = [item for one in EVERY.values() for item in one.items]

    assert len(EVERY) >= 8
    assert len(items) >= 80
    assert all(item.law and item.how and item.evidence for item in items)
    assert all(one.source and one.version for one in EVERY.values())
    assert sum(item.proof for item in items) >= 40


def test_every_topic_is_found_by_somebody():
    """No list is dead: an industry, a process, or something that happened leads to it."""
    found = set()
    for industry in ("4417", "4411", "2221", "2319", "7724"):
        for medium in ("air", "water"):
            found |= set(topics(industry=industry, medium=medium))
    found |= set(topics(items=frozenset({"falsification", "order_not_met"})))

    assert found == set(EVERY)


def test_the_order_of_work_puts_first_what_can_be_wiped_out():
    """Falsification before everything; ledgers and waste wait."""
    order = topics(industry="4411", medium="air", items=frozenset({"falsification"}))

    assert order[0] == "falsification"
    assert order.index("cems_gas") < order.index("permit_ledger") < len(order)
    assert "wpms_water" not in topics(industry="4411", medium="air")
    assert "falsification" not in topics(industry="4411", medium="air")


def test_what_happened_is_an_item_of_the_trigger_table_or_a_basis():
    """A list that waits for an item nobody ever triggers would never be suggested."""
    document = rules.load("triggers.yaml")
    rows = [row for part in document.values() if isinstance(part, list) for row in part]
    triggered = {row["item"] for row in rows if isinstance(row, dict) and "item" in row}
    named = set().union(*(one.matter_items for one in EVERY.values()))

    assert named <= triggered | {"emergency"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "unknown"),
        ({"ask": ""}, "lacks"),
        ({"answer": "maybe"}, "unknown answer"),
        ({"answer": "choice"}, "choices belong"),
        ({"choices": ["a|A"]}, "choices belong"),
        ({"fault": "perhaps"}, "nobody can answer"),
        ({"answer": "text", "proof": True}, "without a fault"),
        ({"when": {"item": "t-9", "is": ["no"]}}, "behind it"),
        ({"when": {"item": "t-1", "is": ["blue"]}}, "nobody can give"),
        ({"when": {"item": "t-1"}}, "has an item and its answers"),
        ({"id": "t-1"}, "twice"),
    ],
)
def test_a_list_with_a_mistake_is_refused_by_name(change, message):
    """A typo is found when the file is read, not in front of the plant's door."""
    document = copy.deepcopy(PLAIN)
    document["items"][1] |= change

    with pytest.raises(ValueError, match=message):
        read_checklists([document])


def test_two_lists_of_one_topic_and_unknown_keys_are_refused():
    """A topic has one list."""
    other = copy.deepcopy(PLAIN)
    other["items"] = []
    with pytest.raises(ValueError, match="there are two"):
        read_checklists([PLAIN, other])
    with pytest.raises(ValueError, match="unknown"):
        read_checklists([PLAIN | {"colour": "red"}])
    with pytest.raises(ValueError, match="lacks"):
        read_checklists([{"topic": "t"}])


@given(st.text(max_size=30))
def test_any_answer_fits_or_is_named(value: str):
    """Whatever a device sends as an answer, the item has a word for it."""
    number = Item("i", "问", "查", "照", "法", answer="number")
    check = Item("i", "问", "查", "照", "法")

    assert number.wrong(value) in {"", "须为数字"}
    assert (check.wrong(value) == "") == (value in {"yes", "no", "na"})
