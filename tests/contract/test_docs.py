"""What the documents name exists, and a wrong name is found."""

from pathlib import Path

import pytest

from tools import check_docs

ROOT = Path(__file__).resolve().parents[2]


def test_the_documents_name_only_what_exists() -> None:
    """Links, paths, commands, Make targets and settings of every Markdown file."""
    assert check_docs.main(ROOT) == 0


def test_a_setting_that_nobody_described_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new setting is not finished before docs/settings.md has it."""
    (tmp_path / "services").mkdir()
    (tmp_path / "services" / "settings.py").write_text('env.get("FARSIGHT_SPEED", "")\n')

    status = check_docs.main(tmp_path)

    assert status == 1
    assert "FARSIGHT_SPEED is read and not described" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("See [it](other.md#the-two-words), run `farsight up --demo`, `make run`.", ""),
        ("See [it](gone.md).", "link to gone.md: no such file"),
        ("See [it](other.md#three).", "link to other.md#three: no such heading"),
        ("Run `farsight fly`.", "no command farsight fly"),
        ("Run `farsight up --fast`.", "farsight up has no option --fast"),
        ("    make coffee", "no target make coffee"),
        ("Set `FARSIGHT_SPEED`.", "no code reads FARSIGHT_SPEED"),
        ("In `services/gone/door.py`.", "services/gone/door.py does not exist"),
    ],
    ids=["good", "file", "heading", "command", "option", "target", "setting", "path"],
)
def test_a_wrong_name_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, complaint: str
) -> None:
    """Each kind of name, in a tree with one command and one target."""
    (tmp_path / "farsight").mkdir()
    (tmp_path / "farsight" / "cli.py").write_text('T = {"up": Command("farsight.up", "start")}\n')
    (tmp_path / "farsight" / "up.py").write_text('parser.add_argument("--demo")\n')
    (tmp_path / "Makefile").write_text("run: ## start\n\ttrue\n")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "other.md").write_text("# The two words\n")
    (tmp_path / "docs" / "page.md").write_text(text + "\n")

    status = check_docs.main(tmp_path)

    assert status == (1 if complaint else 0)
    assert complaint in capsys.readouterr().out
