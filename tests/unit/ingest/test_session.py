"""What one connection remembers."""

from services.ingest.hj212.encode import encode_frame
from services.ingest.hj212.session import REMEMBERED, Received, Session, reply_due
from services.ingest.hj212.version import Version

from .frames import HOUR, REALTIME, SET_INTERVAL, reference_frames


def one(session: Session, data: bytes) -> Received:
    """The single account that these bytes give."""
    (received,) = session.receive(data, now=0.0)
    return received


def test_upload_and_its_reply():
    """An upload with Flag bit 0 gets 9014 with its QN."""
    received = one(Session(0.0), REALTIME)

    assert received.upload is not None
    assert b"QN=20160801085857223;ST=91;CN=9014" in (reply_due(received.upload) or b"")


def test_no_reply_where_none_is_wanted():
    """Flag=4: nothing is sent back."""
    data = REALTIME.replace(b"Flag=5", b"Flag=4")
    received = one(Session(0.0), encode_frame(data[6:-6]))

    assert received.upload is not None
    assert reply_due(received.upload) is None


def test_same_frame_again_is_a_repeat_and_a_changed_one_is_not():
    """(MN, QN, CN, PNO) with the same bytes; another value under the same QN must not vanish."""
    session = Session(0.0)
    changed = encode_frame(REALTIME[6:-6].replace(b"40.1", b"39.1"))

    assert not session.is_repeat(one(session, REALTIME))
    assert session.is_repeat(one(session, REALTIME))
    assert not session.is_repeat(one(session, changed))


def test_memory_of_repeats_is_bounded():
    """Old numbers are forgotten; the store knows them."""
    session = Session(0.0)
    first = one(session, REALTIME)
    session.is_repeat(first)
    for number in range(REMEMBERED + 5):
        fake = Received(b"%d" % number, 0, first.upload)
        session.is_repeat(fake)

    assert len(session._seen) == REMEMBERED


def test_commands_are_read_and_broken_segments_keep_their_bytes():
    """A verified frame that is no upload is no fault: MN, CN, QN and version are known."""
    command = one(Session(0.0), SET_INTERVAL)

    assert (command.reason, command.cn, command.mn) == ("", "1062", "010000A8900016F000169DC0")
    assert command.version is Version.V2017
    assert command.upload is None
    assert one(Session(0.0), encode_frame(b"abcd")).reason == "malformed"


def test_version_is_remembered_for_the_logger():
    """A heartbeat of 2025 proves the version; Flag=5 on the next frame does not take it back."""
    session = Session(0.0)
    heartbeat = HOUR[6:].partition(b"CP=")[0].replace(b"CN=2061", b"CN=9015") + b"CP=&&&&"

    assert one(session, HOUR).version is Version.V2017
    assert one(session, encode_frame(heartbeat)).version is Version.V2025
    assert one(session, HOUR).version is Version.V2025
    assert session.version_of("another") is None


def test_versions_of_many_loggers_are_bounded():
    """A gateway may forward hundreds of loggers; the last ones are remembered."""
    session = Session(0.0)
    for number in range(REMEMBERED + 5):
        mn = b"%024d" % number
        one(session, encode_frame(HOUR[6:-6].replace(b"010000A8900016F000169DC0", mn)))

    assert len(session._versions) == REMEMBERED
    assert session.version_of(mn.decode()) is Version.V2017


def test_fault_is_no_repeat():
    """Garbage twice is two faults."""
    session = Session(0.0)
    fault = one(session, REALTIME.replace(b"4DC0", b"4DC1"))

    assert not session.is_repeat(fault)
    assert not session.is_repeat(fault)


def test_stall_needs_a_frame_begun():
    """Silence between frames is idle, silence inside a frame is a stall; flush names the rest."""
    session = Session(0.0)
    session.receive(HOUR + HOUR[:50], now=10.0)

    assert not session.stalled(15.0, patience=10.0)
    assert session.stalled(20.0, patience=10.0)
    assert session.silent_for(20.0) == 10.0
    assert [received.reason for received in session.flush()] == ["incomplete"]
    assert not session.stalled(99.0, patience=10.0)


def test_reference_frames_raise_nothing():
    """The whole reference file as one stream: accounts only, no frame with a good check is lost."""
    frames = reference_frames()
    session = Session(0.0)
    received = [r for _, _, data in frames for r in session.receive(data, 0.0)] + session.flush()

    uploads = [r for r in received if r.upload]
    taken = {r.raw for r in received}
    assert [n for n, note, data in frames if "check: OK" in note and data not in taken] == []
    assert uploads
    assert {r.reason for r in received} <= {
        *("", "crc", "length", "header", "incomplete", "too_long", "malformed")
    }
