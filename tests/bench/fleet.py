"""A synthetic national fleet: enterprises, outlets and loggers by number, and their frames.

Everything follows from the number, so the registry's records and the generator's frames agree
without a file between them. Credit codes are made up and carry right check signs.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from farsight.lab.province import read_rows
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.ingest.hj212.crc import crc16
from services.registry.domain.credit_code import credit_check_sign, organisation_check_sign

ENTERPRISES = 35_800  # of the ministry's list, which share 60,000 outlets
FACTORS = (
    "a34013", "a21026", "a21002", "a19001", "a01012",
    "a01011", "a01014", "a00000", "a01013", "a21005",
)  # fmt: skip
CONVERTED = FACTORS[:3]  # reported at reference oxygen too
LIMITS = {"a34013": 20.0, "a21026": 50.0, "a21002": 100.0}  # mg/m3, GB 13223-2011 table 2
SYNC_PART = 400
AREAS = 256  # different sets of values; a logger goes through them


@dataclass(frozen=True, slots=True)
class Member:
    """One outlet with its logger."""

    number: int
    credit_code: str
    outlet_id: str
    mn: str
    password: str
    division: str


@cache
def counties() -> list[str]:
    """Divisions of the demo province that have outlets."""
    return [row["code"] for row in read_rows("divisions") if row["level"] == "county"]


def member(number: int) -> Member:
    """The fleet's member of this number, from 0."""
    enterprise, outlet = number % ENTERPRISES, number // ENTERPRISES + 1
    places = counties()
    division = places[enterprise % len(places)]
    organisation = f"FT{enterprise:06d}"
    body = f"91{division}{organisation}{organisation_check_sign(organisation)}"
    code = body + credit_check_sign(body)
    mn = f"0100FA25C16F00F{number:09d}"
    return Member(number, code, f"{code}-DA{outlet:03d}", mn, f"{number % 10**6:06d}", division)


def requests(outlets: int, limits: int = len(LIMITS)) -> Iterator[pb.SyncRequest]:
    """The fleet's records in an order in which every reference is known before it is used."""
    kinds = (_enterprises, _outlets, _loggers, lambda n: _limits(n, limits))
    for records_of in kinds:
        part: list[pb.Record] = []
        for record in records_of(outlets):
            part.append(record)
            if len(part) == SYNC_PART:
                yield pb.SyncRequest(records=part)
                part = []
        if part:
            yield pb.SyncRequest(records=part)


def _enterprises(outlets: int) -> Iterator[pb.Record]:
    for number in range(min(outlets, ENTERPRISES)):
        one = member(number)
        body = pb.Enterprise(
            credit_code=one.credit_code, name=f"车队{number}热电有限公司", division=one.division,
            industry="4412", permit_code=f"{one.credit_code}001P", key_discharger=True,
        )  # fmt: skip
        yield pb.Record(kind=pb.RECORD_KIND_ENTERPRISE, key=one.credit_code, enterprise=body)


def _outlets(outlets: int) -> Iterator[pb.Record]:
    for number in range(outlets):
        one = member(number)
        body = pb.Outlet(
            outlet_id=one.outlet_id, credit_code=one.credit_code, code=one.outlet_id[-5:],
            name="锅炉废气排放口", medium="air", process="coal boiler", factors=FACTORS,
            ref_o2_percent=6, division=one.division,
        )  # fmt: skip
        yield pb.Record(kind=pb.RECORD_KIND_OUTLET, key=one.outlet_id, outlet=body)


def _loggers(outlets: int) -> Iterator[pb.Record]:
    for number in range(outlets):
        one = member(number)
        body = pb.Logger(
            mn=one.mn, outlet_id=one.outlet_id, password=one.password, st="31",
            realtime_interval_s=30, minute_interval_min=10, enabled=True,
        )  # fmt: skip
        yield pb.Record(kind=pb.RECORD_KIND_LOGGER, key=one.mn, logger=body)


def _limits(outlets: int, count: int) -> Iterator[pb.Record]:
    for number in range(outlets):
        one = member(number)
        for factor, upper in list(LIMITS.items())[:count]:
            key = f"{one.outlet_id}/{factor}/hourly"
            body = pb.Limit(
                limit_id=key, outlet_id=one.outlet_id, factor=factor, averaging="hourly",
                lower=float("nan"), upper=upper, unit="mg/m3", ref_o2_percent=6,
                source="GB 13223-2011", valid_from="2022-01-01",
            )  # fmt: skip
            yield pb.Record(kind=pb.RECORD_KIND_LIMIT, key=key, limit=body)


class Speech:
    """What a member says, as bytes; built from parts that were rendered once."""

    def __init__(self, one: Member) -> None:
        self._st = b"ST=31;CN="
        self._head = f";PW={one.password};MN={one.mn};".encode()
        self._areas = areas()
        self._next = one.number

    def realtime(self, qn: bytes, data_time: bytes, *, filled: bool = False) -> bytes:
        """A real-time frame of ten factors; `filled` as a 2025 back-fill."""
        self._next += 1
        area = self._areas[self._next % AREAS]
        return self._frame(qn, b"2011", data_time, area, filled=filled)

    def period(self, cn: bytes, qn: bytes, data_time: bytes, *, filled: bool = False) -> bytes:
        """A frame of minute or hour means."""
        self._next += 1
        area = mean_areas()[self._next % AREAS]
        return self._frame(qn, cn, data_time, area, filled=filled)

    def _frame(self, qn: bytes, cn: bytes, data_time: bytes, area: bytes, *, filled: bool) -> bytes:
        mark = b"Flag=9;RF=1;" if filled else b"Flag=5;"
        segment = b"QN=%b;%b%b%b%bCP=&&DataTime=%b;%b&&" % (
            qn, self._st, cn, self._head, mark, data_time, area,
        )  # fmt: skip
        return b"##%04d%b%04X\r\n" % (len(segment), segment, crc16(segment))


@cache
def areas() -> list[bytes]:
    """Real-time values, rendered."""
    chance = random.Random(212)
    return [";".join(_rtd(chance, factor) for factor in FACTORS).encode() for _ in range(AREAS)]


@cache
def mean_areas() -> list[bytes]:
    """Means with their least and most, rendered."""
    chance = random.Random(213)
    return [";".join(_avg(chance, factor) for factor in FACTORS).encode() for _ in range(AREAS)]


def _rtd(chance: random.Random, factor: str) -> str:
    value = chance.uniform(4, 16)
    converted = f",{factor}-ZsRtd={value * 1.07:.2f}" if factor in CONVERTED else ""
    return f"{factor}-Rtd={value:.2f}{converted},{factor}-Flag=N"


def _avg(chance: random.Random, factor: str) -> str:
    value = chance.uniform(4, 16)
    spread = f"{factor}-Min={value - 1:.2f},{factor}-Avg={value:.2f},{factor}-Max={value + 1:.2f}"
    converted = f",{factor}-ZsAvg={value * 1.07:.2f}" if factor in CONVERTED else ""
    return f"{spread}{converted},{factor}-Flag=N"
