"""`farsight decode`."""

import io
import json
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest

from farsight.cli import main
from farsight.decode import decode
from services.ingest.hj212.cipher import encrypt_frame
from services.ingest.hj212.encode import encode_frame

from .frames import GOLDEN, HOUR, REALTIME, SET_INTERVAL, reference_frames

KEY = b"0123456789abcdef"


def lines(tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes, *options: str):
    """Exit code and printed lines for a file with these bytes."""
    file = tmp_path / "frames.bin"
    file.write_bytes(data)
    code = main(["decode", str(file), *options])
    return code, capsys.readouterr().out.splitlines()


def test_json_has_a_line_a_frame_and_a_balance(tmp_path, capsys):
    """Head, area, typed message and readings of each frame; every byte accounted."""
    data = REALTIME + SET_INTERVAL + b"\r\n" + HOUR
    code, printed = lines(tmp_path, capsys, data, "--json")

    realtime, command, hour, balance = map(json.loads, printed)
    assert code == 0
    assert realtime["segment"] == {
        "qn": "20160801085857223",
        "st": "32",
        "cn": "2011",
        "pw": "123456",
        "mn": "010000A8900016F000169DC0",
        "flag": 5,
        "pnum": None,
        "pno": None,
        "rf": False,
    }
    assert realtime["area"][1] == [["w01018-Rtd", "40.1"], ["w01018-Flag", "N"]]
    assert realtime["readings"][0] == {
        "code": "w01018",
        "name": "化学需氧量",
        "unit": "mg/L",
        "value": 40.1,
        "flag": "N",
    }
    assert command["message"] == {"type": "RealtimeInterval", "extra": [], "seconds": 30.0}
    assert (command["version"], command["readings"]) == (2017, [])
    assert hour["message"] == {"type": "Upload", "data_time": "2016-08-01T00:00:00+00:00"}
    assert balance == {
        "kind": "balance",
        "bytes": len(data),
        "frames": 3,
        "faults": 0,
        "skipped": 2,
    }


def test_faults_are_named_with_their_place_and_the_code_is_1(tmp_path, capsys):
    """A bad CRC, garbage and a broken segment, each with offset and size."""
    broken = encode_frame(b"QN=1;ST=31;CN=2061;MN=1;CQ=&&a21026-Avg=1&&")
    data = REALTIME.replace(b"4DC0", b"C04D") + b"junk" + broken + HOUR
    code, printed = lines(tmp_path, capsys, data, "--json")

    crc, junk, malformed, _, balance = map(json.loads, printed)
    assert code == 1
    assert (crc["fault"], crc["offset"], crc["size"]) == ("crc", 0, len(REALTIME))
    assert crc["detail"] == "crc_byte_swapped: want 4DC0, got C04D"
    assert (junk["fault"], junk["offset"], junk["size"]) == ("header", len(REALTIME), 4)
    assert (malformed["fault"], malformed["detail"]) == ("malformed", "no CP=&&")
    assert (balance["frames"], balance["faults"], balance["skipped"]) == (1, 3, 0)


def test_sizes_add_up_to_the_bytes_read():
    """The whole reference file in small reads: frames, faults and what lies between."""
    data = b"\r\n".join(data for _, _, data in reference_frames())
    *items, balance = decode(data[start : start + 100] for start in range(0, len(data), 100))

    assert sum(item["size"] for item in items) + balance["skipped"] == len(data)
    assert balance["bytes"] == len(data)
    assert balance["frames"] == sum(item["kind"] == "frame" for item in items)
    assert balance["faults"] == sum(item["kind"] == "fault" for item in items)
    assert {item["fault"] for item in items if item["kind"] == "fault"} <= {
        *("crc", "length", "header", "incomplete", "too_long", "malformed")
    }


def test_old_codes_say_how_they_were_reported():
    """Mercury of 2005 is 020 in mg/L; it comes out as w20111 in ug/L."""
    head = b"ST=32;CN=2011;PW=1;MN=88888880000001;"
    frame, _ = decode([encode_frame(head + b"CP=&&DataTime=20161122110000;020-Rtd=0.012&&")])

    assert frame["version"] == 2005
    assert frame["readings"][0] == {
        "code": "w20111",
        "name": "总汞",
        "unit": "ug/L",
        "value": 12.0,
        "flag": "",
        "reported_code": "020",
        "reported_unit": "mg/L",
        "reported_scale": 1000.0,
    }


def test_table_says_how_an_old_code_was_reported(tmp_path, capsys):
    """The officer sees both codes."""
    head = b"ST=32;CN=2011;PW=1;MN=88888880000001;"
    data = encode_frame(head + b"CP=&&DataTime=20161122110000;011-Rtd=40.1&&")
    _, printed = lines(tmp_path, capsys, data)

    assert printed[2].strip().endswith("value 40.1 mg/L (reported as 011)")


def test_key_opens_encrypted_areas(tmp_path, capsys):
    """With --key the frame reads as the plain one; without, the fault says what is missing."""
    data = encrypt_frame(HOUR, KEY)
    code, printed = lines(tmp_path, capsys, data, "--json", "--key", KEY.hex())
    refused, faults = lines(tmp_path, capsys, data)

    assert code == 0
    assert json.loads(printed[0])["cipher"] == "raw"
    assert json.loads(printed[0])["readings"][1]["value"] == 7.5
    assert refused == 1
    assert "looks encrypted" in faults[1]


@pytest.mark.parametrize("key", ["12", "zz" * 16, "30" * 17])
def test_bad_key_is_bad_usage(key: str, capsys):
    """The message says what a key is."""
    assert main(["decode", "-", "--key", key]) == 2
    assert "is not 32 hex digits" in capsys.readouterr().err


def test_table_is_for_people(tmp_path, capsys):
    """Chinese names, odd values, repairs and the balance in words; no colour in a file."""
    odd = encode_frame(
        b"QN=1;ST=31;CN=2011;MN=1;Flag=4;CP=&&DataTime=20261122110000;a21026-Rtd=---,a21026-Flag=D;"
        b"lng-Rtd=1&&"
    )
    data = odd + b"junk" + REALTIME.replace(b"##0171", b"##171")
    code, printed = lines(tmp_path, capsys, data)

    text = "\n".join(printed)
    assert code == 1
    assert "a21026 二氧化硫" in text
    assert "not a number: value '---'" in text
    assert "2026-11-22 11:00:00" in text
    assert "repaired: length_unpadded" in text
    assert "FAULT header: junk" in text
    assert "w01018 化学需氧量         value 40.1 mg/L N" in text
    assert printed[-1] == f"{len(data)} bytes: 2 frames, 1 faults, 0 bytes between them"
    assert "\x1b" not in text


def test_text_of_a_device_commands_no_terminal(tmp_path, capsys):
    """Escape sequences in a field are shown, not sent."""
    frame = b"ST=31;CN=%b;MN=\x1b[2J;CP=&&DataTime=20160801080000;i11001-Info=\x1b]0x\x07&&"
    data = b"".join(encode_frame(frame % cn) for cn in (b"3020", b"9\x1b[m", b"2061"))
    _, printed = lines(tmp_path, capsys, data + b"\x1b]0x\x07")

    assert "\x1b" not in "\n".join(printed)


def test_standard_input_and_a_missing_file(monkeypatch, capsys, tmp_path):
    """`-` reads the pipe; a file that is not there or is a folder is bad usage."""
    stdin = io.TextIOWrapper(io.BytesIO(REALTIME))
    monkeypatch.setattr(sys, "stdin", stdin)

    assert main(["decode", "-", "--json"]) == 0
    assert main(["decode", "/nonexistent"]) == 2
    assert "/nonexistent" in capsys.readouterr().err
    assert main(["decode", str(tmp_path)]) == 2


def test_pipe_is_shown_while_it_runs():
    """A frame is printed before the writer has closed the pipe."""
    command = [sys.executable, "-m", "farsight", "decode", "--json", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(REALTIME)
        process.stdin.flush()
        first = json.loads(process.stdout.readline())
        process.stdin.close()
        rest = process.stdout.read()

    assert first["size"] == len(REALTIME)
    assert json.loads(rest)["frames"] == 1


def test_memory_does_not_grow_with_the_file():
    """Megabytes of frames, garbage and false headers are decoded within a few hundred kilobytes."""
    part = b"".join(GOLDEN) + b"\xff" * 5000 + b"##0999"
    for _ in decode([part]):  # tables are read once
        pass
    tracemalloc.start()
    size = sum(line.get("bytes", 0) for line in decode(part for _ in range(300)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert size > 1_700_000
    assert peak < 300_000


def test_request_for_history_is_a_message_and_no_broken_upload():
    """CN 2061 from the centre has BeginTime and EndTime in place of DataTime."""
    times = b"BeginTime=20160801080000;EndTime=20160801090000"
    frame, _ = decode([encode_frame(b"QN=1;ST=31;CN=2061;MN=1;Flag=5;CP=&&" + times + b"&&")])

    assert frame["message"] == {
        "type": "Period",
        "extra": [],
        "begin": "2016-08-01T00:00:00+00:00",
        "end": "2016-08-01T01:00:00+00:00",
    }
