"""Invented records for the tests: two cities, three counties, four plants, what happened."""

import math
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from services.chassis.clock import to_timestamp
from services.chassis.pb.cases.v1 import cases_pb2 as cases
from services.chassis.pb.detect.v1 import detect_pb2 as detect
from services.chassis.pb.ingest.v1 import ingest_pb2 as ingest
from services.chassis.pb.notify.v1 import notify_pb2 as notify
from services.chassis.pb.referral.v1 import referral_pb2 as referral
from services.chassis.pb.registry.v1 import registry_pb2 as registry

OUTLET = "91130481FARX00013L-DA001"
FOREIGN_OUTLET = "91130109FARX00048F-DA001"
BUNDLE = bytes(range(256)) * 2000
#: A plant may be named anything; pages must show this as text.
HOSTILE = '<img src=x onerror="alert(1)">&Co'

DIVISIONS = (
    ("130000", "河北省", "", "province"),
    ("130100", "石家庄市", "130000", "city"),
    ("130109", "藁城区", "130100", "county"),
    ("130400", "邯郸市", "130000", "city"),
    ("130404", "复兴区", "130400", "county"),
    ("130481", "武安市", "130400", "county"),
)
PLANTS = (
    ("91130481FARX00013L", "泽垚热电有限公司", "130481", 114.19, 36.70),
    ("91130481FARX00099F", "垣石水泥有限公司", "130481", 114.25, 36.66),
    ("91130404FARX00021Y", HOSTILE, "130404", 114.42, 36.62),
    ("91130109FARX00048F", "云涛热电有限公司", "130109", 114.84, 38.03),
)
PEOPLE = {
    "officer": ("officer", "130481", "", "o-1", "武安市执法员 甲"),
    "leader": ("leader", "130400", "", "l-1", "邯郸市负责人 乙"),
    "province": ("officer", "130000", "", "o-9", "省执法员 丙"),
    "plant": ("enterprise", "", "91130481FARX00013L", "", "泽垚热电 环保负责人"),
    "police": ("police", "130400", "", "p-1", "邯郸市民警 丁"),
    "operator": ("operator", "130000", "", "", "平台运维"),
}
PASSWORD = "right-password"


@dataclass
class World:
    """Everything the test doors answer with, and what was asked of them."""

    now: datetime
    records: list[registry.Record] = field(default_factory=list)
    findings: dict[str, detect.Finding] = field(default_factory=dict)
    evaluations: list[detect.Evaluation] = field(default_factory=list)
    matters: dict[str, cases.Matter] = field(default_factory=dict)
    referrals: dict[str, referral.Referral] = field(default_factory=dict)
    sendings: list[notify.Sending] = field(default_factory=list)
    readings: dict[tuple[str, int], list[ingest.FactorSeries]] = field(default_factory=dict)
    balance: list[ingest.BalanceRow] = field(default_factory=list)
    acts: list[cases.ActRequest] = field(default_factory=list)
    opened: list[cases.OpenMatterRequest] = field(default_factory=list)
    referral_acts: list[referral.ReferralServiceActRequest] = field(default_factory=list)
    refreshes: int = 0
    away: str = ""  # a service that does not answer now: "cases", ...


def make_world(now: datetime | None = None) -> World:
    """Make the world as it stands at `now`."""
    world = World((now or datetime.now(UTC)).replace(microsecond=0))
    add_registry(world)
    add_readings(world)
    add_findings(world)
    add_matters(world)
    add_referral(world)
    return world


def add_registry(world: World) -> None:
    """Add divisions, plants, outlets, a logger, limits and officers."""
    add = world.records.append
    for code, name, parent, level in DIVISIONS:
        division = registry.Division(code=code, name=name, parent=parent, level=level)
        add(registry.Record(kind=registry.RECORD_KIND_DIVISION, key=code, division=division))
    for code, name, division_code, east, north in PLANTS:
        plant = registry.Enterprise(
            credit_code=code,
            name=name,
            division=division_code,
            longitude=east,
            latitude=north,
            permit_code=f"{code}001P",
            key_discharger=True,
        )
        outlet_id = f"{code}-DA001"
        outlet = registry.Outlet(
            outlet_id=outlet_id,
            credit_code=code,
            code="DA001",
            name="1号锅炉废气排放口",
            medium="air",
            process="coal boiler",
            factors=["a19001", "a00000", "a21026", "a21002"],
            division=division_code,
        )
        add(registry.Record(kind=registry.RECORD_KIND_ENTERPRISE, key=code, enterprise=plant))
        add(registry.Record(kind=registry.RECORD_KIND_OUTLET, key=outlet_id, outlet=outlet))
        logger = registry.Logger(
            mn=f"0100FA25C16F{code[-12:]}",
            outlet_id=outlet_id,
            realtime_interval_s=30,
            minute_interval_min=10,
        )
        add(registry.Record(kind=registry.RECORD_KIND_LOGGER, key=logger.mn, logger=logger))
        for factor, upper in (("a21026", 50.0), ("a21002", 100.0)):
            limit = registry.Limit(
                limit_id=f"{outlet_id}/{factor}",
                outlet_id=outlet_id,
                factor=factor,
                averaging="hourly",
                lower=math.nan,
                upper=upper,
                unit="mg/m3",
                ref_o2_percent=6,
                source="GB 13223-2011 表2",
                valid_from="2022-01-01",
            )
            add(registry.Record(kind=registry.RECORD_KIND_LIMIT, key=limit.limit_id, limit=limit))
    for number, name in ((1, "甲"), (2, "戊")):
        person = registry.Officer(
            officer_id=f"o-{number}", name=name, division="130481", role="officer",
            certificate=f"冀环 {number}",
        )  # fmt: skip
        add(registry.Record(kind=registry.RECORD_KIND_OFFICER, key=f"o-{number}", officer=person))


def add_readings(world: World) -> None:
    """Add 90 days of hours and an hour of real-time values for each outlet."""
    hour = world.now.replace(minute=0, second=0)
    hours = [int((hour - timedelta(hours=k)).timestamp()) for k in range(90 * 24, 0, -1)]
    live = [int(world.now.timestamp()) - k * 30 for k in range(120, -1, -1)]
    for code, *_ in PLANTS:
        outlet_id, chance = f"{code}-DA001", random.Random(code)
        for kind, times in (
            (ingest.READING_KIND_HOUR, hours),
            (ingest.READING_KIND_REALTIME, live),
        ):
            world.readings[outlet_id, kind] = [
                series(factor, level, times, chance)
                for factor, level in (
                    ("a21026", 31.0), ("a21002", 62.0), ("a19001", 7.2), ("a00000", 210.0)
                )
            ]  # fmt: skip
        world.balance.extend(
            ingest.BalanceRow(
                outlet_id=outlet_id,
                hour=to_timestamp(hour - timedelta(hours=k)),
                received=130,
                accepted=127,
                duplicate=2,
                refused={"crc": 1},
            )
            for k in range(24)
        )


def series(
    factor: str, level: float, times: list[int], chance: random.Random
) -> ingest.FactorSeries:
    """Make a series with a daily rhythm; two hours have no number, one is a calibration."""
    wave = [level * (1 + 0.12 * math.sin(t / 13_751) + chance.gauss(0, 0.045)) for t in times]
    wave[5] = math.nan
    flags = ["N"] * len(times)
    flags[8] = "C"
    concentration = factor in ("a21026", "a21002")
    return ingest.FactorSeries(
        factor=factor,
        time_s=times,
        value=wave,
        converted=[v * 1.08 for v in wave] if concentration else [math.nan] * len(times),
        min=[math.nan] * len(times),
        max=[math.nan] * len(times),
        cou=[math.nan] * len(times),
        flags="".join(flags),
    )


def add_findings(world: World) -> None:
    """Add an open exceedance and a confidential low-variance finding."""
    end = world.now.replace(minute=0, second=0)
    times = [int((end - timedelta(hours=k)).timestamp()) for k in range(48, 0, -1)]
    for finding_id, rule, secret, outlet_id in (
        ("f-1", "hourly_exceedance", False, OUTLET),
        ("f-2", "low_variance_part_of_day", True, OUTLET),
        ("f-3", "silence", False, FOREIGN_OUTLET),
    ):
        world.findings[finding_id] = detect.Finding(
            finding_id=finding_id,
            revision=3,
            outlet_id=outlet_id,
            rule_id=rule,
            rule_version="2026.1",
            factors=["a21026"],
            start=to_timestamp(end - timedelta(hours=6)),
            end=to_timestamp(end),
            state=detect.FINDING_STATE_OPEN,
            statistic_name="hour_mean",
            statistic=61.2,
            threshold=50,
            unit="mg/m3",
            seen="二氧化硫 6 个小时均值超过限值 50,最高 61.2 mg/m³。",
            silenced_by="最高小时均值降到 50 mg/m³ 及以下。",
            legal_basis=detect.LegalBasis(
                instrument="生态环境法典",
                clause="第一千一百零七条",
                source="正文",
                confidence="sure",
            ),
            picture=detect.Picture(
                time_s=times,
                value=[40 + (22 if k > 41 else k % 5) for k in range(48)],
                flags="N" * 48,
                band_low=[34.0] * 48,
                band_high=[46.0] * 48,
                limit=50,
                unit="mg/m3",
                tested_start_s=times[-6],
                tested_end_s=times[-1],
            ),
            count=6,
            count_today=4,
            count_7_days=6,
            confidential=secret,
            division="130481" if outlet_id == OUTLET else "130109",
        )


def add_matters(world: World) -> None:
    """Add an overdue order, one due soon, a confidential case and a closed order."""
    rows = (
        ("m-1", "督〔2026〕130481-0001", cases.MATTER_KIND_ORDER, cases.LEVEL_DISPATCH, -30),
        ("m-2", "案〔2026〕130481-0001", cases.MATTER_KIND_CASE, cases.LEVEL_SUPERVISION, 11 * 24),
        ("m-3", "督〔2026〕130404-0002", cases.MATTER_KIND_ORDER, cases.LEVEL_WARNING, 2),
        ("m-4", "督〔2026〕130481-0003", cases.MATTER_KIND_ORDER, cases.LEVEL_SUPERVISION, None),
    )
    for matter_id, number, kind, level, due_in in rows:
        world.matters[matter_id] = matter(
            world, matter_id, number, kind=kind, level=level, due_in_hours=due_in
        )
    world.matters["m-2"].referral_id = "r-1"
    world.sendings.append(
        notify.Sending(
            sending_id="s-1",
            matter_id="m-1",
            recipient_name="环保负责人",
            phone_masked="199****1234",
            text="【生态环境执法】泽垚热电1号锅炉异常:小时均值超标。请按期反馈。",
            state=notify.SENDING_STATE_DELIVERED,
            created_at=to_timestamp(world.now - timedelta(hours=5)),
            delivered_at=to_timestamp(world.now - timedelta(hours=5)),
            credit_code="91130481FARX00013L",
            division="130481",
        )
    )


def matter(
    world: World,
    matter_id: str,
    number: str,
    *,
    kind: "cases.MatterKind.ValueType",
    level: "cases.Level.ValueType",
    due_in_hours: int | None,
) -> cases.Matter:
    """Make one matter with a clock and a timeline."""
    foreign = matter_id == "m-3"
    secret = kind == cases.MATTER_KIND_CASE
    opened = world.now - timedelta(days=2)
    one = cases.Matter(
        matter_id=matter_id,
        number=number,
        kind=kind,
        state="clue" if secret else "issued",
        state_name="待现场核实" if secret else "待企业反馈",
        level=level,
        title="涉嫌监测数据弄虚作假" if secret else "二氧化硫小时均值超标",
        outlet_id="91130404FARX00021Y-DA001" if foreign else OUTLET,
        credit_code="91130404FARX00021Y" if foreign else "91130481FARX00013L",
        enterprise_name=HOSTILE if foreign else "泽垚热电有限公司",
        outlet_name="1号锅炉废气排放口",
        division="130404" if foreign else "130481",
        item="falsification" if secret else "hourly_exceedance",
        factors=["a21026"],
        confidential=secret,
        assignee_id="o-1",
        assignee_name="甲",
        opened_at=to_timestamp(opened),
        version=4,
        correlation_id="c-7",
        rows=[
            cases.OrderRow(
                finding_id="f-2" if secret else "f-1",
                rule_id="low_variance_part_of_day" if secret else "hourly_exceedance",
                factors=["a21026"],
                start=to_timestamp(opened),
                end=to_timestamp(world.now),
                seen="二氧化硫 6 个小时均值超过限值。",
                statistic=61.2,
                threshold=50,
                unit="mg/m3",
                count=6,
            )
        ],
    )
    if due_in_hours is None:
        one.state, one.state_name = "closed", "已销号"
        one.closed_at.CopyFrom(to_timestamp(world.now))
    else:
        add_clock(one, opened, world.now + timedelta(hours=due_in_hours), statutory=secret)
    one.timeline.add(
        seq=1, at=to_timestamp(opened), actor_id="system", actor_role="system", act="issue",
        act_name="发出督办单", to_state=one.state, digest_sm3=bytes(32),
    )  # fmt: skip
    one.timeline.add(
        seq=2, at=to_timestamp(opened + timedelta(hours=1)), actor_id="o-1", actor_name="甲",
        actor_role="officer", scripted=True, act="check", act_name="核查", reason="按脚本核查",
        digest_sm3=bytes(range(32)),
    )  # fmt: skip
    one.timeline[1].fields.update({"verdict": "violation"})
    return one


def add_clock(one: cases.Matter, start: datetime, due: datetime, *, statutory: bool) -> None:
    """Add the clock that runs on a matter."""
    one.clocks.add(
        clock_id=f"{one.matter_id}-k",
        key="filing" if statutory else "order_answer",
        action="决定是否立案" if statutory else "企业反馈",
        statutory=statutory,
        started_at=to_timestamp(start),
        due_at=to_timestamp(due),
        provisional=statutory,
        state="running",
        derivation=["自收到线索之日起十五日", "末日为节假日,顺延"]
        if statutory
        else ["起算后 24 小时"],
        source="生态环境行政处罚办法第十八条" if statutory else "",
    )
    one.next_due_at.CopyFrom(to_timestamp(due))
    one.next_due_key = one.clocks[0].key


def add_referral(world: World) -> None:
    """Add a referral that waits for the police."""
    one = referral.Referral(
        referral_id="r-1",
        number="移〔2026〕130481-0001",
        matter_id="m-2",
        outlet_id=OUTLET,
        credit_code="91130481FARX00013L",
        enterprise_name="泽垚热电有限公司",
        division="130481",
        police_agency_id="police-130400",
        police_agency_name="邯郸市公安局环安支队",
        procuratorate_agency_name="邯郸市人民检察院",
        state="handed_over",
        state_name="待公安受理",
        charge="污染环境罪(刑法第三百三十八条)",
        bundle_name="移〔2026〕130481-0001.zip",
        bundle_size=len(BUNDLE),
        bundle_sm3=bytes(range(32)),
        bundle_sha256=bytes(range(32, 64)),
        key_fingerprint="ab" * 32,
        requested_at=to_timestamp(world.now - timedelta(hours=20)),
        version=2,
    )
    one.clocks.add(
        clock_id="r-1-k",
        key="crime_hand_over",
        action="公安机关决定是否立案",
        statutory=True,
        state="running",
        started_at=to_timestamp(world.now - timedelta(hours=20)),
        due_at=to_timestamp(world.now + timedelta(hours=52)),
        derivation=["自受理之日起三日"],
        source="环环监〔2017〕17号第九条",
    )
    world.referrals["r-1"] = one
