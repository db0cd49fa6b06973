"""Golden frames of our own and the reader of the reference frames."""

from pathlib import Path

import pytest

REALTIME = (
    b"##0171QN=20160801085857223;ST=32;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;"
    b"CP=&&DataTime=20160801085857;w01018-Rtd=40.1,w01018-Flag=N;w21003-Rtd=1.803,w21003-Flag=N&&"
    b"4DC0\r\n"
)
HOUR = (
    b"##0325QN=20160801090000001;ST=32;CN=2061;PW=123456;MN=010000A8900016F000169DC0;Flag=5;"
    b"CP=&&DataTime=20160801080000;w00000-Cou=63.0,w00000-Min=16.4,w00000-Avg=17.5,w00000-Max=20.1,"
    b"w00000-Flag=N;w01001-Min=7.1,w01001-Avg=7.5,w01001-Max=7.8,w01001-Flag=N;w01018-Cou=63.0,"
    b"w01018-Min=40.1,w01018-Avg=40.1,w01018-Max=40.1,w01018-Flag=N&&B7C1\r\n"
)
SET_INTERVAL = (  # printed in HJ 212-2017 annex A
    b"##0101QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;"
    b"CP=&&RtdInterval=30&&1C80\r\n"
)
INJECTED = (  # a value that holds a tail and a header: cut by length only
    b"##0180QN=20160801085857223;ST=32;CN=2011;PW=123456;MN=010000A8900016F000169DC0;Flag=5;"
    b"CP=&&DataTime=20160801085857;w01018-Rtd=40.1,w01018-EFlag=a\r\n##0004;w21003-Rtd=1.803,"
    b"w21003-Flag=N&&B681\r\n"
)
GOLDEN = (REALTIME, HOUR, SET_INTERVAL, INJECTED)

REFERENCE = Path(__file__).parents[4] / "shared" / "reference" / "hj212_frames.txt"
_ESCAPES = {"r": b"\r", "n": b"\n", "\\": b"\\"}


def reference_frames() -> list[tuple[int, str, bytes]]:
    """Number, comment and bytes of each reference frame; skips where the file is absent."""
    if not REFERENCE.exists():
        pytest.skip(f"the reference frames are not here: {REFERENCE}")
    return read_reference()


def read_reference() -> list[tuple[int, str, bytes]]:
    """Number, comment and bytes of each reference frame."""
    frames = []
    comment = ""
    for line in REFERENCE.read_text(encoding="utf-8").splitlines():
        if line.startswith("// ["):
            comment = line
        elif line and not line.startswith("//"):
            frames.append((int(comment[4 : comment.index("]")]), comment, _unescape(line)))
    return frames


def _unescape(text: str) -> bytes:
    out = bytearray()
    rest = text
    while rest:
        before, slash, rest = rest.partition("\\")
        out += before.encode("utf-8")
        if slash and rest[0] == "x":
            out.append(int(rest[1:3], 16))
            rest = rest[3:]
        elif slash:
            out += _ESCAPES[rest[0]]
            rest = rest[1:]
    return bytes(out)
