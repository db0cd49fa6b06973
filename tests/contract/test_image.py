"""The Dockerfile names only what exists. No container engine is needed, and none is replaced."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import check_image

ROOT = Path(__file__).resolve().parents[2]
STAGES = check_image.parse((ROOT / "Dockerfile").read_text(encoding="utf-8"))
COMMANDS = {stage.name: stage.command for stage in STAGES if stage.command}


def test_the_dockerfile_passes() -> None:
    """Paths, stages, user and commands of the real file."""
    assert check_image.main(ROOT) == 0


def test_every_process_has_a_target() -> None:
    """One target a process of the platform, and no other that starts something."""
    services = {"registry", "ingest", "detect", "cases", "referral", "notify"}

    assert set(COMMANDS) == {"gate", "doors", "console", "migrate", *services}


@pytest.fixture(scope="module")
def image_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What COPY puts into the image, and nothing else of the tree."""
    root = tmp_path_factory.mktemp("image")
    for stage in STAGES:
        for source in stage.copies:
            if (ROOT / source).is_dir():
                skip = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, root / source, ignore=skip)
    return root


@pytest.mark.parametrize("target", sorted(COMMANDS))
def test_what_a_target_starts_can_be_imported(image_root: Path, target: str) -> None:
    """The command's module and the services it names import from what the image holds."""
    _, _, module, *arguments = COMMANDS[target]
    names = [module]
    if module == "services.chassis.host":
        names += [f"services.{name}.service" for name in arguments]
    if module == "services.chassis.doors":
        names += [f"services.{name}.door" for name in arguments]
    code = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    print(importlib.import_module(name).__file__)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, *names],
        cwd=image_root,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(image_root)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert all(Path(line).is_relative_to(image_root) for line in done.stdout.split())


GOOD = """\
FROM ${BASE} AS code
COPY services /srv/services
USER 10001:10001
FROM code AS gate
CMD ["python", "-m", "services.gate"]
"""


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("", "", ""),
        ("COPY services", "COPY sources", "copies sources, which does not exist"),
        ("COPY services", "COPY protos", "which .dockerignore keeps out"),
        ("USER 10001:10001", "USER root", "runs as root"),
        ("FROM code AS gate", "FROM cod AS gate", "builds on cod"),
        ("services.gate", "services.door", "starts services.door, which does not exist"),
    ],
    ids=["good", "missing", "ignored", "root", "unknown stage", "unknown module"],
)
def test_a_wrong_dockerfile_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, complaint: str
) -> None:
    """Each fault is found in a file that is good without it."""
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "gate.py").write_text("")
    (tmp_path / "protos").mkdir()
    (tmp_path / ".dockerignore").write_text("*\n!services\n")
    (tmp_path / "Dockerfile").write_text(GOOD.replace(old, new))

    status = check_image.main(tmp_path)

    assert status == (1 if complaint else 0)
    assert complaint in capsys.readouterr().out
