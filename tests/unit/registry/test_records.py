"""What makes a record wrong, in itself and beside what it refers to."""

from dataclasses import replace
from datetime import date

import pytest

from services.ingest.hj212 import judging
from services.registry.domain.accounts import Account, account_faults
from services.registry.domain.csv_rows import csv_line, header_line, read_csv
from services.registry.domain.diff import Change, FieldChange, record_change
from services.registry.domain.divisions import in_use
from services.registry.domain.logger_identity import REPAIRS, completed
from services.registry.domain.outcome import CHANGES_LISTED, Outcome
from services.registry.domain.records import (
    KINDS,
    Agency,
    Body,
    Contact,
    ControlOrder,
    Division,
    Duty,
    Enterprise,
    Fault,
    Kind,
    Leave,
    Limit,
    Logger,
    MeterPair,
    Officer,
    Outlet,
    Reference,
)
from services.registry.domain.related import related_faults
from services.registry.domain.validate import faults_of

CODE = "91130400MA000T014P"
COUNTY = Division("130481", "武安市", "130400", "county", "1988-09-24")
PLANT = Enterprise(CODE, "甲", "甲", "130481", "4412", "", 114.2, 36.7, f"{CODE}001P")
STACK = Outlet(
    f"{CODE}-DA001", CODE, "DA001", "一号", "air", "coal boiler", ("a21026", "a19001"),
    ("a21026+a19001",), 6.0, "130481", ("unit=new", "built=2005-06-01"),
)  # fmt: skip
LOGGER = Logger("0100FA25C16F000016900001", STACK.outlet_id, "107919", "31")
LOGGER_2025 = replace(
    LOGGER,
    addresses=("10.1.0.0/16", "2001:db8::/32"),
    certificate_sha256="ab" * 32,
    hardware_id="LOGGER-00017",
    version=2025,
    repairs_off=("length",),
    sm4_key="30" * 16,
    sm4_key_since="2026-11-22T05:00:00+00:00",
)
LIMIT = Limit(
    "l1", STACK.outlet_id, "a21026", "hourly", None, 50.0, "mg/m3", 6.0, "GB 13223-2011 表2",
    "2022-01-01",
)  # fmt: skip
OFFICER = Officer("o1", "沈砚清", "130481", "officer", "t1", "16000000000", "冀1", "2029-06-30")
PAIR = MeterPair("pair-1", STACK.outlet_id, "1号窑", ("m-1", "m-2"), ("m-3",), "all", "2026-01-01")
AWAY = Leave("v1", "o1", "2026-11-23", "2026-11-27", "o2", "leave")
ORDER = ControlOrder(
    "order-1", CODE, "orange", "limit", 0.5, "2026-11-20T10:00:00+00:00",
    "2026-11-22T10:00:00+00:00", ("m-1",), "冀气指办〔2026〕1号",
)  # fmt: skip
WORLD: dict[Reference, Body] = {
    (Kind.DIVISION, "130481"): COUNTY,
    (Kind.ENTERPRISE, CODE): PLANT,
    (Kind.OUTLET, STACK.outlet_id): STACK,
}
SOUND = [
    COUNTY,
    PLANT,
    STACK,
    LOGGER,
    LOGGER_2025,
    replace(LOGGER, mn="LD130133000015"),
    LIMIT,
    OFFICER,
    Contact("c1", CODE, "陆听澜", "16000000001", "environment_manager"),
    Agency("p1", "police", "公安局", "130400"),
    Duty("d1", "t1", "o1", "2026-11-22"),
    AWAY,
    replace(AWAY, to_day="", substitute_id="", kind="suspended"),
    replace(OFFICER, person_id="P-000123"),
    PAIR,
    ORDER,
]


@pytest.mark.parametrize("body", SOUND, ids=lambda body: type(body).__name__)
def test_a_sound_record_has_no_fault(body: Body) -> None:
    """One sound record of each kind passes, so the refusals below are about what they change."""
    assert faults_of(body) == []


@pytest.mark.parametrize(
    ("body", "changes", "field"),
    [
        (COUNTY, {"code": "13048"}, "code"),
        (COUNTY, {"parent": "130500"}, "parent"),
        (COUNTY, {"level": "city"}, "level"),
        (COUNTY, {"valid_to": "1988-09-24"}, "valid_to"),
        (COUNTY, {"valid_from": "1988-13-01"}, "valid_from"),
        (PLANT, {"credit_code": "91130400MA000T0140"}, "credit_code"),
        (PLANT, {"industry": "44"}, "industry"),
        (PLANT, {"permit_code": CODE + "01P"}, "permit_code"),
        (PLANT, {"longitude": 1.0}, "longitude"),
        (STACK, {"code": "DA1", "outlet_id": f"{CODE}-DA1"}, "code"),
        (STACK, {"medium": "water"}, "medium"),
        (STACK, {"outlet_id": "x-DA001"}, "outlet_id"),
        (STACK, {"factors": ("a21026", "S02", "a19001")}, "factors"),
        (STACK, {"sampling_lines": ("a21026+a34013",)}, "sampling_lines"),
        (STACK, {"ref_o2_percent": 21.0}, "ref_o2_percent"),
        (STACK, {"traits": ("unit",)}, "traits"),
        (STACK, {"traits": ("unit=a b",)}, "traits"),
        (STACK, {"traits": ("unit=new", "unit=existing")}, "traits"),
        (LOGGER, {"mn": "0100fa25c16f000016900001"}, "mn"),
        (LOGGER, {"password": "1234567"}, "password"),
        (LOGGER, {"st": "22"}, "st"),
        (LOGGER, {"realtime_interval_s": 0}, "realtime_interval_s"),
        (LOGGER, {"addresses": ("10.1.0.1/16",)}, "addresses"),
        (LOGGER, {"addresses": ("10.1.0.0/16", "plant")}, "addresses"),
        (LOGGER, {"certificate_sha256": "AB" * 32}, "certificate_sha256"),
        (LOGGER, {"hardware_id": "数采仪"}, "hardware_id"),
        (LOGGER, {"version": 2011}, "version"),
        (LOGGER, {"repairs_off": ("length", "crc")}, "repairs_off"),
        (LOGGER, {"sm4_key": "30" * 15}, "sm4_key"),
        (LOGGER, {"sm4_key_before": "zz" * 16}, "sm4_key_before"),
        (LOGGER, {"sm4_key_since": "2026-11-22T05:00:00"}, "sm4_key_since"),
        (LIMIT, {"averaging": "monthly"}, "averaging"),
        (LIMIT, {"upper": None}, "upper"),
        (LIMIT, {"lower": 60.0}, "upper"),
        (LIMIT, {"source": ""}, "source"),
        (LIMIT, {"valid_to": "2021-01-01"}, "valid_to"),
        (LIMIT, {"basis": "industry"}, "basis"),
        (OFFICER, {"role": "operator"}, "role"),
        (OFFICER, {"certificate_expires": ""}, "certificate_expires"),
        (OFFICER, {"phone": "123"}, "phone"),
        (Agency("p1", "police", "公安局", "130400"), {"division": "130481"}, "division"),
        (Duty("d1", "t1", "o1", "2026-11-22"), {"date": "22.11.2026"}, "date"),
        (OFFICER, {"person_id": "130404199001011234"}, "person_id"),
        (OFFICER, {"person_id": "张 三"}, "person_id"),
        (AWAY, {"officer_id": ""}, "officer_id"),
        (AWAY, {"from_day": "23.11.2026"}, "from_day"),
        (AWAY, {"to_day": "2026-11-31"}, "to_day"),
        (AWAY, {"to_day": "2026-11-22"}, "to_day"),
        (AWAY, {"substitute_id": "o1"}, "substitute_id"),
        (AWAY, {"kind": "holiday"}, "kind"),
        (PAIR, {"outlet_id": ""}, "outlet_id"),
        (PAIR, {"production_meters": ()}, "production_meters"),
        (PAIR, {"production_meters": ("m-1", "m-1")}, "production_meters"),
        (PAIR, {"treatment_meters": ("m-1",)}, "treatment_meters"),
        (PAIR, {"treatment_meters": ("m 4",)}, "treatment_meters"),
        (PAIR, {"treatment_logic": "most"}, "treatment_logic"),
        (PAIR, {"valid_to": "2025-01-01"}, "valid_to"),
        (ORDER, {"level": "blue"}, "level"),
        (ORDER, {"measure": "shift"}, "measure"),
        (ORDER, {"allowed_share": 1.0}, "allowed_share"),
        (ORDER, {"allowed_share": 0.0}, "allowed_share"),
        (ORDER, {"measure": "stop"}, "allowed_share"),
        (ORDER, {"start": "2026-11-20 18:00"}, "start"),
        (ORDER, {"end": "2026-11-20T10:00:00+00:00"}, "end"),
        (ORDER, {"source": ""}, "source"),
    ],
)
def test_one_wrong_field_is_named(body: Body, changes: dict[str, object], field: str) -> None:
    """A record with one wrong field is refused for that field alone."""
    faults = faults_of(replace(body, **changes))

    assert [fault.field for fault in faults] == [field]


def test_a_reference_that_points_nowhere_is_named() -> None:
    """Field, kind and key of the missing record are told."""
    assert related_faults(LOGGER, {}) == [Fault("outlet_id", f"no outlet {STACK.outlet_id}")]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (replace(STACK, division="130408"), "division"),
        (replace(LOGGER, st="32"), "st"),
        (replace(LIMIT, factor="a21002"), "factor"),
    ],
)
def test_a_contradiction_to_the_neighbour_is_named(body: Body, field: str) -> None:
    """A foreign division, a wrong system code and a limit on what is not measured are refused."""
    world = {**WORLD, (Kind.DIVISION, "130408"): replace(COUNTY, code="130408")}

    assert [fault.field for fault in related_faults(body, world)] == [field]


def test_a_division_is_in_use_from_its_first_day_until_its_last() -> None:
    """The period is half open: [valid_from, valid_to)."""
    merged = replace(COUNTY, valid_to="2016-09-14")

    days = [date(1988, 9, 23), date(1988, 9, 24), date(2016, 9, 13), date(2016, 9, 14)]

    assert [in_use(merged, day) for day in days] == [False, True, True, False]


def test_csv_rows_become_records_or_faults_with_their_line() -> None:
    """Lists, numbers and empty cells are read; a bad number names its field and line."""
    text = (
        "limit_id,outlet_id,factor,averaging,lower,upper,unit,source,valid_from,decimals\n"
        f"l1,{STACK.outlet_id},a21026,hourly,nan,50,mg/m3,GB,2022-01-01,0\n"
        f"l2,{STACK.outlet_id},a21026,hourly,,viel,mg/m3,GB,2022-01-01,0\n"
    )

    rows = list(read_csv(Kind.LIMIT, text))

    assert rows[0].line == 2
    assert isinstance(rows[0].body, Limit)
    assert (rows[0].body.lower, rows[0].body.upper) == (None, 50.0)
    assert (rows[1].line, rows[1].body, rows[1].faults[0].field) == (3, None, "upper")


@pytest.mark.parametrize("body", [STACK, replace(LIMIT, basis="emergency")])
def test_traits_and_basis_survive_a_table_and_may_be_left_out_of_it(body: Body) -> None:
    """What is exported is imported again; a table of before has no such column and still reads."""
    kind, new = (Kind.OUTLET, "traits") if isinstance(body, Outlet) else (Kind.LIMIT, "basis")
    header, line = header_line(kind), csv_line(body)

    (whole,) = read_csv(kind, header + line)
    (old,) = read_csv(kind, header.replace(f",{new}", "") + line.rpartition(",")[0] + "\n")

    assert whole.body == body
    assert old.body is not None
    assert faults_of(old.body) == []
    assert not getattr(old.body, new)


def test_a_csv_header_that_does_not_fit_is_one_refusal() -> None:
    """An unknown and a missing column are named and no row is read."""
    rows = list(read_csv(Kind.TEAM, "name,colour\n执法大队,red\n"))

    assert [row.line for row in rows] == [1]
    assert [fault.field for fault in rows[0].faults] == ["colour", "team_id"]


@pytest.mark.parametrize(
    ("account", "field"),
    [
        (Account("X", "officer", "130481", officer_id="o1", password="long enough"), "user_name"),
        (Account("ab", "king", "130481", password="long enough"), "role"),
        (Account("ab", "operator", "13", password="long enough"), "division"),
        (Account("ab", "enterprise", "130481", password="long enough"), "credit_code"),
        (Account("ab", "officer", "130481", password="long enough"), "officer_id"),
        (Account("ab", "operator", "130481"), "password"),
    ],
)
def test_an_unsound_account_is_refused(account: Account, field: str) -> None:
    """Each rule on accounts names its field."""
    assert [fault.field for fault in account_faults(account, exists=False)] == [field]


def test_a_known_account_may_come_without_a_password() -> None:
    """An update without a password keeps the one there is."""
    assert account_faults(Account("ab", "operator", "130481"), exists=True) == []


def test_what_a_sender_may_not_see_stays_when_it_sends_a_logger_back() -> None:
    """Password, hardware id and keys left empty are taken over; other fields are as given."""
    shown = replace(LOGGER_2025, password="", hardware_id="", sm4_key="", sm4_key_since="")

    assert completed(shown, LOGGER_2025) == LOGGER_2025
    assert completed(replace(shown, addresses=()), LOGGER_2025).addresses == ()


def test_a_dash_empties_a_field_that_would_stay() -> None:
    """A logger that was exchanged for one without a key loses the old one's key and identity."""
    cleared = completed(replace(LOGGER_2025, hardware_id="-", sm4_key="-"), LOGGER_2025)

    assert (cleared.hardware_id, cleared.sm4_key) == ("", "")
    assert completed(replace(LOGGER, sm4_key="-"), None).sm4_key == ""


def test_a_phone_that_is_not_shown_stays() -> None:
    """An officer's row read by somebody without the right to phones and sent back."""
    assert completed(replace(OFFICER, phone=""), OFFICER) == OFFICER
    assert completed(replace(OFFICER, phone="-"), OFFICER) == replace(OFFICER, phone="")


def test_a_new_key_keeps_the_one_before_it() -> None:
    """Frames under way are still read; since when the new key is used is not made up."""
    renewed = completed(replace(LOGGER, sm4_key="31" * 16), LOGGER_2025)

    assert (renewed.sm4_key, renewed.sm4_key_before) == ("31" * 16, "30" * 16)
    assert renewed.sm4_key_since == ""
    assert faults_of(renewed) == []


def test_a_secret_that_is_refused_is_not_repeated() -> None:
    """Refusals are shown and logged: the key itself is in none of them."""
    faults = faults_of(replace(LOGGER, sm4_key="31" * 17))

    assert [fault.field for fault in faults] == ["sm4_key"]
    assert "31" not in faults[0].reason


@pytest.mark.parametrize("body", SOUND, ids=lambda body: type(body).__name__)
def test_a_record_written_to_csv_is_read_back_the_same(body: Body) -> None:
    """Lists, absent limits, numbers and truth survive a file."""
    kind = KINDS[type(body)]

    (row,) = read_csv(kind, header_line(kind) + csv_line(body))

    assert row.body == body


def test_a_difference_names_field_before_and_after() -> None:
    """Only what differs, as a person writes it into a file."""
    changed = replace(LIMIT, upper=35.0, valid_to="2027-01-01")

    change = record_change(LIMIT, changed, 7)

    assert (change.kind, change.key, change.change, change.row) == (
        Kind.LIMIT, "l1", Change.CHANGED, 7,
    )  # fmt: skip
    assert change.fields == (
        FieldChange("upper", "50.0", "35.0"),
        FieldChange("valid_to", "", "2027-01-01"),
    )
    assert record_change(None, LIMIT, 0).change is Change.ADDED
    assert record_change(LIMIT, None, 0).change is Change.DELETED


def test_a_report_lists_so_many_differences_and_counts_the_rest() -> None:
    """A first load of a province does not fill an answer beyond its limit."""
    part, whole = Outcome(), Outcome()
    for row in range(CHANGES_LISTED - 1):
        whole.differs(record_change(None, LIMIT, row))
    for row in range(3):
        part.differs(record_change(None, LIMIT, row))

    whole.add(part)

    assert (len(whole.changes), whole.changes_left_out) == (CHANGES_LISTED, 2)


def test_the_repairs_that_can_be_switched_off_are_those_of_the_gate() -> None:
    """The registry may not import the protocol, so its list of names is compared here."""
    assert set(REPAIRS) == set(judging.REPAIRS)


def test_a_time_of_a_csv_is_kept_in_utc() -> None:
    """The same moment in another zone is no difference; a time without zone is refused."""
    text = "order_id,credit_code,start,end\no1,c,2026-11-20T18:00:00+08:00,2026-11-20 19:00\n"

    (row,) = read_csv(Kind.CONTROL_ORDER, text)

    assert isinstance(row.body, ControlOrder)
    assert row.body.start == "2026-11-20T10:00:00+00:00"
    assert Fault("end", "no ISO time with its offset") in faults_of(row.body)
