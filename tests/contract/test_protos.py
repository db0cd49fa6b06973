"""The contract grows only, and the generated code is what it says."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tools import check_comments, check_generated

ROOT = Path(__file__).resolve().parents[2]
BASELINE = ROOT / "protos" / "baseline.binpb"


@pytest.fixture
def protos(tmp_path: Path) -> Path:
    """A copy of protos that a test may spoil."""
    return shutil.copytree(ROOT / "protos", tmp_path / "protos")


def breaking(protos: Path) -> subprocess.CompletedProcess[str]:
    """Run the check of tools/check.sh against the committed baseline."""
    command = ["buf", "breaking", str(protos), "--against", str(BASELINE)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def edit(protos: Path, service: str, old: str, new: str) -> None:
    """Replace a text that must stand in the service's proto."""
    path = protos / "farsight" / service / "v1" / f"{service}.proto"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_today_breaks_nothing(protos: Path) -> None:
    """The protos as committed are compatible with the baseline."""
    done = breaking(protos)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("service", "old", "new", "complaint"),
    [
        ("cases", "string actor_id = 3;", "", "actor_id"),
        ("cases", "string actor_id = 3;", "bytes actor_id = 3;", "type"),
        ("cases", "string actor_id = 3;", "string actor = 3;", "name"),
        ("detect", "uint64 revision = 2;", "uint64 revision = 92;", "revision"),
        ("ingest", "  READING_KIND_DAY = 4;", "  READING_KIND_DAY = 5;", "READING_KIND_DAY"),
    ],
    ids=["deleted", "retyped", "renamed", "renumbered", "enum renumbered"],
)
def test_a_break_is_refused(protos: Path, service: str, old: str, new: str, complaint: str) -> None:
    """Whatever old bytes or old JSON could not survive is named and fails."""
    edit(protos, service, old, new)

    done = breaking(protos)

    assert done.returncode == 100, done.stdout + done.stderr
    assert complaint in done.stdout


def test_growing_is_allowed(protos: Path) -> None:
    """A new field at the end is what v1 may do."""
    edit(protos, "cases", "string actor_id = 3;", "string actor_id = 3;\n  string actor_seal = 90;")

    assert breaking(protos).returncode == 0


def test_everything_in_the_contract_is_explained() -> None:
    """Every message, field, enum value and method has a comment."""
    assert check_comments.main(ROOT / "protos") == 0


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("message Bare {\n  string a = 1; // said\n}\n", "Bare"),
        ("// Said.\nmessage Known {\n  string a = 1;\n}\n", "Known.a"),
        ("// Said.\nenum Kind {\n  KIND_UNSPECIFIED = 0;\n}\n", "Kind.KIND_UNSPECIFIED"),
    ],
)
def test_an_unexplained_element_is_named(
    protos: Path, capsys: pytest.CaptureFixture[str], text: str, name: str
) -> None:
    """One element without a comment is found among hundreds."""
    with (protos / "farsight" / "notify" / "v1" / "notify.proto").open("a") as file:
        file.write(text)

    status = check_comments.main(protos)

    assert status == 1
    assert f"notify.proto: {name} has no comment" in capsys.readouterr().out


def test_generated_code_is_fresh() -> None:
    """What is committed is what protos make today."""
    assert check_generated.main(ROOT / "services" / "chassis" / "pb") == 0


def test_stale_code_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An edited, a missing and a left-over file are each named."""
    committed = shutil.copytree(ROOT / "services" / "chassis" / "pb", tmp_path / "pb")
    (committed / "cases" / "v1" / "cases_pb2.py").open("a").write("# by hand\n")
    (committed / "notify" / "v1" / "notify_pb2.pyi").unlink()
    (committed / "gone_pb2.py").write_text("")

    status = check_generated.main(committed)

    assert status == 1
    told = capsys.readouterr().out
    for name in ("cases/v1/cases_pb2.py", "notify/v1/notify_pb2.pyi", "gone_pb2.py"):
        assert f"{name}: stale" in told
