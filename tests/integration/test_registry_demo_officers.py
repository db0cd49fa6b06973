"""The scripted officers at the real doors of registry, cases and referral."""

import argparse
import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from farsight.lab import officers
from farsight.lab.province import read_rows
from farsight.lab.script import read_cast, read_script
from services.cases import registry_copy
from services.cases.app.handle_clue import handle_clue
from services.cases.app.handle_finding import handle_finding
from services.chassis.clock import to_timestamp, utc_now
from services.chassis.db import Database
from services.chassis.pb.cases.v1 import cases_pb2 as cases
from services.chassis.pb.cases.v1 import cases_pb2_grpc as cases_grpc
from services.chassis.pb.detect.v1 import detect_pb2 as detect
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.replica import apply_records
from tests.integration.registry_rig import Door, seeded_door

HOUR = dt.timedelta(hours=1)


def story(name: str) -> dict[str, str]:
    """A row of the demo's stories."""
    return next(r for r in read_rows("scenarios", officers_demo()) if r["name"] == name)


def officers_demo() -> Path:
    """The demo's folder."""
    return Path(officers.__file__).parent.parent / "demo"


def finding(name: str, rule: str, hours: int, factor: str) -> detect.Finding:
    """A closed finding of a story's outlet that ended an hour ago."""
    end = utc_now().replace(minute=0, second=0, microsecond=0) - HOUR
    return detect.Finding(
        finding_id=f"f-{name}-{factor}",
        revision=1,
        outlet_id=story(name)["outlet_id"],
        rule_id=rule,
        rule_version="1",
        factors=[factor],
        start=to_timestamp(end - hours * HOUR),
        end=to_timestamp(end),
        state=detect.FINDING_STATE_CLOSED,
        statistic=130,
        threshold=100,
        unit="mg/m3",
        seen="一氧化碳小时均值超过限值",
        count=hours,
        count_today=hours,
        count_7_days=hours,
        division=next(
            r["division"]
            for r in read_rows("outlets")
            if r["outlet_id"] == story(name)["outlet_id"]
        ),
    )


class Scene:
    """The doors, the database of cases, and somebody who looks at a county's matters."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.database = Database(door.database_url, "cases")

    def happen(self) -> None:
        """What detect would tell: two exceedances at two plants, and a bottle."""
        clue = detect.Clue(
            clue_id="c-bottle",
            revision=1,
            outlet_id=story("bottle")["outlet_id"],
            factors=["w01018", "w21003"],
            pattern="sample_bottle",
            reason="两项因子同步失去波动",
        )
        for factor in clue.factors:
            part = finding("bottle", "low_variance", 80, factor)
            clue.findings.append(part)
            clue.finding_ids.append(part.finding_id)
        with self.database.transaction() as session:
            for name, factor in (("furnace-hourly", "a21005"), ("power-hourly", "a21002")):
                handle_finding(session, finding(name, "hourly_exceedance", 6, factor), utc_now())
            handle_clue(session, clue, utc_now())

    def play(self) -> int:
        """`farsight demo-officers` until nothing has happened for a while."""
        parser = argparse.ArgumentParser()
        officers.add_arguments(parser)
        pace = ["--pause", "0.05", "--rest", "0.2", "--until-idle", "1.5"]
        return officers.run(parser.parse_args(["--door", self.door.address, *pace]))

    def matter(self, name: str, user: str) -> cases.Matter:
        """The matter at a story's outlet, as a user sees it, with its timeline."""
        client = self.door.client(user)
        stub = cases_grpc.CaseServiceStub(client.channel)
        request = cases.ListMattersRequest(outlet_id=story(name)["outlet_id"])
        (head,) = client.call(stub.ListMatters, request).matters
        asked = cases.GetMatterRequest(matter_id=head.matter_id)
        return client.call(stub.GetMatter, asked).matter


@contextmanager
def scene(database_url: str, folder: Path) -> Iterator[Scene]:
    """The running doors with a copy of the registry in cases."""
    with seeded_door(database_url, folder, "registry", "cases", "referral") as door:
        place = Scene(door)
        pages = door.stub.Snapshot(registry.SnapshotRequest(), metadata=door.operator.metadata())
        with place.database.transaction() as session:
            for page in pages:
                apply_records(session, page.records, registry_copy.KINDS)
        yield place


def test_the_script_does_the_checks_and_leaves_the_rest_to_people(
    migrated_db: Callable[..., str], tmp_path: Path
) -> None:
    """One order to its closing, the clue to the approved referral, the other order untouched.

    Every act is marked as scripted, four eyes are kept, and playing again changes nothing.
    """
    with scene(migrated_db("registry", "cases", "referral"), tmp_path) as place:
        place.happen()

        assert place.play() == 0

        order = place.matter("furnace-hourly", "officer1.130400")
        case = place.matter("bottle", "officer1.130400")
        untouched = place.matter("power-hourly", "officer1.130400")
        acts = [event for event in case.timeline if event.actor_role != "system"]
        assert order.state == "closed"
        assert case.state == "referral_approved"
        assert [event.act for event in acts] == [
            "verify",
            "file_case",
            "finish_investigation",
            "review_technical",
            "review_legal",
            "request_referral",
            "approve_referral",
        ]
        assert all(event.scripted for event in acts)
        investigators = {acts[0].actor_id, acts[0].fields["officer_2"]}
        assert investigators.isdisjoint({acts[3].actor_id, acts[4].actor_id})
        assert [e.act for e in untouched.timeline if e.actor_role != "system"] == []

        versions = (order.version, case.version)
        assert place.play() == 0
        assert versions == tuple(
            place.matter(name, "officer1.130400").version for name in ("furnace-hourly", "bottle")
        )


def test_the_script_names_persons_and_fields_that_exist() -> None:
    """Every part is played by a scripted account, and every blank can be filled."""
    cast, script = read_cast(read_rows("accounts")), read_script()
    values = cast.values("130481", "2026-11-22")

    for (kind, _), step in script.steps.items():
        assert step.who == "enterprise" or ("130481", step.who) in cast.users, (kind, step)
        assert all("{" not in text for text in step.filled(values).values())
    assert cast.plants


def test_a_script_with_an_unknown_key_is_refused(tmp_path: Path) -> None:
    """A typing mistake is told with its place."""
    path = tmp_path / "script.yaml"
    path.write_text("items: [silence]\norder:\n  issued: {who: leader, act: close, wen: now}\n")

    with pytest.raises(ValueError, match="order issued"):
        read_script(path)
