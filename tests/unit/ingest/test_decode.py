"""`farsight decode`."""

import io
import json
import sys
from pathlib import Path

import pytest

from farsight.cli import main
from farsight.decode import decode
from services.ingest.hj212.encode import encode_frame

from .frames import HOUR, REALTIME, SET_INTERVAL


def lines(tmp_path: Path, capsys: pytest.CaptureFixture[str], data: bytes, *options: str):
    """Exit code and printed lines for a file with these bytes."""
    file = tmp_path / "frames.bin"
    file.write_bytes(data)
    code = main(["decode", str(file), *options])
    return code, capsys.readouterr().out.splitlines()


def test_json_has_a_line_a_frame_and_a_balance(tmp_path, capsys):
    """Uploads with values, commands with their area, every byte accounted."""
    code, printed = lines(tmp_path, capsys, REALTIME + SET_INTERVAL + b"\r\n" + HOUR, "--json")

    realtime, command, hour, balance = map(json.loads, printed)
    assert code == 0
    assert realtime["factors"][0] == {
        "code": "w01018",
        "name": "化学需氧量",
        "unit": "mg/L",
        "value": 40.1,
        "flag": "N",
    }
    assert (command["what"], command["cn"], command["area"]) == (
        "message",
        "1062",
        "RtdInterval=30",
    )
    assert hour["data_time"] == "2016-08-01T00:00:00+00:00"
    assert balance["bytes"] == len(REALTIME + SET_INTERVAL + HOUR) + 2
    assert (balance["uploads"], balance["messages"], balance["filler_bytes"]) == (2, 1, 2)


def test_faults_are_named_with_their_place_and_the_code_is_1(tmp_path, capsys):
    """A bad CRC, garbage and a broken segment, each with offset and size."""
    broken = encode_frame(b"QN=1;ST=31;CN=2061;MN=1;CQ=&&a21026-Avg=1&&")
    data = REALTIME.replace(b"4DC0", b"4DC1") + b"junk" + broken + HOUR
    code, printed = lines(tmp_path, capsys, data, "--json")

    crc, junk, malformed, _, balance = map(json.loads, printed)
    assert code == 1
    assert (crc["fault"], crc["offset"], crc["size"]) == ("crc", 0, len(REALTIME))
    assert (junk["fault"], junk["offset"], junk["size"]) == ("header", len(REALTIME), 4)
    assert malformed["fault"] == "malformed"
    assert balance["refused"] == {"crc": 1, "header": 1, "malformed": 1}
    assert balance["fault_bytes"] + balance["frame_bytes"] == balance["bytes"] == len(data)


def test_text_is_for_people(tmp_path, capsys):
    """Chinese names, odd values and the balance in words."""
    odd = encode_frame(
        b"QN=1;ST=31;CN=2011;MN=1;Flag=4;CP=&&DataTime=20261122110000;a21026-Rtd=---,a21026-Flag=D;"
        b"lng-Rtd=1&&"
    )
    code, printed = lines(tmp_path, capsys, odd + b"junk")

    text = "\n".join(printed)
    assert code == 1
    assert "a21026 二氧化硫: value '---' is no number mg/m3 D" in text
    assert "lng unknown code: value 1" in text
    assert "FAULT header: junk" in text
    assert printed[-1].endswith("1 uploads, 0 other messages, refused: header 1")


def test_standard_input_and_a_missing_file(monkeypatch, capsys):
    """`-` reads the pipe; a file that is not there is bad usage."""
    stdin = io.TextIOWrapper(io.BytesIO(REALTIME))
    monkeypatch.setattr(sys, "stdin", stdin)

    assert main(["decode", "-", "--json"]) == 0
    assert main(["decode", "/nonexistent"]) == 2
    assert "/nonexistent" in capsys.readouterr().err


def test_request_for_history_is_a_message_and_no_broken_upload():
    """CN 2061 from the centre has BeginTime and EndTime in place of DataTime."""
    data = encode_frame(b"QN=1;ST=31;CN=2061;MN=1;Flag=5;CP=&&BeginTime=1;EndTime=2&&")

    assert [line["what"] for line in decode([data])] == ["message", "balance"]
