"""The arrows between the rooms hold, and the checks that say so can fail."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tools import check_structure

ROOT = Path(__file__).resolve().parents[2]


def write(root: Path, name: str, text: str) -> None:
    """Write a file of a small tree."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_the_tree_keeps_its_lengths_and_its_pure_code() -> None:
    """The whole repository passes."""
    assert check_structure.main(ROOT) == 0


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        (
            "services/cases/domain/due.py",
            "import datetime\nNOW = datetime.datetime.now()\n",
            "due.py:2: pure code calls datetime.datetime.now",
        ),
        (
            "services/detect/kernels/noise.py",
            "import os\nSEED = os.environ['SEED']\n",
            "noise.py:2: pure code reads os.environ",
        ),
        (
            "services/ingest/hj212/wire.py",
            "def read(path: str) -> bytes:\n    return open(path, 'rb').read()\n",
            "wire.py:2: pure code calls open",
        ),
        ("services/cases/app/long.py", "\n" * 501, "long.py:1: 501 lines"),
        (
            "services/cases/app/open_case.py",
            "def f() -> None:\n" + "    x = 1\n" * 41,
            "open_case.py:1: f has 41 lines",
        ),
        (
            "tests/unit/test_long.py",
            "def test() -> None:\n" + "    x = 1\n" * 61,
            "test_long.py:1: test has 61 lines",
        ),
    ],
    ids=["clock", "environment", "file", "long file", "long function", "long test"],
)
def test_a_breach_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, complaint: str
) -> None:
    """Each kind of breach is found in a tree that has nothing else."""
    write(tmp_path, name, text)

    status = check_structure.main(tmp_path)

    assert status == 1
    assert complaint in capsys.readouterr().out


def test_what_is_allowed_is_not_named(tmp_path: Path) -> None:
    """Shell code may look at the clock; pure code may take a moment as an argument."""
    write(tmp_path, "services/cases/app/a.py", "import time\nNOW = time.time()\n")
    write(
        tmp_path,
        "services/cases/domain/b.py",
        "import datetime\n\n\ndef later(now: datetime.datetime) -> datetime.datetime:\n"
        "    return now.replace(hour=0)\n",
    )

    write(tmp_path, "services/cases/migrations/0001.py", "def up():\n" + "    x = 1\n" * 90)
    inner = "    def h():\n" + "        x = 1\n" * 30
    write(tmp_path, "services/cases/app/c.py", "def f():\n" + inner * 2 + "    return h\n")

    assert check_structure.main(tmp_path) == 0


@pytest.fixture(scope="module")
def copied_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our packages and contracts in a folder that may be spoilt."""
    root = tmp_path_factory.mktemp("tree")
    for package in ("services", "farsight"):
        shutil.copytree(ROOT / package, root / package, ignore=only_python)
    shutil.copy(ROOT / ".importlinter", root)
    return root


def only_python(folder: str, names: list[str]) -> list[str]:
    """Leave out data: the import graph needs none."""
    return [n for n in names if not n.endswith(".py") and not Path(folder, n).is_dir()]


def lint_imports(root: Path) -> subprocess.CompletedProcess[str]:
    """Run the contracts over a tree."""
    return subprocess.run(
        ["lint-imports", "--no-logo", "--no-cache"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_contracts_hold(copied_tree: Path) -> None:
    """Every contract of .importlinter is kept."""
    done = lint_imports(copied_tree)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("services/cases/domain/x.py", "import sqlalchemy", "do no I/O"),
        ("services/ingest/hj212/x.py", "import socket", "do no I/O"),
        ("services/detect/kernels/x.py", "import structlog", "know no wire format"),
        ("services/cases/app/x.py", "import services.detect.domain", "No service imports"),
        ("services/chassis/x.py", "import services.cases.domain", "The chassis knows"),
        ("services/notify/domain/x.py", "import services.chassis.outbox", "do no I/O"),
        ("services/cases/store.py", "import services.cases.app", "arrows point inwards"),
        ("services/registry/door.py", "import nameko", "No door and no gate"),
        ("services/detect/service.py", "import grpc", "No nameko process"),
        ("services/console/x.py", "import psycopg", "The console has no store"),
    ],
)
def test_a_wrong_import_breaks_its_contract(
    copied_tree: Path, module: str, line: str, contract: str
) -> None:
    """One added import turns exactly the contract that forbids it."""
    path = copied_tree / module
    before = path.read_text(encoding="utf-8") if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n", encoding="utf-8")

    done = lint_imports(copied_tree)

    path.write_text(before, encoding="utf-8") if before is not None else path.unlink()
    broken = [text for text in done.stdout.splitlines() if text.endswith("BROKEN")]
    assert done.returncode == 1
    assert [contract in text for text in broken] == [True], done.stdout
