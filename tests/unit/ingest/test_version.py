"""Which issue of HJ 212 a frame follows."""

import pytest

from services.ingest.hj212.segment import parse_segment
from services.ingest.hj212.version import Version, version_of

OLD_MN, EPC = "88888880000001", "010000A8900016F000169DC0"
V05, V17, V25 = Version


def decided(
    cp: str = "", *, cn: str = "2011", mn: str = EPC, flag: str = "", st: str = "32", rf: str = ""
):
    """The version of a frame, as a function of the one remembered."""
    head = f"ST={st};CN={cn};PW=1;MN={mn};" + (f"Flag={flag};" if flag else "") + rf
    segment = parse_segment(f"{head}CP=&&{cp}&&".encode())
    return lambda remembered=None: version_of(segment, remembered)


NEW, OLD = "DataTime=20261122110000;w01018-Rtd=1", "DataTime=20261122110000;011-Rtd=1"


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (decided(NEW, rf="RF=1;"), V25),
        (decided(cn="9015", mn=OLD_MN), V25),
        (decided(NEW, st="45"), V25),
        (decided("DataTime=20261122110000;d20105-Rtd=1", mn=OLD_MN), V25),
        (decided("DataTime=20261122110000;a34013-RawAvg=1", cn="2061"), V25),
        (decided("i23005-Info=1", cn="1001", mn=""), V25),
        (decided("WarnTime=5", cn="1001", mn=OLD_MN), V05),
        (decided(OLD, flag="5"), V05),
        (decided("DataTime=20261122110000;B01-Rtd=1"), V05),
        (decided(cn="2072", mn=OLD_MN), V05),
        (decided("QN=20261122110000000;QnRtn=1", cn="9011", flag="4"), V05),
    ],
)
def test_what_only_one_issue_has_decides(frame, expected):
    """RF, commands, codes, fields and QN inside CP prove the version against Flag and memory."""
    assert [frame(remembered) for remembered in (None, V05, V17, V25)] == [expected] * 4


@pytest.mark.parametrize(
    ("frame", "alone", "known_2017", "known_2025"),
    [
        (decided(NEW, flag="5"), V17, V17, V25),
        (decided(NEW, flag="8"), V25, V17, V25),
        (decided(NEW, flag="8", mn=OLD_MN), V17, V17, V17),
        (decided(NEW), V17, V17, V25),
        (decided(cn="9013", flag="9"), V25, V17, V25),
        (decided(cn="9013", flag="4", mn=OLD_MN), V17, V17, V17),
        (decided(cn="9013", mn=OLD_MN), V05, V17, V17),
        (decided(cn="9013", flag="3", mn=OLD_MN), V05, V17, V17),
        (decided(cn="9013", flag="200"), V17, V17, V25),
    ],
)
def test_flag_is_a_hint_within_what_codes_and_mn_allow(frame, alone, known_2017, known_2025):
    """Flag=8 makes no logger of 2017 one of 2025, and none whose MN 2025 cannot have."""
    assert (frame(), frame(V17), frame(V25)) == (alone, known_2017, known_2025)


def test_logger_of_2005_that_sends_new_codes_was_replaced():
    """Codes of HJ 524/525 end what was remembered of an older logger."""
    assert decided(NEW, mn=OLD_MN)(V05) is V17
