"""The paper mill's story: a case from a complaint to the court, told by the product itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from farsight.story.command import STORIES
from farsight.story.script import read_script
from farsight.story.tell import Teller
from services.cases import paper_store
from services.cases.domain import history
from services.cases.domain.matter import Kind
from services.chassis.db import Database

TITLES = [
    "立案审批表",
    "责令改正违法行为决定书",
    "案件调查报告",
    "行政处罚事先告知书",
    "行政处罚听证告知书",
    "行政处罚听证通知书",
    "听证笔录",
    "行政处罚决定书",
    "送达公告",
    "履行义务催告书",
    "送达公告",
    "行政处罚强制执行申请书",
]


def test_a_paper_mill_walks_from_complaint_to_court(migrated_db):
    """Every step is accepted, every claimed last day is the computed one, every paper is there."""
    database = Database(migrated_db("cases"), "cases")
    script = read_script(STORIES / "paper_mill.yaml")
    teller = Teller(database, script)

    told = list(teller.tell())

    assert len(told) == len(script.steps)
    wrong = [
        (c.expected.clock, c.expected.last_day, c.found) for c in teller.claims() if not c.holds
    ]
    assert wrong == []
    family = teller.family()
    assert [one.number for one in family if history.first_break(one.matter_id, one.events)] == []
    assert {one.kind for one in family} == {Kind.CASE, Kind.RECTIFICATION, Kind.SERVICE}
    assert family[0].state == "court"
    with database.transaction() as session:
        kept = paper_store.kept_papers(session, [one.matter_id for one in family])
        made = sorted(kept, key=lambda one: one.paper.made_at)
        assert [one.paper.title for one in made] == TITLES
        for one in made:
            assert paper_store.pdf_of(session, one.paper.paper_id).startswith(b"%PDF-")
        decision = paper_store.html_of(session, made[TITLES.index("行政处罚决定书")].paper.paper_id)
    assert "贰拾贰万元整" in decision
    assert "邯环罚字〔2025〕1号" in decision
    assert "。。" not in decision
    database.engine.dispose()


def test_a_story_that_names_nobody_is_refused(tmp_path: Path):
    """A typo in a script is told with the number of its step."""
    text = (STORIES / "paper_mill.yaml").read_text(encoding="utf-8")
    (tmp_path / "typo.yaml").write_text(text.replace("who: sun", "who: sunn", 1), encoding="utf-8")

    with pytest.raises(ValueError, match=r"step \d+: sunn is nobody"):
        read_script(tmp_path / "typo.yaml")
