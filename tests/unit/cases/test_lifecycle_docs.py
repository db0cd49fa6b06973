"""The documents say what the tables say: nobody draws a life cycle by hand."""

from __future__ import annotations

import pytest

from services.cases import rules
from services.cases.domain.matter import Kind
from tools import draw_lifecycles


@pytest.mark.parametrize("name", draw_lifecycles.DOCUMENTS)
def test_a_document_is_what_the_tables_say_today(name: str):
    """After a change of a table: `python -m tools.draw_lifecycles`."""
    text = (draw_lifecycles.ROOT / name).read_text("utf-8")

    assert draw_lifecycles.drawn(text) == text


def test_every_kind_is_drawn_with_every_row():
    """No kind is forgotten, and each of its acts stands in its table."""
    texts = "".join(
        (draw_lifecycles.ROOT / name).read_text("utf-8") for name in draw_lifecycles.DOCUMENTS
    )
    marked = {found[2] for found in draw_lifecycles.MARKED.finditer(texts)}

    assert marked == {kind.value for kind in Kind} | {"common"}
    for kind in Kind:
        part = draw_lifecycles.part(kind.value)
        for act in rules.life_cycle(kind).acts:
            assert act.common or f"| `{act.key}` {act.zh} |" in part
