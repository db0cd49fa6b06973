"""规则包差异 and the command `farsight rules` on files: what a reader of a change is told."""

import json
from importlib import resources

import pytest

from farsight import cli
from services.detect.packs.diff import ADDED, CHANGED, REMOVED, differences
from services.detect.packs.load import load_pack
from tests.unit.detect.pack_scene import BASE


def _changed(**texts: tuple[str, str]):
    """The shipped pack with one text replaced in each named file."""
    files = dict(BASE.files)
    for name, (old, new) in texts.items():
        file = {"rule": "rules/silence.yaml", "limits": "limits.csv"}.get(name, f"{name}.yaml")
        assert old in files[file].decode()
        files[file] = files[file].decode().replace(old, new, 1).encode()
    return load_pack(files)


def test_a_pack_does_not_differ_from_itself_however_it_is_written():
    """The order of rows and comments are no differences."""
    lines = BASE.files["limits.csv"].decode().splitlines()
    files = dict(BASE.files) | {"limits.csv": "\n".join([lines[0], *lines[:0:-1]]).encode()}
    files["rates.yaml"] += b"# another comment\n"

    assert differences(BASE, BASE) == ()
    assert differences(BASE, load_pack(files)) == ()


def test_each_change_names_part_row_field_before_and_after():
    """A cap, a rule's parameter and the version."""
    new = _changed(
        pools=("cap_hours: 60", "cap_hours: 72"),
        rule=("warning_h: 2", "warning_h: 3"),
        pack=('"2026-11-22.2"', '"2027"'),
    )

    told = {
        (one.part, one.key, field.field, field.before, field.after)
        for one in differences(BASE, new)
        for field in one.fields
        if one.change == CHANGED
    }
    assert told == {
        ("pools.yaml", "mswi_a", "cap_hours", "60", "72"),
        ("rules", "silence 1", "parameters.warning_h", "2", "3"),
        ("pack.yaml", "base", "version", "2026-11-22.2", "2027"),
    }


def test_rows_that_come_and_go_are_told_and_the_way_back_is_the_mirror():
    """Added and removed change places, before and after too."""
    line = BASE.files["limits.csv"].decode().splitlines()[1]
    new = _changed(limits=(f"{line}\n", ""))

    (gone,) = differences(BASE, new)
    (come,) = differences(new, BASE)

    assert (gone.part, gone.key, gone.change) == (
        "limits.csv", "GB13223/1/coal-boiler/a34013/h", REMOVED,
    )  # fmt: skip
    assert come.change == ADDED
    assert [(f.field, f.before) for f in gone.fields] == [(f.field, f.after) for f in come.fields]
    assert ("upper", "30") in [(f.field, f.before) for f in gone.fields]


@pytest.fixture
def folder(tmp_path):
    """The shipped pack in a folder, by the command itself."""
    assert cli.main(["rules", "export", "base", str(tmp_path / "own")]) == 0
    return tmp_path / "own"


def test_an_exported_pack_lints_and_does_not_differ(folder, capsys):
    """What is exported is what is shipped, and is never written over."""
    capsys.readouterr()
    assert cli.main(["rules", "lint", str(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["sha256"] == BASE.sha256.hex()
    assert told["rows"]["limits.csv"] == len(BASE.standards)
    assert cli.main(["rules", "diff", "base", str(folder)]) == 0
    assert capsys.readouterr().out.strip() == "no difference"
    assert cli.main(["rules", "export", "base", str(folder)]) == 1
    assert "is there already" in capsys.readouterr().err


def test_lint_tells_all_faulty_rows_and_ends_with_one(folder, capsys):
    """Each line has file, row, field, fault and remedy."""
    pools = folder / "pools.yaml"
    pools.write_text(pools.read_text("utf-8").replace("cap_hours: 60", "cap_hours: x"), "utf-8")
    capsys.readouterr()

    assert cli.main(["rules", "lint", str(folder)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in lines] == ["pools.yaml", "pools.yaml"]
    assert "row 1 (mswi_a), field cap_hours" in lines[0]
    assert cli.main(["rules", "lint", str(folder), "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)["faults"]) == 2


def test_lint_reads_triggers_as_cases_will(folder, capsys):
    """A table that cases would refuse after activation is refused before it is proposed."""
    shipped = resources.files("services.cases.data").joinpath("triggers.yaml").read_text("utf-8")
    (folder / "triggers.yaml").write_text(shipped, "utf-8")
    assert cli.main(["rules", "lint", str(folder)]) == 0
    (folder / "triggers.yaml").write_text("version: 1\n", "utf-8")
    capsys.readouterr()

    assert cli.main(["rules", "lint", str(folder)]) == 1
    assert capsys.readouterr().err.startswith("triggers.yaml: ")


def test_show_says_which_limit_applies_and_why(capsys):
    """An outlet thought of: limit, basis, source, reason; validity and warnings beside it."""
    words = ["--process", "coal boiler", "--industry", "4412", "--factor", "a21026"]
    assert cli.main(["rules", "show", *words, "--trait", "region=key", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["factors"]["a21026 二氧化硫"]
    assert [(one["bounds"], one["basis"], one["source"]) for one in found["limits"]] == [
        ("50", "industry", "GB 13223-2011 表2"),
        ("35", "policy", "环发〔2015〕164号"),
    ]
    assert "特别排放限值" in found["limits"][0]["why"]
    assert found["validity"]["key"] == "air"
    assert cli.main(["rules", "show", *words]) == 0
    assert "hourly 200 mg/m3 at 6% O2" in capsys.readouterr().out


def test_show_prints_a_part_and_refuses_another(capsys):
    """A table by its file's name; a name that is none says what may be asked."""
    assert cli.main(["rules", "show", "pools", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(BASE.pools)
    assert cli.main(["rules", "show", "pool"]) == 1
    assert "pools.yaml" in capsys.readouterr().err
