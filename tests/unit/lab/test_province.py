"""Every rule on the demo province's files: the data is what counts, whoever wrote it."""

import csv
import math
import re
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from farsight.lab import seed
from farsight.lab.model.cheats import KNOWN
from farsight.lab.model.profiles import factor_profiles, plant_profiles
from farsight.lab.province import DEMO, read_rows
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.registry import wire
from services.registry.domain.accounts import account_faults
from services.registry.domain.credit_code import organisation_check_sign
from services.registry.domain.records import KINDS, key_of
from services.registry.domain.related import related_faults
from services.registry.domain.validate import faults_of

REFERENCE = Path(__file__).parents[4] / "shared" / "reference"
POLLUTANTS = re.compile(r"a(34013|21026|21002|21024|21005)|w(01018|2\d{4}|01001)")
RECORDS = [record for name in seed._FILES for record in seed.records_of(name)]


def reference(name: str) -> list[dict[str, str]]:
    """A reference table; skipped where it is not beside the repository."""
    path = REFERENCE / name
    if not path.exists():
        pytest.skip(f"../shared/reference/{name} is not here")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_record_passes_the_registry_in_the_order_it_is_loaded() -> None:
    """Check signs, codes, dates, references: the very rules of the product, no others."""
    world = {}
    faults = []

    for record in RECORDS:
        body = wire.body_from(record)
        faults += [(record.key, f) for f in faults_of(body) or related_faults(body, world)]
        world[KINDS[type(body)], key_of(body)] = body

    assert faults == []


def test_the_province_has_the_size_it_is_said_to_have() -> None:
    """One province, three cities, a dozen counties, thirty plants of five industries."""
    levels = Counter(row["level"] for row in read_rows("divisions"))
    industries = Counter(row["industry"] for row in read_rows("enterprises"))

    assert levels == {"province": 1, "city": 3, "county": 12}
    assert sum(industries.values()) == 30
    assert set(industries) == {"4412", "3011", "2221", "4620", "4417"}
    assert 40 <= len(read_rows("outlets")) <= 50


def test_divisions_have_their_real_names() -> None:
    """Names and codes agree with GB/T 2260 where the reference table has them."""
    known = {row["code"]: row["name_zh"] for row in reference("divisions.csv")}

    wrong = [r for r in read_rows("divisions") if known.get(r["code"], r["name"]) != r["name"]]

    assert wrong == []


def test_credit_codes_are_recognisably_invented() -> None:
    """The mark stands where an organisation code would, and its own check sign is right too."""
    for row in read_rows("enterprises"):
        organisation = row["credit_code"][8:17]
        assert organisation.startswith("FARX")
        assert organisation_check_sign(organisation[:8]) == organisation[8]
        assert row["credit_code"][2:8] == row["division"]


def test_phones_are_in_the_unassigned_segment_and_belong_to_one_person() -> None:
    """No text could reach a stranger."""
    phones = [row["phone"] for name in ("officers", "contacts") for row in read_rows(name)]

    assert all(re.fullmatch(r"1600000\d{4}", phone) for phone in phones)
    assert len(set(phones)) == len(phones)


def test_every_judged_factor_has_a_limit_and_every_limit_its_row_of_the_standard() -> None:
    """Value, averaging time and reference oxygen are those of the standard named in `source`."""
    rows = reference("limits.csv")
    limits = read_rows("limits")
    judged = {(row["outlet_id"], row["factor"]) for row in limits}

    for outlet in read_rows("outlets"):
        for factor in filter(POLLUTANTS.fullmatch, outlet["factors"].split(";")):
            assert (outlet["outlet_id"], factor) in judged
    for limit in limits:
        standard, table = re.fullmatch(r"(.*?) 表(\S+) 排污许可证 .*", limit["source"]).groups()
        assert any(_same_limit(limit, row, standard, table) for row in rows), limit


def _same_limit(limit: dict[str, str], row: dict[str, str], standard: str, table: str) -> bool:
    # The reference prints pH as a daily row; domain.md C applies it to each valid hourly value.
    averaging = "hourly" if limit["factor"] == "w01001" else row["averaging"]
    value = row["limit_max"] if row["limit_type"] == "range" else row["limit_value"]
    lower = float(row["limit_value"]) if row["limit_type"] == "range" else math.nan
    same_lower = float(limit["lower"]) == lower or math.isnan(lower)
    return (
        (row["standard"], row["table"], row["factor_code"]) == (standard, table, limit["factor"])
        and averaging == limit["averaging"]
        and float(value) == float(limit["upper"])
        and same_lower
        and float(row["ref_o2_percent"] or 0) == float(limit["ref_o2_percent"])
    )


def test_each_outlet_has_one_logger_and_the_model_knows_its_process() -> None:
    """No logger without an outlet, no outlet without a logger, no process without a profile."""
    outlets = {row["outlet_id"]: row for row in read_rows("outlets")}
    served = Counter(row["outlet_id"] for row in read_rows("loggers"))

    assert served == dict.fromkeys(outlets, 1)
    for outlet_id, row in outlets.items():
        assert row["process"] in plant_profiles()
        limited = {r["factor"] for r in read_rows("limits") if r["outlet_id"] == outlet_id}
        modelled = {f for f in limited if (row["process"], f) in factor_profiles()}
        assert limited - modelled <= {"w01001"}


def test_sister_factors_of_a_line_are_recorded() -> None:
    """Water analysers and extractive gas analysers share a sampling line."""
    lines = {row["process"]: row["sampling_lines"] for row in read_rows("outlets")}

    assert {"w01018", "w21003"} <= set(lines["sewage grade 1A"].split("+"))
    assert {"a21026", "a21002"} <= set(lines["coal boiler"].split("+"))


def test_every_division_has_hands_enough_for_a_case() -> None:
    """A team, four certified officers (two act, two review) and a leader, in force for a year."""
    officers = [r for r in read_rows("officers") if r["certificate_expires"] >= "2028"]
    roster = Counter(row["team_id"] for row in read_rows("rosters"))

    for row in read_rows("divisions"):
        own = [r for r in officers if r["division"] == row["code"]]
        roles = Counter(r["role"] for r in own)
        assert roles["officer"] >= 4
        assert roles["leader"] == 1
        assert {r["team_id"] for r in own} == {f"t-{row['code']}"}
        assert roster[f"t-{row['code']}"] >= 4


def test_every_city_has_police_and_procuratorate_with_an_account() -> None:
    """A referral finds its agencies and a person to accept it."""
    cities = {row["code"] for row in read_rows("divisions") if row["level"] == "city"}

    for kind in ("police", "procuratorate"):
        assert {r["division"] for r in read_rows("agencies") if r["kind"] == kind} == cities
    for role in ("police", "procurator"):
        assert {r["division"] for r in read_rows("accounts") if r["role"] == role} == cities


def test_accounts_are_sound_and_point_at_their_persons() -> None:
    """The product's own rules, and role, division and script mark as in the officer's record."""
    officers = {row["officer_id"]: row for row in read_rows("officers")}
    plants = {row["credit_code"] for row in read_rows("enterprises")}
    accounts = seed.accounts()

    assert len({account.user_name for account in accounts}) == len(accounts)
    for account in accounts:
        assert account_faults(wire.account_from(account), exists=False) == []
        if account.officer_id:
            officer = officers.pop(account.officer_id)
            assert (account.role, account.division) == (officer["role"], officer["division"])
            assert account.scripted == (officer["scripted"] == "true")
    assert officers == {}
    assert {account.credit_code for account in accounts if account.credit_code} == plants


def test_where_a_script_acts_a_person_can_act_too() -> None:
    """In a scripted county two certified officers are left to the human user."""
    rows = read_rows("officers")
    counties = {r["division"] for r in rows if r["scripted"] == "true"}

    assert counties
    for county in counties:
        free = [
            r
            for r in rows
            if r["division"] == county and r["role"] == "officer" and r["scripted"] == "false"
        ]
        assert len(free) == 2


def test_scenarios_name_what_exists() -> None:
    """Outlet, factors with a limit (furnaces are hot without one), a known pattern, a length."""
    measured = {(row["outlet_id"], row["factor"]) for row in read_rows("limits")}
    measured |= {
        (row["outlet_id"], "a01901") for row in read_rows("outlets") if "a01901" in row["factors"]
    }
    outlets = {row["outlet_id"] for row in read_rows("outlets")}

    for row in read_rows("scenarios", DEMO):
        factors = row["factors"].split(";") if row["factors"] else []
        assert row["outlet_id"] in outlets
        assert row["pattern"] in KNOWN
        assert all((row["outlet_id"], factor) in measured for factor in factors)
        assert int(row["length_hours"]) > 0


def test_two_officers_are_away_and_one_certificate_ends_soon() -> None:
    """Today they are away, the next month the certificate ends; people of the script stay."""
    scripted = {row["officer_id"] for row in read_rows("accounts") if row["scripted"] == "true"}
    known = {row["officer_id"]: row["division"] for row in read_rows("officers")}
    for today in (date(2026, 11, 22), date(2027, 1, 31), date(2028, 2, 29)):
        away = [record.leave for record in seed.leaves(today)]
        ends = {one.key: one.officer.certificate_expires for one in seed.officers(today)}
        left = date.fromisoformat(ends[seed.SOON_OVER]) - today

        assert len(away) == 2
        assert all(one.from_day <= today.isoformat() <= one.to_day for one in away)
        assert all(
            known[one.substitute_id or one.officer_id] == known[one.officer_id] for one in away
        )
        assert not {seed.SOON_OVER, *(one.officer_id for one in away)} & scripted
        assert 27 < left.days < 63


def test_rosters_give_each_team_one_officer_a_day() -> None:
    """Thirty-five days, every team, by the date alone: two runs agree."""
    duties = list(seed.duties(date(2026, 11, 22), 35))

    assert duties == list(seed.duties(date(2026, 11, 22), 35))
    assert Counter(record.duty.team_id for record in duties) == dict.fromkeys(
        (row["team_id"] for row in read_rows("teams")), 35
    )
    assert {record.kind for record in duties} == {pb.RECORD_KIND_DUTY}
