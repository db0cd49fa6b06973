"""`farsight rules` at real doors: a pack change from lint to roll-back, as two people type it."""

import hashlib
import json

import pytest

from farsight import cli
from services.chassis.clock import utc_now
from services.chassis.db import Database
from services.detect.app.propose_pack import record_shipped
from services.detect.packs.load import shipped_pack
from tests.integration.registry_rig import DEMO_PASSWORD, OPERATOR_PASSWORD, seeded_door

OUTLET = "91130481FARX00013L-DA001"
LEADER, OPERATOR = "leader.130000", "operator"
PASSWORDS = {LEADER: DEMO_PASSWORD, OPERATOR: OPERATOR_PASSWORD}


@pytest.fixture(scope="module")
def door(migrated_db, tmp_path_factory):
    """Registry and detect with the demo province, after the first start of detect."""
    url, folder = migrated_db("registry", "detect"), tmp_path_factory.mktemp("rules_cli")
    database = Database(url, "detect")
    with database.transaction() as session:
        record_shipped(session, utc_now())
    database.engine.dispose()
    with seeded_door(url, folder, "registry", "detect") as running:
        yield running


@pytest.fixture
def typed(door, monkeypatch, capsys, tmp_path):
    """Type a command as somebody; gives exit code and what was printed."""

    def run(who: str, *words: str) -> tuple[int, str]:
        monkeypatch.setenv("FARSIGHT_PASSWORD", PASSWORDS[who])
        account = ("--door", door.address, "--user", who, "--data", str(tmp_path / "none"))
        capsys.readouterr()
        code = cli.main(["rules", *words, *account])
        told = capsys.readouterr()
        return code, told.out + told.err

    return run


@pytest.fixture
def history(tmp_path):
    """Two days of one boiler, the second above the new pack's warning share but not the old's."""
    folder = tmp_path / "history"
    folder.mkdir()
    plant, _, code = OUTLET.partition("-")
    (folder / "enterprises.csv").write_text(
        f"credit_code,name,division,industry\n{plant},厂,130481,4412\n", "utf-8"
    )
    (folder / "outlets.csv").write_text(
        "outlet_id,credit_code,code,name,medium,process,factors,ref_o2_percent,division\n"
        f"{OUTLET},{plant},{code},一号,air,coal boiler,a21026,0,130481\n", "utf-8",
    )  # fmt: skip
    (folder / "limits.csv").write_text(
        "limit_id,outlet_id,factor,averaging,upper,unit,source,valid_from\n"
        f"L,{OUTLET},a21026,hourly,100,mg/m3,许可证,2022-01-01\n", "utf-8",
    )  # fmt: skip
    hours = [f"{OUTLET},2026-11-{20 + h // 24} {h % 24:02d}:00,{40 + h % 7},N" for h in range(48)]
    (folder / "readings.csv").write_text(
        "\n".join(["outlet_id,data_time,a21026,a21026.flag", *hours]) + "\n", "utf-8"
    )
    return folder


def test_a_pack_change_from_lint_to_roll_back(typed, tmp_path, history):
    """Export, change, lint, diff, propose with a report, approve by another, roll back."""
    own = tmp_path / "own"
    assert cli.main(["rules", "export", "base", str(own)]) == 0
    head = own / "pack.yaml"
    head.write_text(head.read_text("utf-8").replace('"2026-11-22.2"', '"2"'), "utf-8")
    warnings = own / "warnings.yaml"
    warnings.write_text(
        warnings.read_text("utf-8").replace("share: 0.9\n", "share: 0.4\n"), "utf-8"
    )
    past = ("--history", str(history), "--from", "2026-11-21", "--to", "2026-11-21", "--json")

    shipped = f"base@{shipped_pack().version}"
    code, told = typed(LEADER, "diff", shipped, str(own))
    assert (code, "near_share: 0.9 -> 0.4" in told) == (0, True)
    wish = ("--applies-from", "2026-12-01", "--reason", "冀环办〔2026〕1号")
    code, told = typed(LEADER, "propose", str(own), *wish, *past)
    assert code == 0, told
    proposal = json.loads(told[told.index("{") :])["proposal_id"]
    kept = tmp_path / "report.json"
    code, told = typed(OPERATOR, "activate-status", proposal, "--report", str(kept))
    digest = hashlib.sha256(kept.read_bytes()).hexdigest()
    assert (code, digest in told) == (0, True)
    report = json.loads(kept.read_bytes())
    assert report["new"]["sha256"] != report["old"]["sha256"] == shipped_pack().sha256.hex()

    assert typed(LEADER, "approve", proposal, "--read", digest)[0] == 1
    assert typed(OPERATOR, "approve", proposal, "--read", "0" * 64)[0] == 1
    code, told = typed(OPERATOR, "approve", proposal, "--read", digest[:12])
    assert (code, "approved" in told) == (0, True)
    assert "from 2026-12-01  base@2" in typed(LEADER, "timeline")[1]

    back = ("rollback", shipped, "--applies-from", "2026-12-01", "--reason", "有误")
    code, told = typed(OPERATOR, *back, "--report", str(kept), "--json")
    assert code == 1, "a report about another pack is none"
    code, told = typed(OPERATOR, *back, *past)
    assert code == 0, told
    second = json.loads(told[told.index("{") :])
    kept_digest = second["proposal_id"]
    assert "open" in typed(LEADER, "list")[1]
    code, told = typed(LEADER, "activate-status", kept_digest, "--report", str(kept))
    digest = hashlib.sha256(kept.read_bytes()).hexdigest()
    assert typed(LEADER, "approve", kept_digest, "--read", digest)[0] == 0
    in_force = typed(LEADER, "timeline")[1].partition("decisions")[0]
    assert f"from 2026-12-01  {shipped}" in in_force
    assert "base@2\n" not in in_force


def test_show_explains_a_registered_outlet(typed):
    """Its permit, the standard it was compared with, and the policy value that only warns."""
    code, told = typed(OPERATOR, "show", "--outlet", OUTLET, "--factor", "a21026", "--json")
    found = json.loads(told)["factors"]["a21026 二氧化硫"]

    assert code == 0
    assert [(one["bounds"], one["basis"]) for one in found["limits"]] == [
        ("50", "permit"), ("35", "policy"),
    ]  # fmt: skip
    assert "GB 13223-2011 表2" in found["limits"][0]["why"]
    assert {row["key"] for row in found["marks"]} >= {"tp_ty", "dev_maint"}
