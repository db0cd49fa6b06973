"""A paper mill's case as timelines, so that every document can be made from a record.

Synthetic: names, codes and persons do not exist.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from services.cases import paper_data, rules
from services.cases.domain.matter import Doer, Event, Kind, Level, Matter, Row
from services.cases.domain.paper_facts import Material, Party, Person
from services.cases.domain.paper_law import articles_of
from services.cases.domain.papers import Attachment, Paper
from services.chassis.clock import BEIJING

DAY = dt.datetime(2026, 11, 20, 15, 20, tzinfo=BEIJING)
CODE = "91130404MA000T014B"
PEOPLE = {
    "o-1": Person("沈砚清", "冀环（演）1304041"),
    "o-2": Person("陆云舟", "冀环（演）1304042"),
    "o-3": Person("顾予安", "冀环（演）1304043"),
    "l-1": Person("姚望舒", "冀环（演）1304049"),
}
PARTY = Party(
    name="邯郸市沐川纸业有限公司",
    credit_code=CODE,
    address="河北省邯郸市复兴区演示路18号",
    permit_code=f"{CODE}001P",
    outlet="废水总排口（DW001）",
)
FACTS = (
    "2026年10月9日2时至10月10日16时，你单位废水总排口（DW001）自动监测设备的化学需氧量和氨氮两项数据同时失去"
    "波动，化学需氧量稳定在38.2至38.4毫克/升之间。10月12日，我局执法人员现场检查发现，采样管被从取样井中拔出，"
    "插入盛有清水的塑料瓶内。\n经查，上述行为系你单位污水处理站操作工按照站长要求实施，持续39小时；同期手工监测"
    "显示，废水总排口化学需氧量为216毫克/升，超过《制浆造纸工业水污染物排放标准》规定限值（80毫克/升）1.7倍。"
)
PROPOSAL = {
    "officer_1": "o-1",
    "officer_2": "o-2",
    "act_date": "2026-10-10",
    "act_place": "废水总排口在线监测站房",
    "harm": "no",
    "violation": "evade_supervision",
    "facts": FACTS,
    "evidence": "监测报告（邯环监〔2026〕0417号）、现场照片、在线监测数据导出文件，经核对无误。",
    "outcome": "penalty",
    "amount": "420000",
    "other_measures": "none",
    "discretion": "逃避监管方式：干扰采样；持续时间39小时；超标1.7倍；一年内初次；配合调查，裁量百分值40%",
    "mitigated": "none",
    "complex": "yes",
    "public_interest": "no",
}
#: What the acts held whose papers come later in the case.
CASE = [
    ("receive_clue", "", {"reason": "两项因子同时失去波动"}),
    ("verify", "o-1", {"officer_2": "o-2", "visited_on": "2026-10-12", "found": "confirmed",
                       "record": "现场检查笔录：采样管插入盛水塑料瓶，已拍照、录像并封存"}),
    ("file_case", "l-1", dict.fromkeys(
        ("facts_suspected", "punishable", "own_jurisdiction", "within_limitation"), "yes")),
    ("finish_investigation", "o-1", {"officer_2": "o-2", "facts": FACTS,
                                     "violation": "evade_supervision"}),
    ("request_referral", "o-1", {"officer_2": "o-2", "charge": "338",
                                 "report": "重点排污单位干扰自动监测设施，排放化学需氧量"}),
    ("propose_penalty", "o-1", PROPOSAL),
    ("issue_notice", "l-1", {"amount": "420000", "other_measures": "none", "hearing": "yes"}),
    ("penalty_notice_served", "", {"served_on": "2026-10-28", "method": "by_hand"}),
    ("state_defence", "", {"content": "本单位系初次违法，已更换负责人并恢复采样管路，请求从轻处罚"}),
    ("plan_hearing", "l-1", {"hearing_on": "2026-11-10", "hearing_time": "上午9时30分",
                             "place": "邯郸市生态环境局复兴区分局三楼听证室", "chair": "o-3",
                             "public_hearing": "yes"}),
    ("hold_hearing", "o-3", {"held_on": "2026-11-10", "attendance": "attended",
                             "record": "主持人核对当事人身份，宣布听证开始。\n调查人员陈述违法事实、证据和处罚建议。\n"
                             "当事人陈述：对违法事实没有异议，请求考虑企业已主动整改。\n双方质证、辩论后作最后陈述。",
                             "opinion": "事实清楚，证据充分；当事人的请求已在裁量中考虑，建议维持拟处罚意见。"}),
    ("decide", "l-1", {"outcome": "penalty", "amount": "420000", "other_measures": "none",
                       "facts": FACTS, "ground": "first", "education": "当面讲解自动监测管理要求",
                       "defence_answer": "当事人初次违法、主动整改的情形已作为裁量因素予以考虑，从轻请求不予采纳"}),
    ("decision_served", "", {"served_on": "2026-11-16", "method": "announcement"}),
    ("record_payment", "o-1", {"amount": "100000", "paid_on": "2026-11-18", "receipt": "0001"}),
    ("issue_demand", "o-1", {"officer_2": "o-2", "perform_by": "2026-12-20",
                             "manner": "缴至《非税收入一般缴款书》载明的账户"}),
    ("demand_served", "", {"served_on": "2026-11-19", "method": "by_hand"}),
    ("apply_court", "l-1", {"applied_on": "2026-11-20", "court": "邯郸市复兴区人民法院",
                            "claim": "1．缴纳罚款人民币肆拾贰万元；\n2．缴纳加处罚款，以罚款数额为限。"}),
    ("close_case", "l-1", {"summary": "罚款及加处罚款已全部缴纳，违法行为已改正并经复查，决定已公开。"}),
]  # fmt: skip
#: First line and later lines of each side path.
SIDE: dict[Kind, list[tuple[str, str, dict[str, str]]]] = {
    Kind.RECTIFICATION: [
        ("begin", "o-1", {"officer_1": "o-1", "officer_2": "o-2", "violation": "evade_supervision",
                          "recognised": "monitoring", "report_on": "2026-10-13", "facts": FACTS,
                          "clauses": "违反《中华人民共和国生态环境法典》第一百六十四条的规定，依据第一千一百零八条的规定责令改正。",
                          "demand": "1．立即停止通过干扰自动监测设施逃避监管的行为；\n2．恢复采样管路，委托有资质的机构校准并报告。",
                          "daily": "yes", "daily_kind": "evade", "party_head": "李某某"}),
        ("rectification_order_served", "", {"served_on": "2026-10-14"}),
        ("begin_daily_penalty", "", {"through": "2026-11-05", "days": "22", "original": "420000",
                                     "amount": "9240000", "daily_facts": "2026年11月5日复查发现，采样管仍未接入取样井，"
                                     "废水继续超标排放（化学需氧量189毫克/升）。",
                                     "daily_clauses": "《中华人民共和国生态环境法典》第一千零六十条"}),
        ("daily_penalty_notice_served", "", {"served_on": "2026-11-08"}),
        ("close_defence", "o-3", {"review_opinion": "当事人未提出陈述申辩"}),
        ("decide_daily", "l-1", {"outcome": "penalty", "decided_on": "2026-11-18", "days": "22",
                                 "amount": "9240000", "grounds": "复查确认当事人继续违法排放污染物，属于拒不改正"}),
        ("apply_court_daily", "l-1", {"court": "邯郸市复兴区人民法院", "applied_on": "2026-11-20"}),
    ],
    Kind.SEIZURE: [
        ("begin", "o-1", {"officer_1": "o-1", "officer_2": "o-2", "ground": "evade", "targets": "二级沉淀池旁路阀门及配电柜一套",
                          "place": "原地查封", "facts": "经查，你单位开启旁路阀门，将未经处理的制浆废水直接排入厂外沟渠。",
                          "utility": "no"}),
        ("implement", "o-1", {"officer_2": "o-2", "taken_at": "2026-10-12T16:30+08:00",
                              "manager_present": "yes", "record": "现场实施", "list": "旁路阀门（DN300）1只；配电柜（编号P-07）1台"}),
        ("release", "l-1", {"ground": "corrected", "findings": "旁路阀门已拆除并封堵，经现场核查确认"}),
    ],
    Kind.RESTRICTION: [
        ("begin", "o-1", {"officer_1": "o-1", "officer_2": "o-2", "measure": "stop", "stop_ground": "evade",
                          "facts": "你单位以干扰自动监测设施的方式逃避监管，且废水总排口化学需氧量超标1.7倍。",
                          "clauses": "《中华人民共和国生态环境法典》第一百六十四条、第一千一百零八条",
                          "content": "1．制浆车间全部生产线停止生产；\n2．停产期间完成采样系统改造和污水处理站达标整治。"}),
        ("plan_hearing", "l-1", {"hearing_on": "2026-11-12", "hearing_place": "三楼听证室", "hearing_host": "o-3"}),
        ("decide_restriction", "l-1", {"measure": "stop", "decided_on": "2026-11-18",
                                       "content": "1．制浆车间全部生产线停止生产；\n2．停产期间完成采样系统改造和污水处理站达标整治。",
                                       "reply": "你单位在规定期限内未提出陈述、申辩意见，也未要求听证"}),
    ],
    Kind.PRESERVATION: [
        ("begin", "o-1", {"officer_1": "o-1", "officer_2": "o-2", "why": "塑料瓶和采样管可能被丢弃，数采仪日志可能被覆盖",
                          "items": "5升塑料瓶1只、采样软管1根、数采仪（编号SC-18）1台", "place": "复兴区分局证据室",
                          "keeper": "封存，由证据保管员保管", "on_the_spot": "yes",
                          "taken_at": "2026-10-12T11:05+08:00", "signed": "污水处理站站长已签名"}),
    ],
    Kind.DETENTION: [
        ("begin", "o-1", {"officer_1": "o-1", "officer_2": "o-2", "ground": "evade", "persons": "王某某（污水处理站站长）\n刘某某（操作工）",
                          "facts": "上述人员将自动监测设备采样管插入盛有清水的塑料瓶，持续39小时。"}),
        ("send", "o-1", {"sent_on": "2026-11-20", "police": "邯郸市公安局复兴分局", "contact": "治安大队"}),
    ],
    Kind.LISTED: [
        ("propose", "", {"cause": "三次事后督办未办结"}),
        ("list_plant", "l-1", {"level_of": "city", "problem": "废水总排口自动监测数据多次失真，厂区雨污混排。",
                               "requirements": "1．完成采样系统改造；\n2．完成雨污分流；\n3．每半月报告进展。",
                               "until": "2027-02-28", "responsible": "邯郸市生态环境局复兴区分局"}),
    ],
    Kind.SERVICE: [
        ("begin", "", {"officer_1": "o-1", "officer_2": "o-2", "paper": "decision",
                       "paper_title": "行政处罚决定书", "paper_number": "邯复环罚字〔2026〕6号"}),
        ("approve_announcement", "l-1", {"ground": "unknown", "account": "多次上门无人"}),
        ("prepare_receipt", "o-1", {"officer_2": "o-2"}),
    ],
    Kind.INSPECTION: [
        ("request", "o-1", {"officer_1": "o-1", "officer_2": "o-2", "basis": "case", "basis_number": "案〔2026〕130404-0003",
                            "purpose": "核实废水总排口两项因子同时失去波动的原因，检查采样系统、数采仪和污水处理设施运行情况。",
                            "planned_from": "2026-10-12T09:00+08:00", "planned_until": "2026-10-12T17:00+08:00",
                            "place": "邯郸市沐川纸业有限公司厂区", "covert": "yes", "others": "市监测中心1人"}),
        ("approve", "l-1", {"opinion": "同意，直奔现场。"}),
        ("arrive", "o-1", {"arrived_at": "2026-10-12T10:42+08:00"}),
        ("show_certificates", "o-1", {"shown_at": "2026-10-12T10:45+08:00", "shown_to": "王某某（污水处理站站长）"}),
        ("inquire", "o-1", {"officer_2": "o-2", "person": "王某某", "position": "邯郸市沐川纸业有限公司污水处理站站长",
                            "relation": "直接负责的主管人员", "began_at": "2026-10-12T14:05+08:00",
                            "ended_at": "2026-10-12T15:20+08:00", "at_place": "厂区会议室", "signature": "signed",
                            "content": "问：采样管为什么放在塑料瓶里？\n答：10月8日晚来水浓度高，怕超标，我让操作工把管子放进瓶里。\n"
                            "问：瓶里装的是什么？\n答：自来水加了一点出水。\n问：持续多长时间？\n答：从10月9日凌晨到你们来检查。"}),
        ("finish_visit", "o-1", {"officer_2": "o-2", "ended_at": "2026-10-12T16:50+08:00", "record_by": "device",
                                 "situation": "1．废水总排口在线监测站房内，采样管末端插入5升塑料瓶，瓶内液体清澈。\n2．采样泵运行，分析仪"
                                 "示值化学需氧量38.3毫克/升、氨氮1.02毫克/升。\n3．监测人员在总排口采集水样3份，现场封样。",
                                 "party": "王某某（污水处理站站长）", "signature": "signed"}),
    ],
}  # fmt: skip


def story(kind: Kind, until: str = "") -> Material:
    """The record of a matter of this kind up to an act (default: all), with the case above it."""
    case = _matter(Kind.CASE, "m-case", "案〔2026〕130404-0003", CASE, until)
    own = case
    chain: tuple[Matter, ...] = (case,)
    if kind is not Kind.CASE:
        own = _matter(kind, f"m-{kind.value}", "改〔2026〕130404-0002", SIDE[kind], until)
        own = replace(own, parent_matter_id=case.matter_id)
        chain = (own, case)
    return Material(
        event=own.events[-1],
        chain=chain,
        family=(),
        papers=tuple(_papers(chain)),
        attachments=(_photo(),),
        rows=(_row(),),
        party=PARTY,
        people=PEOPLE,
        agency=paper_data.agencies().agency("130404", DAY.date()),
        templates=paper_data.templates(),
        life_of=rules.life_cycle,
        made_at=DAY,
        law=articles_of("生态环境法典第一百六十四条、第一千一百零八条"),
    )


def _matter(
    kind: Kind,
    matter_id: str,
    number: str,
    lines: list[tuple[str, str, dict[str, str]]],
    until: str,
) -> Matter:
    acts = [act for act, _, _ in lines]
    kept = lines[: acts.index(until) + 1] if until in acts else lines
    return Matter(
        matter_id=matter_id, number=number, kind=kind, state="", level=Level.SUPERVISION,
        title="涉嫌以逃避监管的方式排放水污染物", item="clue", factors=("w01018",),
        outlet_id=f"{CODE}-DW001", credit_code=CODE, division="130404", in_charge="130404",
        enterprise_name=PARTY.name, enterprise_short="沐川纸业", outlet_name=PARTY.outlet,
        confidential=True, assignee_id="o-1", assignee_name="沈砚清", team_id="t", root_id="m-case",
        opened_at=DAY - dt.timedelta(days=39), version=len(kept),
        events=tuple(_event(seq, *line) for seq, line in enumerate(kept, 1)),
    )  # fmt: skip


def _event(seq: int, act: str, who: str, fields: dict[str, str]) -> Event:
    person = PEOPLE.get(who)
    role = "leader" if who.startswith("l-") else "officer" if who else "system"
    doer = Doer(who or "system", person.name if person else "系统", role)
    reason = fields.get("reason", "同意" if role == "leader" else "")
    return Event(seq, DAY, doer, act, act, "", "", reason, fields)


def _papers(chain: tuple[Matter, ...]) -> list[Paper]:
    """The papers that the later ones cite."""
    issued = [
        ("m-case", "penalty_notice", "行政处罚事先告知书", "邯复环罚告字〔2026〕5号"),
        ("m-case", "hearing_rights_notice", "行政处罚听证告知书", "邯复环听告字〔2026〕4号"),
        ("m-case", "hearing_notice", "行政处罚听证通知书", "邯复环听通字〔2026〕2号"),
        ("m-case", "inspection_record", "现场检查（勘察）笔录", ""),
        ("m-case", "decision", "行政处罚决定书", "邯复环罚字〔2026〕6号"),
        ("m-case", "demand", "履行义务催告书", "邯复环催告字〔2026〕1号"),
        ("m-rectification", "rectification_order", "责令改正违法行为决定书", "邯复环责改字〔2026〕9号"),
        ("m-rectification", "daily_penalty_notice", "按日连续处罚事先告知书", "邯复环按日罚告字〔2026〕1号"),
        ("m-rectification", "daily_penalty_decision", "按日连续处罚决定书", "邯复环按日罚字〔2026〕1号"),
        ("m-rectification", "demand", "履行义务催告书", "邯复环催告字〔2026〕2号"),
        ("m-seizure", "seizure_decision", "查封（扣押）决定书", "邯复环查扣字〔2026〕1号"),
        ("m-restriction", "penalty_notice", "限制生产（停产整治）事先告知书", "邯复环限停告字〔2026〕1号"),
    ]  # fmt: skip
    mine = {matter.matter_id for matter in chain}
    return [
        Paper(f"p-{index}", matter, 1, key, "1", title, number, 1, {}, bytes(32), bytes(32), 1, DAY)
        for index, (matter, key, title, number) in enumerate(issued)
        if matter in mine
    ]


def _photo() -> Attachment:
    return Attachment(
        attachment_id="a-1", matter_id="m-case", seq=1, name="IMG_0412.jpg", purpose="photo",
        media_type="image/jpeg", size_bytes=1, sha256=bytes(32), sm3=bytes.fromhex("9f3c01ab" + "00" * 28),
        uploaded_by="o-1", uploaded_at=DAY, taken_at=DAY - dt.timedelta(days=39),
        note="采样管插入塑料瓶",
    )  # fmt: skip


def _row() -> Row:
    start = dt.datetime(2026, 10, 9, 2, tzinfo=BEIJING)
    return Row("f-1", 1, "low_variance", ("w01018",), start, start + dt.timedelta(hours=38), True,
               "化学需氧量和氨氮同时失去波动，对数方差比本排口前90日低4.6个稳健标准差", -4.6, -4.0, "", 2)  # fmt: skip


#: Every document, with the matter that issues it and the act it comes from.
DOCUMENTS: list[tuple[str, Kind, str]] = [
    ("filing_approval", Kind.CASE, "file_case"),
    ("investigation_report", Kind.CASE, "propose_penalty"),
    ("transfer_letter", Kind.CASE, "propose_penalty"),
    ("penalty_notice", Kind.CASE, "issue_notice"),
    ("hearing_rights_notice", Kind.CASE, "issue_notice"),
    ("hearing_notice", Kind.CASE, "plan_hearing"),
    ("hearing_record", Kind.CASE, "hold_hearing"),
    ("decision", Kind.CASE, "decide"),
    ("no_penalty_decision", Kind.CASE, "decide"),
    ("demand", Kind.CASE, "issue_demand"),
    ("court_application", Kind.CASE, "apply_court"),
    ("closing_report", Kind.CASE, "close_case"),
    ("rectification_order", Kind.RECTIFICATION, "begin"),
    ("daily_penalty_notice", Kind.RECTIFICATION, "begin_daily_penalty"),
    ("hearing_rights_notice", Kind.RECTIFICATION, "begin_daily_penalty"),
    ("daily_penalty_decision", Kind.RECTIFICATION, "decide_daily"),
    ("demand", Kind.RECTIFICATION, "decide_daily"),
    ("court_application", Kind.RECTIFICATION, "apply_court_daily"),
    ("seizure_decision", Kind.SEIZURE, "implement"),
    ("seizure_release", Kind.SEIZURE, "release"),
    ("penalty_notice", Kind.RESTRICTION, "begin"),
    ("hearing_rights_notice", Kind.RESTRICTION, "begin"),
    ("hearing_notice", Kind.RESTRICTION, "plan_hearing"),
    ("restriction_decision", Kind.RESTRICTION, "decide_restriction"),
    ("preservation_notice", Kind.PRESERVATION, "begin"),
    ("detention_transfer", Kind.DETENTION, "send"),
    ("listed_notice", Kind.LISTED, "list_plant"),
    ("service_receipt", Kind.SERVICE, "prepare_receipt"),
    ("announcement", Kind.SERVICE, "approve_announcement"),
    ("inspection_approval", Kind.INSPECTION, "approve"),
    ("inspection_record", Kind.INSPECTION, "finish_visit"),
    ("inquiry_record", Kind.INSPECTION, "inquire"),
]
