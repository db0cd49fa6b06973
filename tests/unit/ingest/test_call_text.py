"""`farsight call`: what is asked from words, and what people read."""

import argparse
from datetime import datetime

import pytest

from farsight import call
from farsight.account import password_of
from farsight.call_text import command_line, step_lines, summary
from farsight.cli import main
from services.chassis.clock import BEIJING
from services.chassis.errors import InputRejected, Unauthenticated
from services.chassis.pb.ingest.v1 import callback_pb2 as pb
from services.chassis.pb.ingest.v1 import command_pb2
from services.ingest.command_kinds import kinds_of
from services.ingest.hj212.version import Version


def parsed(*arguments: str) -> argparse.Namespace:
    """Arguments as the command gets them."""
    parser = argparse.ArgumentParser()
    call.add_arguments(parser)
    return parser.parse_args(arguments)


def test_a_period_is_beijing_time_in_the_standards_form() -> None:
    """--from and --to without a zone are Beijing time, whatever this machine's zone is."""
    args = parsed("DA001", "minutes", "--from", "2026-11-22 08:00", "--to", "2026-11-22T01:00Z")

    assert dict(call._fields(args, None)) == {
        "BeginTime": "20261122080000",
        "EndTime": "20261122090000",
    }


def test_fields_are_given_by_name() -> None:
    """NAME=VALUE goes through as it is; a word without a value is refused."""
    args = parsed("DA001", "info", "PolId=w01018", "InfoId=i13001")
    assert dict(call._fields(args, None)) == {"PolId": "w01018", "InfoId": "i13001"}
    with pytest.raises(InputRejected, match="NAME=VALUE"):
        dict(call._fields(parsed("DA001", "info", "w01018"), None))


def test_a_clock_is_set_to_now_unless_said() -> None:
    """1012 without SystemTime means the present moment."""
    kind = next(one for one in kinds_of(Version.V2017) if one.cn == "1012")

    now = dict(call._fields(parsed("DA001", "set-time"), kind))["SystemTime"]
    said = dict(call._fields(parsed("DA001", "set-time", "SystemTime=20260101000000"), kind))

    moment = datetime.strptime(now, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    assert abs((datetime.now(BEIJING) - moment).total_seconds()) < 60
    assert said == {"SystemTime": "20260101000000"}


def test_steps_show_time_elapsed_code_and_answer() -> None:
    """What an officer reads on the terminal."""
    field = pb.AnswerField(name="i13001-Info", value="100", title_zh="测量量程", unit="mg/L")
    answer = pb.CommandStep(
        number=3, kind=command_pb2.COMMAND_STEP_KIND_ANSWER, elapsed_ms=1234, fields=[field] * 9
    )
    answer.at.FromJsonString("2026-11-22T00:00:01.234Z")
    result = pb.CommandStep(
        number=4, kind=command_pb2.COMMAND_STEP_KIND_RESULT, elapsed_ms=2000, detail="1 success",
        detail_zh="1 执行成功",
    )  # fmt: skip
    lines = step_lines([answer, result])

    assert lines[0] == "  08:00:01.234    1.234 s  answer"
    assert lines[1] == "      测量量程 i13001-Info = 100 mg/L"
    assert lines[9] == "      and 1 more"
    assert lines[10].endswith("result       1 success 执行成功")


def test_a_lost_command_says_so() -> None:
    """FAILED with an unknown fate is no plain failure."""
    command = pb.Command(
        state=command_pb2.COMMAND_STATE_FAILED, fate_unknown=True, outcome="the gate is gone"
    )

    assert "fate unknown" in command_line(command)
    assert summary(pb.GetCommandResponse(command=command)).startswith("failed, fate unknown: the")


def test_a_password_is_no_argument(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set, the installation's for its operator, or refused where nobody can be asked."""
    monkeypatch.delenv("FARSIGHT_PASSWORD", raising=False)
    assert password_of("operator", {"FARSIGHT_BOOTSTRAP_PASSWORD": "p"}) == "p"
    monkeypatch.setattr("sys.stdin", open("/dev/null"))  # noqa: PTH123, SIM115
    with pytest.raises(Unauthenticated, match="FARSIGHT_PASSWORD"):
        password_of("officer", {"FARSIGHT_BOOTSTRAP_PASSWORD": "p"})
    monkeypatch.setenv("FARSIGHT_PASSWORD", "q")
    assert password_of("officer", {}) == "q"


def test_bad_usage_ends_with_2(tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two modes at once are refused by the parser; no door at all is a problem, not a hang."""
    with pytest.raises(SystemExit) as ended:
        main(["call", "--list", "--kinds"])
    assert ended.value.code == 2
    assert main(["call", "--list", "--door", "127.0.0.1:9", "--data", str(tmp_path / "no")]) == 1
    assert "farsight call:" in capsys.readouterr().err
