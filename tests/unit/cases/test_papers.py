"""Documents from a record: every template whole, the same bytes again, nothing left empty."""

from __future__ import annotations

import contextlib
import datetime as dt
import re
import zlib
from dataclasses import replace

import pytest

from services.cases import paper_data, paper_print, rules
from services.cases.app import make_papers
from services.cases.domain.agencies import read_agencies
from services.cases.domain.matter import Kind, Running
from services.cases.domain.paper_facts import Material, Party, collect
from services.cases.domain.paper_law import articles_of
from services.cases.domain.paper_templates import read_templates
from services.cases.domain.references import Issued, Ours, check_references
from services.chassis.errors import Unavailable
from tests.unit.cases.paper_stories import DOCUMENTS, story

BEFORE_CODE, SINCE_CODE = dt.date(2026, 8, 14), dt.date(2026, 8, 15)


def filled(key: str, material: Material, **changes: str) -> str:
    """The page of a document as HTML."""
    template = material.templates.template(key, material.matter.kind, material.day)
    facts, missing = collect(template, material)
    assert missing == []
    number = f"邯复环{template.series}字〔2026〕7号" if template.series else ""
    return paper_print.fill(template.file, {**facts, "number": number, **changes})


def unpacked(stream: bytes) -> bytes:
    """A compressed stream of a PDF; empty when it is none."""
    with contextlib.suppress(zlib.error):
        return zlib.decompress(stream)
    return b""


@pytest.mark.parametrize(
    ("key", "kind", "act"), DOCUMENTS, ids=[f"{key}-{kind.value}" for key, kind, _ in DOCUMENTS]
)
def test_every_document_is_made_from_the_record_alone(key: str, kind: Kind, act: str):
    """Nothing is missing, nothing is left of the template, every cited number is the family's."""
    material = story(kind, act)

    text = paper_print.text_of(filled(key, material))

    assert not re.search(r"None|[a-z_]{4,}|\{\{|\{%|（）|：。|；；|。。|《》", text), text
    known = [Issued(paper.number, paper.title) for paper in material.papers]
    known += [Issued(matter.number) for matter in material.chain]
    ours = Ours(paper_data.agencies().shorts(), paper_data.templates().series)
    faults = [one.explanation for one in check_references(text, known, ours) if one.wrong]
    assert [fault for fault in faults if "〔2026〕7号" not in fault] == []


def test_every_paper_that_a_table_issues_has_a_template():
    """No act fails because its document was forgotten, and no template is dead text."""
    issued = {
        paper.template
        for kind in Kind
        for act in rules.life_cycle(kind).acts
        for paper in act.papers
    }

    assert issued == paper_data.templates().keys
    assert {key for key, _, _ in DOCUMENTS} == paper_data.templates().keys


def test_the_decision_says_all_that_the_penalty_law_asks():
    """PL art 59: party, facts and evidence, basis, how to perform, remedies, agency and day."""
    text = paper_print.text_of(filled("decision", story(Kind.CASE, "decide")))

    for part in (
        "当事人：邯郸市沐川纸业有限公司",
        "统一社会信用代码：91130404MA000T014B",
        "采样管被从取样井中拔出",
        "照片：采样管插入塑料瓶",
        "《中华人民共和国生态环境法典》第一千一百零八条",
        "（邯复环罚告字〔2026〕5号）",
        "从轻请求不予采纳",
        "人民币肆拾贰万元整（¥420000.00）",
        "收到本决定书之日起十五日内",
        "每日按罚款数额的百分之三加处罚款",
        "六十日内向邯郸市人民政府或者邯郸市复兴区人民政府申请行政复议",
        "六个月内向有管辖权的人民法院提起行政诉讼",
        "邯郸市生态环境局复兴区分局",
        "二〇二六年十一月二十日",
    ):
        assert part in text


def test_the_same_facts_give_the_same_bytes():
    """A document can be printed again and compared with what was issued."""
    html = filled("hearing_rights_notice", story(Kind.CASE, "issue_notice"))

    first, second = paper_print.print_page(html), paper_print.print_page(html)

    assert first.pdf == second.pdf
    assert first.sha256 != first.sm3
    streams = re.findall(rb"stream\n(.*?)\nendstream", first.pdf, re.DOTALL)
    assert any(b"<pdfaid:part>3<" in one or b"pdfaid" in unpacked(one) for one in streams)


def test_what_somebody_typed_is_text_and_no_markup():
    """An officer's words cannot become a part of the page or of the program."""
    material = story(Kind.CASE, "issue_notice")
    event = replace(material.event, fields={**material.event.fields, "hearing": "no"})
    told = replace(material.case.last("propose_penalty"), seq=99,
                   fields={**material.case.last("propose_penalty").fields,
                           "facts": "<script>x</script>{{ 7 * 7 }}"})  # fmt: skip
    case = replace(material.case, events=(*material.case.events, told))

    html = filled("penalty_notice", replace(material, event=event, chain=(case,)))

    assert "&lt;script&gt;x&lt;/script&gt;{{ 7 * 7 }}" in html


def test_a_fact_that_is_missing_is_named_and_not_left_blank():
    """Of the record, of the party, of the papers that must be there before."""
    material = story(Kind.CASE, "decide")
    bare = replace(material, papers=(), party=Party("某厂", "91130404MA000T014B"),
                   chain=(replace(material.case, events=(material.event,)),))  # fmt: skip
    template = material.templates.template("decision", Kind.CASE, material.day)

    _, missing = collect(template, bare)

    assert missing == ["违法行为", "裁量依据和理由", "《行政处罚事先告知书》", "当事人住所"]


def test_a_correction_of_the_record_is_what_a_later_paper_says():
    """The wrong line stays in the timeline; the document says what holds now."""
    material = story(Kind.CASE, "issue_demand")
    decided = material.case.last("decide")
    correction = replace(
        decided, seq=99, act="correct",
        fields={"seq": str(decided.seq), "field": "amount", "value": "400000"},
    )  # fmt: skip
    case = replace(material.case, events=(*material.case.events, correction))

    text = paper_print.text_of(filled("demand", replace(material, chain=(case,))))

    assert "肆拾万元整" in text
    assert "肆拾贰万元整" not in text


def test_every_statement_is_answered_and_payments_are_added_up():
    """A second statement does not hide the first, and two instalments are one sum."""
    material = story(Kind.CASE, "issue_demand")
    first = material.case.last("record_payment")
    lines = [
        replace(first, act="state_defence", fields={"content": "另有证据"}),
        replace(first, fields={**first.fields, "amount": "50000"}),
    ]
    told = replace(
        material, chain=(replace(material.case, events=(*material.case.events, *lines)),)
    )

    decision = paper_print.text_of(filled("decision", told))
    demand = paper_print.text_of(filled("demand", told))

    assert "请求从轻处罚；另有证据。" in decision
    assert "已缴纳人民币壹拾伍万元整" in demand


def test_a_sign_that_no_font_has_and_a_font_that_is_missing_are_refused(monkeypatch):
    """Nothing is set in whatever face the machine has besides."""
    page = '<html><head><style>p{{font-family:"{}"}}</style></head><body><p>{}</p></body></html>'
    with pytest.raises(Unavailable, match=r"lacks|stood in"):
        paper_print.print_page(page.format(paper_print.FONT, "送达\U000f0000"))
    monkeypatch.setenv("FARSIGHT_PAPER_FONT", "Fang Song Of Nowhere")
    with pytest.raises(Unavailable, match="Fang Song Of Nowhere is not installed"):
        paper_print.print_page(page.format("Fang Song Of Nowhere", "送达"))


@pytest.mark.parametrize(
    ("division", "day", "name", "short"),
    [
        ("130404", BEFORE_CODE, "邯郸市生态环境局", "邯"),
        ("130404", SINCE_CODE, "邯郸市生态环境局复兴区分局", "邯复"),
        ("130400", BEFORE_CODE, "邯郸市生态环境局", "邯"),
        ("130000", SINCE_CODE, "河北省生态环境厅", "冀"),
        ("130471", SINCE_CODE, "邯郸市生态环境局经济技术开发区分局", "邯经"),
        ("150426", SINCE_CODE, "赤峰市生态环境局翁牛特旗分局", "翁"),
    ],
)
def test_documents_bear_the_right_subject_by_date(
    division: str, day: dt.date, name: str, short: str
):
    """A branch office in its own name since the Code (art 53), the city's bureau before."""
    agency = paper_data.agencies().agency(division, day)

    assert (agency.name, agency.short) == (name, short)


def test_a_division_that_the_table_lacks_is_named_by_its_own_name_or_refused():
    """The registry's name of a division is enough; without one there is no subject."""
    names = {"510100": "成都市", "510104": "锦江区"}

    agency = paper_data.agencies().agency("510104", SINCE_CODE, names)

    assert (agency.name, agency.short) == ("成都市生态环境局锦江区分局", "锦江")
    with pytest.raises(LookupError):
        paper_data.agencies().agency("510104", SINCE_CODE)


def test_tables_that_contradict_themselves_are_refused():
    """Two agencies of one short name, two wordings of one day, a fact nobody could name."""
    row = {"division": "1", "name": "甲市", "short": "甲"}
    base = {"version": "1", "branch_acts_from": "2026-08-15", "default": {}}
    paper = {"key": "a", "version": 1, "title": "甲", "articles": ["乙"]}
    papers = {"version": "1", "valid_from": "2021-07-15"}

    with pytest.raises(ValueError, match="same short name 甲"):
        read_agencies({**base, "divisions": [row, {**row, "division": "2"}]})
    with pytest.raises(ValueError, match="overlap"):
        read_templates({**papers, "papers": [paper, paper]})
    with pytest.raises(ValueError, match="items"):
        read_templates({**papers, "papers": [{**paper, "facts": {"items": {"zh": "物品"}}}]})


def test_a_new_wording_takes_over_on_its_day():
    """The old one stays for what was issued before."""
    old = {"key": "a", "version": 1, "title": "甲", "articles": ["乙"], "valid_to": "2026-08-15"}
    new = {**old, "version": 2, "valid_from": "2026-08-15", "valid_to": None}
    table = read_templates({"version": "1", "valid_from": "2021-07-15", "papers": [old, new]})

    assert table.template("a", Kind.CASE, BEFORE_CODE).version == "1"
    assert table.template("a", Kind.CASE, SINCE_CODE).version == "2"
    with pytest.raises(LookupError):
        table.template("a", Kind.CASE, dt.date(2020, 1, 1))


def test_cited_articles_are_split_into_duty_and_penalty():
    """The last article of each law is the penalty's."""
    both = articles_of(
        "大气污染防治法第二十条第二款、第九十九条第三项；排污许可管理条例第十七条、第三十四条第二项"
    )

    air, permits = "《中华人民共和国大气污染防治法》", "《排污许可管理条例》"
    assert both["violated"] == f"{air}第二十条第二款、{permits}第十七条"
    assert both["basis"] == f"{air}第九十九条第三项、{permits}第三十四条第二项"


def test_a_paper_made_again_replaces_its_like_and_an_order_to_correct_adds_one():
    """A second notice is a revision of the first; a second order stands for itself."""
    notice = story(Kind.CASE, "issue_notice")
    order = story(Kind.RECTIFICATION, "begin")
    anew = replace(order, event=replace(order.event, act="serve_anew"))

    def replaced(key: str, material: Material) -> str:
        template = material.templates.template(key, material.matter.kind, material.day)
        before = make_papers._before(template, material)
        return before.number if before else ""

    assert replaced("penalty_notice", notice) == "邯复环罚告字〔2026〕5号"
    assert replaced("rectification_order", order) == ""
    assert replaced("rectification_order", anew) == "邯复环责改字〔2026〕9号"
    assert replaced("decision", replace(notice, papers=())) == ""


def test_a_demand_claims_no_lapse_of_rights_that_still_run():
    """The sentence that nobody sued is printed only when the time to sue is over."""
    material = story(Kind.CASE, "issue_demand")
    clock = Running(
        "c-1", "lawsuit", True, "", "", material.made_at, material.made_at + dt.timedelta(days=9),
        False, (),
    )  # fmt: skip
    over = replace(clock, due_at=material.made_at)

    def said(*clocks: Running) -> bool:
        case = replace(material.case, clocks=clocks)
        text = paper_print.text_of(filled("demand", replace(material, chain=(case,))))
        return "在法定期限内未申请行政复议" in text

    assert not said(clock)
    assert said(over)
