"""Frames by length, faults by name, every byte accounted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.hj212 import framing, judging
from services.ingest.hj212.crc import crc16, crc16_modbus
from services.ingest.hj212.framing import (
    FAULT_LIMIT,
    REPAIRS,
    Fault,
    Filler,
    Frame,
    Framer,
    Item,
)
from services.ingest.hj212.judging import Judge
from services.ingest.hj212.policy import LoggerPolicy

from .frames import GOLDEN, HOUR, INJECTED, REALTIME, SET_INTERVAL


def whole(data: bytes) -> list[Item]:
    """Items of one read and the end of the stream."""
    framer = Framer()
    return framer.feed(data) + framer.flush()


def pieces(data: bytes, sizes: list[int]) -> list[Item]:
    """Items of the same bytes, cut into reads of these sizes (the last one repeats)."""
    framer = Framer()
    items: list[Item] = []
    position = 0
    for size in sizes + [sizes[-1]] * (len(data) // sizes[-1] + 1):
        items += framer.feed(data[position : position + size])
        position += size
    return items + framer.flush()


def kinds(items: list[Item]) -> list[str]:
    """`frame`, `filler` or the fault's kind."""
    return [item.kind if isinstance(item, Fault) else type(item).__name__.lower() for item in items]


def frame_of(segment: bytes) -> bytes:
    """A correct frame round any segment."""
    return b"##%04d%b%04X\r\n" % (len(segment), segment, crc16(segment))


@pytest.mark.parametrize("golden", GOLDEN)
def test_golden_frame_whole_byte_by_byte_and_before_foreign_bytes(golden: bytes):
    """The three ways to feed give the same frame, and foreign bytes cost nothing of it."""
    expected = Frame(0, golden, golden[6:-6])

    assert whole(golden) == [expected]
    assert pieces(golden, [1]) == [expected]
    assert whole(golden + b"GET / HTTP/1.1\r\n")[0] == expected


def test_frame_is_given_before_the_stream_ends():
    """An acknowledgement must not wait for the next frame."""
    assert kinds(Framer().feed(REALTIME)) == ["frame"]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (REALTIME + HOUR, ["frame", "frame"]),
        (REALTIME.replace(b"4DC0", b"4DC1"), ["crc"]),
        (REALTIME.replace(b"4DC0", b"4DC1") + HOUR, ["crc", "frame"]),
        (REALTIME.replace(b"40.1", b"41.1") + REALTIME, ["crc", "frame"]),
        (b"##QN=1;CP=&&&&2200\r\n" + REALTIME, ["length", "frame"]),
        (REALTIME.replace(b"40.1", b"40.25").replace(b"0171", b"0177") + HOUR, ["length", "frame"]),
        (REALTIME.replace(b"40.1", b"40.25").replace(b"0171", b"9999"), ["too_long"]),
        (REALTIME.replace(b"##0171", b"##9999")[:90] + HOUR, ["too_long", "frame"]),
        (REALTIME[:60], ["incomplete"]),
        (REALTIME[:3], ["incomplete"]),
        (REALTIME[:60] + HOUR, ["length", "frame"]),
        (REALTIME[:-2], ["frame"]),
        (REALTIME[:-2] + HOUR, ["frame", "frame"]),
        (REALTIME[:-2] + b"\n" + HOUR, ["frame", "frame"]),
        (REALTIME + b"\r\n" + HOUR, ["frame", "filler", "frame"]),
        (b"\0\xff+++ATH\r\n" + REALTIME, ["filler", "header", "frame"]),
        (b"0#0171QN=1", ["header"]),
        (b"##0000FFFF\r\n", ["frame"]),
        (INJECTED[:-6] + b"XXXX\r\n" + REALTIME, ["crc", "frame"]),
        (b"", []),
    ],
)
def test_mutations_are_named_and_the_next_frame_is_found(data: bytes, expected: list[str]):
    """Each damage gets its name and costs no good frame; the reads' sizes are no matter."""
    assert kinds(whole(data)) == expected
    assert pieces(data, [1]) == whole(data)
    assert b"".join(item.raw for item in whole(data)) == data


def test_bad_crc_is_reported_without_waiting():
    """A fault whose own tail stands where its length says needs no further bytes."""
    assert kinds(Framer().feed(REALTIME.replace(b"4DC0", b"0000"))) == ["crc"]


def with_length(declared: bytes) -> bytes:
    """The real-time frame under another length field."""
    return REALTIME.replace(b"0171", declared)


CHINESE = "QN=1;ST=32;CN=3020;MN=M;Flag=5;CP=&&PolId=w01018;i11001-Info=//清洗管路//&&".encode()
OPEN_ENDED = REALTIME[6:-8]

REPAIRED = [
    (with_length(b"0177"), ("length",)),
    (with_length(b"0169"), ("length",)),
    (with_length(b"0017"), ("length",)),
    (with_length(b"9999"), ("length",)),
    (with_length(b"171"), ("length_unpadded",)),
    (with_length(b"0177").replace(b"4DC0\r", b"4dc0"), ("length", "tail_lf", "crc_lower_case")),
    (
        b"##%04d%b%04X\r\n" % (len(CHINESE.decode()), CHINESE, crc16(CHINESE)),
        ("length_in_characters",),
    ),
    (REALTIME[:-2], ("tail_missing",)),
    (REALTIME[:-1], ("tail_missing",)),
    (REALTIME[:-2] + b"\n", ("tail_lf",)),
    (REALTIME.replace(b"4DC0", b"4dc0"), ("crc_lower_case",)),
    (frame_of(b"CN=9;CP=&&a=32&&").replace(b"03C0", b"3C0"), ("crc_unpadded",)),
    (frame_of(OPEN_ENDED), ("area_not_closed",)),
    (b"##0169%b4DC0\r\n" % OPEN_ENDED, ("area_not_closed",)),
    (b"##0171%b%04X\r\n" % (OPEN_ENDED, crc16(OPEN_ENDED)), ("length", "area_not_closed")),
]


@pytest.mark.parametrize(("damaged", "repairs"), REPAIRED)
def test_repair_is_named_and_the_frame_behind_is_whole(damaged: bytes, repairs: tuple[str, ...]):
    """Where the CRC agrees, the segment is put right, alone and glued, however it was cut."""
    first, *behind = [item for item in whole(damaged + HOUR) if not isinstance(item, Filler)]

    assert isinstance(first, Frame)
    assert (first.raw, first.repairs) == (damaged, repairs)
    assert first.segment.endswith(b"&&")
    assert behind == [Frame(len(damaged), HOUR, HOUR[6:-6])]
    assert pieces(damaged + HOUR, [1]) == whole(damaged + HOUR)
    assert whole(damaged) == [first]


@pytest.mark.parametrize(("damaged", "repairs"), REPAIRED)
def test_repair_that_is_switched_off_is_a_fault(damaged: bytes, repairs: tuple[str, ...]):
    """The registry may want none of a logger's mistakes: same bytes, a fault that says which."""
    for off in repairs:
        policy = LoggerPolicy(repairs_off=frozenset({off}))
        fault, frame = Framer(lambda _, policy=policy: policy).feed(damaged + HOUR)

        assert isinstance(fault, Fault)
        assert (fault.raw, fault.kind) == (damaged, REPAIRS[off])
        assert fault.detail == f"repair switched off: {off}"
        assert frame.raw == HOUR


def test_policy_is_asked_for_the_mn_of_the_frame():
    """Repairs are switched per logger."""
    asked = []

    def policy_of(mn: str) -> LoggerPolicy:
        asked.append(mn)
        return LoggerPolicy()

    Framer(policy_of).feed(REALTIME.replace(b"4DC0", b"4dc0"))
    assert asked == ["010000A8900016F000169DC0"]


def test_segment_over_the_limit_is_noted():
    """Real loggers send 1025 and 1623 bytes in one frame."""
    long = frame_of(b"ST=32;CN=2011;CP=&&" + b"x" * 1100 + b"&&")

    assert whole(long)[0].notes == ("segment_over_1024",)


@pytest.mark.parametrize("cut", range(7, len(REALTIME) - 8))
def test_cut_frame_never_swallows_the_next(cut: int):
    """Wherever a frame is cut off, under a right or an unpadded length, the next one is read."""
    for begun in (REALTIME[:cut], with_length(b"171")[:cut], with_length(b"9999")[:cut]):
        assert whole(begun + HOUR)[-1].raw == HOUR


@pytest.mark.parametrize(
    ("crc", "detail"),
    [
        (b"4DC1", "want 4DC0, got 4DC1"),
        (b"C04D", "crc_byte_swapped: want 4DC0, got C04D"),
        (b"%04X" % crc16_modbus(REALTIME[6:-6]), "crc_modbus: want 4DC0, got "),
        (
            b"%02X%02X" % divmod(crc16_modbus(REALTIME[6:-6]), 256)[::-1],
            "crc_modbus_byte_swapped: ",
        ),
        (b"WXYZ", "no CRC"),
    ],
)
def test_wrong_crc_is_named(crc: bytes, detail: str):
    """MODBUS and swapped bytes are refused, and said: the vendor can be told."""
    (fault,) = whole(REALTIME.replace(b"4DC0", crc))

    assert isinstance(fault, Fault)
    assert fault.kind == "crc"
    assert fault.detail.startswith(detail)


HOSTILE = [
    *(
        b"##1404\r\n",
        b"##1400\r\n",
        b"##1400",
        b"##0100&&0000\r\n",
        b"##2048QN=1;CP=&&&&4040\r\n",
        b"##1",
    ),
    *(b"##", b"##9999", b"&&0000\r\n##0990", b"##0036CP=&&0000##0012CP=&&0000\n"),
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_headers_cost_linear_work(unit: bytes, monkeypatch: pytest.MonkeyPatch):
    """False headers without end: CRC bytes and judged headers grow with the stream, no faster."""
    computed = judged = 0

    def counted(segment: bytes) -> int:
        nonlocal computed
        computed += len(segment)
        return crc16(segment)

    def judge(self: Judge, *place, **final):
        nonlocal judged
        judged += 1
        return real(self, *place, **final)

    real = Judge.judge
    monkeypatch.setattr(judging, "crc16", counted)
    monkeypatch.setattr(framing, "crc16", counted)
    monkeypatch.setattr(Judge, "judge", judge)
    data = unit * (30_000 // len(unit))
    framer = Framer()
    framer.feed(data)
    framer.flush()

    assert computed <= 65536 + 20 * len(data)
    assert judged <= 1.1 * len(data)


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_headers_read_the_same_however_cut(unit: bytes):
    """Also where the work is used up: what is judged depends on the bytes alone."""
    data = (unit * (40_000 // len(unit)))[:40_000] + HOUR + HOUR

    items = whole(data)
    assert pieces(data, [997, 4096, 33]) == items
    assert items[-1].raw == HOUR


@pytest.mark.parametrize("unit", [b"##1400\r\n", b"##2000QN=1;ST=3", b"##0999CP=&&"])
def test_single_bytes_cost_no_more_crc_than_one_read(unit: bytes, monkeypatch: pytest.MonkeyPatch):
    """Nothing is computed again because a byte arrived."""
    computed: list[int] = []
    monkeypatch.setattr(judging, "crc16", lambda data: computed.append(len(data)) or crc16(data))
    data = unit * (9000 // len(unit))
    whole(data)
    at_once = sum(computed)
    computed.clear()
    pieces(data, [1])

    assert sum(computed) == at_once


def test_endless_garbage_is_cut_and_memory_stays_bounded():
    """Garbage without end becomes faults of bounded size while it arrives."""
    framer = Framer()
    items = [item for _ in range(100) for item in framer.feed(b"#x" * 500)]

    assert set(kinds(items)) <= {"header", "length"}
    assert max(len(item.raw) for item in items) <= FAULT_LIMIT
    assert len(framer.held) <= 2 * FAULT_LIMIT


def test_begun_ignores_padding():
    """Line ends between frames are no frame begun."""
    framer = Framer()
    framer.feed(REALTIME + b"\r\n")
    assert not framer.begun

    framer.feed(b"##01")
    assert framer.begun


_NOISE = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"##", b"#", b"##0010", b"##9999", b"##0171", b"\r\n", b"ABCD\r\n", b"&&"]),
    st.sampled_from([*GOLDEN, REALTIME[:90], HOUR[100:], REALTIME[:-2], SET_INTERVAL[:-3]]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_NOISE, max_size=12), st.lists(st.integers(1, 200), min_size=1, max_size=8))
def test_every_byte_is_accounted_whatever_arrives(parts: list[bytes], sizes: list[int]):
    """Any bytes: sizes add up, offsets follow, and the cut into reads changes nothing."""
    data = b"".join(parts)
    items = whole(data)

    assert b"".join(item.raw for item in items) == data
    assert [item.offset for item in items] == [
        sum(len(before.raw) for before in items[:index]) for index in range(len(items))
    ]
    assert pieces(data, sizes) == items
