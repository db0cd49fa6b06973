"""Frames by length, faults by name, every byte accounted."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.hj212.crc import crc16
from services.ingest.hj212.framing import FAULT_LIMIT, Fault, Filler, Frame, Framer, Item

from .frames import GOLDEN, HOUR, INJECTED, REALTIME, SET_INTERVAL, reference_frames


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
        (REALTIME.replace(b"##0171", b"##0177"), ["length"]),
        (REALTIME.replace(b"##0171", b"##0177") + HOUR, ["length", "frame"]),
        (REALTIME.replace(b"##0171", b"##0169") + HOUR, ["length", "frame"]),
        (REALTIME.replace(b"##0171", b"##9999") + HOUR, ["too_long", "frame"]),
        (REALTIME.replace(b"##0171", b"##171") + HOUR, ["length", "frame"]),
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


def test_what_was_tolerated_is_noted():
    """Lower-case CRC, a missing tail and an over-long segment are read, and said."""
    long = frame_of(b"ST=32;CN=2011;CP=&&" + b"x" * 1100 + b"&&")

    assert whole(REALTIME.replace(b"4DC0", b"4dc0"))[0].notes == ("crc_lower_case",)
    assert whole(REALTIME[:-2])[0].notes == ("tail",)
    assert whole(long)[0].notes == ("segment_over_1024",)


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


def test_reference_frames_with_right_length_and_crc_are_all_read():
    """Every frame of the reference whose check says OK is one frame, alone and byte by byte."""
    for number, comment, data in reference_frames():
        if "check: OK" not in comment:
            continue
        items = [item for item in whole(data) if not isinstance(item, Filler)]
        assert kinds(items) == ["frame"], number
        assert pieces(data, [1]) == whole(data), number


def test_reference_frames_with_a_bad_crc_or_length_are_never_taken():
    """A frame whose check says BAD for CRC or length gives at least one named fault."""
    for number, comment, data in reference_frames():
        check = comment.rpartition("check: BAD: ")[2]
        if "check: BAD" not in comment or not check.startswith(("LEN ok", "LEN BAD")):
            continue
        if "segment-to-tail" in check or "CRC BAD" in check:
            if "by declared length CRC ok" in check or number == 54:
                continue  # glued or padded good frames: read by length
            assert set(kinds(whole(data))) & {"crc", "length", "too_long", "incomplete"}, number
