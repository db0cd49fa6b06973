"""校验: what makes a record wrong in itself. References are checked by the use case."""

import re
from collections.abc import Callable
from typing import Any

from services.registry.domain.credit_code import ALPHABET, credit_code_fault
from services.registry.domain.divisions import (
    division_faults,
    is_division_code,
    level_of,
    parse_date,
    period_faults,
)
from services.registry.domain.logger_identity import logger_identity_faults
from services.registry.domain.power_records import meter_pair_faults, order_faults
from services.registry.domain.records import (
    Agency,
    Body,
    Contact,
    ControlOrder,
    Division,
    Duty,
    Enterprise,
    Fault,
    Leave,
    Limit,
    Logger,
    MeterPair,
    Officer,
    Outlet,
    Team,
    key_of,
)

PERMIT = re.compile(rf"[{ALPHABET}]{{18}}\d{{3}}[A-Z]")  # HJ 608-2017
OUTLET = re.compile(r"D([AW])\d{3}")  # HJ 608-2017
#: 24 hex characters (HJ 212-2017 6.3.4), or organisation code and serial of HJ/T 212-2005.
MN = re.compile(r"[0-9A-F]{24}|[0-9A-Z]{14}")
FACTOR = re.compile(r"[aw]\d{5}")  # HJ 524-2009, HJ 525-2009
INDUSTRY = re.compile(r"\d{4}")  # GB/T 4754-2017
LOGGER_PASSWORD = re.compile(r"[0-9A-Za-z]{1,6}")  # HJ 212-2017: PW, at most 6 characters
PHONE = re.compile(r"1\d{10}")
MEDIA = {"A": "air", "W": "water"}
SYSTEM_CODES = ("31", "32")  # HJ 212-2017 table 5: stack, outfall
AVERAGING = ("hourly", "daily")
#: A permit's or local value carries a penalty, an emergency one lies over them, policy only warns.
BASES = ("", "permit", "local", "emergency", "policy")
TRAIT = re.compile(r"([a-z][a-z0-9_]*)=[^;=<>|&!\s]+")
ROLES = ("officer", "leader", "police", "procurator")
AGENCY_KINDS = ("police", "procuratorate")
LEAVE_KINDS = ("leave", "training", "secondment", "suspended")
PERSON = re.compile(r"[!-~]{1,64}")
IDENTITY_NUMBER = re.compile(r"\d{15}|\d{17}[\dXx]")  # GB 11643-1999


def faults_of(body: Body) -> list[Fault]:
    """Return every fault of a record, empty when it may be kept."""
    if not key_of(body):
        return [Fault(next(iter(vars(body))), "is missing")]
    return _CHECKS[type(body)](body)


def _unless(ok: object, field: str, reason: str) -> list[Fault]:
    return [] if ok else [Fault(field, reason)]


def _county_or_above(division: str) -> list[Fault]:
    return _unless(is_division_code(division), "division", "not six digits (GB/T 2260)")


def _enterprise(body: Enterprise) -> list[Fault]:
    fault = credit_code_fault(body.credit_code)
    at = body.longitude or body.latitude
    inside = not at or (73 <= body.longitude <= 136 and 3 <= body.latitude <= 54)
    return [
        *([Fault("credit_code", fault)] if fault else []),
        *_unless(body.name.strip(), "name", "is missing"),
        *_county_or_above(body.division),
        *_unless(INDUSTRY.fullmatch(body.industry), "industry", "not four digits (GB/T 4754)"),
        *_unless(
            not body.permit_code or PERMIT.fullmatch(body.permit_code),
            "permit_code",
            "not credit code, three digits, one letter (HJ 608-2017)",
        ),
        *_unless(inside, "longitude", "position outside the country"),
    ]


def _outlet(body: Outlet) -> list[Fault]:
    shape = OUTLET.fullmatch(body.code)
    bad = [factor for factor in body.factors if not FACTOR.fullmatch(factor)]
    drawn = [factor for line in body.sampling_lines for factor in line.split("+")]
    strange = sorted(set(drawn) - set(body.factors))
    return [
        *_unless(shape, "code", "not DA or DW and three digits (HJ 608-2017)"),
        *_unless(not shape or MEDIA[shape[1]] == body.medium, "medium", "DA is air, DW is water"),
        *_unless(
            body.outlet_id == f"{body.credit_code}-{body.code}",
            "outlet_id",
            "not <credit_code>-<code>",
        ),
        *_unless(body.factors, "factors", "is missing"),
        *_unless(not bad, "factors", f"no factor codes (HJ 524/525): {' '.join(bad)}"),
        *_unless(not strange, "sampling_lines", f"not measured here: {' '.join(strange)}"),
        *_unless(0 <= body.ref_o2_percent < 21, "ref_o2_percent", "not in [0, 21)"),
        *_traits(body.traits),
        *_county_or_above(body.division),
    ]


def _traits(traits: tuple[str, ...]) -> list[Fault]:
    """Each trait is name=value, and no name stands twice."""
    shapes = [TRAIT.fullmatch(trait) for trait in traits]
    bad = [trait for trait, shape in zip(traits, shapes, strict=True) if not shape]
    names = [shape[1] for shape in shapes if shape]
    twice = sorted({name for name in names if names.count(name) > 1})
    return [
        *_unless(not bad, "traits", f"not name=value as built=2005-06-01: {' '.join(bad)}"),
        *_unless(not twice, "traits", f"stands twice: {' '.join(twice)}"),
    ]


def _logger(body: Logger) -> list[Fault]:
    return [
        *_unless(
            MN.fullmatch(body.mn), "mn", "not 24 hex characters (HJ 212-2017) or 14 (HJ/T 212-2005)"
        ),
        *_unless(body.outlet_id, "outlet_id", "is missing"),
        *_unless(
            LOGGER_PASSWORD.fullmatch(body.password), "password", "not 1 to 6 letters or digits"
        ),
        *_unless(body.st in SYSTEM_CODES, "st", "not 31 (stack) or 32 (outfall)"),
        *_unless(10 <= body.realtime_interval_s <= 3600, "realtime_interval_s", "not 10..3600"),
        *_unless(1 <= body.minute_interval_min <= 60, "minute_interval_min", "not 1..60"),
        *logger_identity_faults(body),
    ]


def _limit(body: Limit) -> list[Fault]:
    some = body.lower is not None or body.upper is not None
    ordered = body.lower is None or body.upper is None or body.lower < body.upper
    return [
        *_unless(body.outlet_id, "outlet_id", "is missing"),
        *_unless(FACTOR.fullmatch(body.factor), "factor", "no factor code (HJ 524/525)"),
        *_unless(body.averaging in AVERAGING, "averaging", "not hourly or daily"),
        *_unless(some, "upper", "neither lower nor upper"),
        *_unless(ordered, "upper", "not above lower"),
        *_unless(body.unit, "unit", "is missing"),
        *_unless(0 <= body.ref_o2_percent < 21, "ref_o2_percent", "not in [0, 21)"),
        *_unless(body.source, "source", "a limit without its standard or permit"),
        *_unless(body.valid_from, "valid_from", "is missing"),
        *_unless(0 <= body.decimals <= 4, "decimals", "not 0..4"),
        *_unless(body.basis in BASES, "basis", f"not one of {', '.join(BASES[1:])}"),
        *period_faults(body.valid_from, body.valid_to),
    ]


def _officer(body: Officer) -> list[Fault]:
    expires = parse_date(body.certificate_expires)
    return [
        *_unless(body.name, "name", "is missing"),
        *_unless(body.role in ROLES, "role", f"not one of {', '.join(ROLES)}"),
        *_unless(not body.phone or PHONE.fullmatch(body.phone), "phone", "not 11 digits"),
        *_unless(
            bool(body.certificate) == (expires is not None),
            "certificate_expires",
            "a certificate and its ISO date go together",
        ),
        *_person(body.person_id),
        *_county_or_above(body.division),
    ]


def _person(person_id: str) -> list[Fault]:
    """A number of the personnel office; an identity number has no place in a copied record."""
    return [
        *_unless(
            not person_id or PERSON.fullmatch(person_id),
            "person_id",
            "not 1 to 64 visible ASCII characters",
        ),
        *_unless(
            not IDENTITY_NUMBER.fullmatch(person_id), "person_id", "an identity number (GB 11643)"
        ),
    ]


def _team(body: Team) -> list[Fault]:
    return [*_unless(body.name, "name", "is missing"), *_county_or_above(body.division)]


def _contact(body: Contact) -> list[Fault]:
    return [
        *_unless(body.credit_code, "credit_code", "is missing"),
        *_unless(body.name, "name", "is missing"),
        *_unless(PHONE.fullmatch(body.phone), "phone", "not 11 digits"),
    ]


def _agency(body: Agency) -> list[Fault]:
    is_city = is_division_code(body.division) and level_of(body.division) == "city"
    return [
        *_unless(body.kind in AGENCY_KINDS, "kind", f"not one of {', '.join(AGENCY_KINDS)}"),
        *_unless(body.name, "name", "is missing"),
        *_unless(is_city, "division", "not the code of a city (GB/T 2260)"),
    ]


def _duty(body: Duty) -> list[Fault]:
    return [
        *_unless(body.team_id, "team_id", "is missing"),
        *_unless(body.officer_id, "officer_id", "is missing"),
        *_unless(parse_date(body.date), "date", "no ISO date"),
    ]


def _leave(body: Leave) -> list[Fault]:
    begins, ends = parse_date(body.from_day), parse_date(body.to_day)
    return [
        *_unless(body.officer_id, "officer_id", "is missing"),
        *_unless(begins, "from_day", "no ISO date"),
        *_unless(not body.to_day or ends, "to_day", "no ISO date"),
        *_unless(not (begins and ends) or begins <= ends, "to_day", "before from_day"),
        *_unless(body.kind in LEAVE_KINDS, "kind", f"not one of {', '.join(LEAVE_KINDS)}"),
        *_unless(
            body.substitute_id != body.officer_id, "substitute_id", "nobody stands in for himself"
        ),
    ]


_CHECKS: dict[type[Body], Callable[[Any], list[Fault]]] = {
    Division: division_faults,
    Enterprise: _enterprise,
    Outlet: _outlet,
    Logger: _logger,
    Limit: _limit,
    Officer: _officer,
    Team: _team,
    Contact: _contact,
    Agency: _agency,
    Duty: _duty,
    Leave: _leave,
    MeterPair: meter_pair_faults,
    ControlOrder: order_faults,
}
