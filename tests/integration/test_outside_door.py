"""The door of outside clues over real gRPC and PostgreSQL: who sees what, and a decision."""

import asyncio
import threading

import grpc
import pytest

from farsight import outside as command
from farsight.lab.model.outside import items
from farsight.outside_picture import draw
from services.chassis.errors import Forbidden, InputRejected, NotFound, RuleViolated
from services.chassis.grpc_host import bearer, build_server, client_channel, error_from
from services.chassis.identity import Actor, Role, Tokens, create_token_key
from services.chassis.pb.detect.v1 import detect_pb2, outside_clue_pb2_grpc
from services.chassis.pb.detect.v1 import outside_clue_pb2 as pb
from services.detect import outside_door
from tests.integration.outside_rig import OutsideRig, demo_records
from tests.outside_demo import END, entry

CITY = Actor("city", Role.LEADER, "130400", name="乙")
COUNTY = Actor("county", Role.OFFICER, "130481", name="甲")
NEIGHBOUR = Actor("neighbour", Role.OFFICER, "130100")
OPERATOR = Actor("operator", Role.OPERATOR, "130000")
PLATFORM = Actor("platform", Role.PLATFORM, "130000")
PLANT = Actor("plant", Role.ENTERPRISE, "", "91130481FARX00099F")
POLICE = Actor("police", Role.POLICE, "130400")


class Door:
    """The door in this process, and callers with tokens."""

    def __init__(self, database, folder) -> None:
        create_token_key(folder / "token.jwk")
        self._tokens = Tokens(folder / "token.jwk")
        self._loop, self._ready = asyncio.new_event_loop(), threading.Event()
        self._database = database
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(20)
        self._stub = outside_clue_pb2_grpc.OutsideClueServiceStub(client_channel(self.address))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()

    async def _start(self) -> None:
        self._server = build_server(self._tokens, workers=4)
        outside_door.register(self._server, self._database)
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        await self._server.start()

    def call(self, who: Actor, method: str, **fields):
        """Call as somebody; the platform's own errors come back."""
        request = getattr(pb, f"{method}Request")(**fields)
        metadata = bearer(self._tokens.issue(who)[0])
        try:
            return getattr(self._stub, method)(request, metadata=metadata, timeout=20)
        except grpc.RpcError as error:
            raise error_from(error) from error

    def close(self) -> None:
        """Stop the server."""
        asyncio.run_coroutine_threadsafe(self._server.stop(grace=None), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


def recent(one) -> bool:
    """Whether an item of the demo is of the last three days."""
    name = one.WhichOneof("item")
    if name not in ("grid", "station"):
        return True
    return getattr(one, name).start.seconds >= (END - (72 if name == "station" else 16)) * 3600


@pytest.fixture(scope="module")
def door(migrated_db, tmp_path_factory):
    """The door over the demo, looked at once."""
    rig = OutsideRig(migrated_db("detect"))
    rig.clear()
    rig.know(*demo_records("enterprises", "outlets"))
    entries = [entry(one) for one in items(END, 7) if recent(one)]
    for start in range(0, len(entries), 1000):
        rig.take(entries[start : start + 1000])
    rig.judge()
    running = Door(rig.database, tmp_path_factory.mktemp("door"))
    yield running
    running.close()
    rig.close()


def test_clues_are_the_authoritys_alone(door) -> None:
    """A county sees its own part, the next city nothing; nobody else may ask."""
    city = door.call(CITY, "ListOutsideClues").clues
    county = door.call(COUNTY, "ListOutsideClues").clues

    assert [one.score for one in city] == sorted((one.score for one in city), reverse=True)
    assert 0 < len(county) < len(city)
    assert {one.division for one in county} == {"130481"}
    assert list(door.call(NEIGHBOUR, "ListOutsideClues").clues) == []
    for who in (OPERATOR, PLATFORM, PLANT, POLICE):
        with pytest.raises(Forbidden):
            door.call(who, "ListOutsideClues")
        with pytest.raises(Forbidden):
            door.call(who, "GetOutsideClue", clue_id=city[0].clue_id)
    with pytest.raises(NotFound):
        door.call(NEIGHBOUR, "GetOutsideClue", clue_id=city[0].clue_id)
    with pytest.raises(Forbidden):
        door.call(COUNTY, "ListOutsideClues", division="130404")


def test_clues_are_filtered_by_kind_and_plant(door) -> None:
    """By a sign's kind, and by whoever is a candidate."""
    waters = door.call(CITY, "ListOutsideClues", kind=pb.OUTSIDE_SIGN_KIND_FINGERPRINT).clues
    plant = door.call(CITY, "ListOutsideClues", credit_code="91130404FARX00021Y").clues

    assert [one.credit_code for one in waters] == ["91130404FARX00208X"]
    assert plant
    assert all("91130404FARX00021Y" in str(one.candidates) for one in plant)


def test_the_map_hides_plants_and_clues_from_who_runs_machines(door) -> None:
    """Cells and stations for the platform's operators; a county sees its own cells."""
    city = door.call(CITY, "GetOutsideMap")
    operator = door.call(OPERATOR, "GetOutsideMap")
    county = door.call(COUNTY, "GetOutsideMap")

    assert (city.division, city.pollutant) == ("130400", "a34004")
    assert {one.kind for one in city.marks} == {"plant", "micro", "township", "clue"}
    assert {one.kind for one in operator.marks} == {"micro", "township"}
    assert {one.division for one in county.cells} == {"130481"}
    assert len(county.cells) < len(city.cells) == len(operator.cells)
    assert not door.call(NEIGHBOUR, "GetOutsideMap").cells
    for who in (PLANT, POLICE):
        with pytest.raises(Forbidden):
            door.call(who, "GetOutsideMap")


def test_townships_are_ranked_in_the_callers_part(door) -> None:
    """All six of the city, three of them the county's."""
    city = door.call(CITY, "RankTownships", days=1)
    county = door.call(COUNTY, "RankTownships", days=1)

    assert [one.rank for one in city.townships] == [1, 2, 3, 4, 5, 6]
    assert {one.division for one in county.townships} == {"130481"}
    assert city.start == city.end


def test_the_command_prints_what_the_door_says(door) -> None:
    """Each table names its first row; the picture is the same twice and is well-formed."""
    clues = door.call(CITY, "ListOutsideClues")
    picture = door.call(CITY, "GetOutsideMap")

    assert clues.clues[0].reason in "\n".join(command.list_lines(clues))
    assert clues.clues[0].signs[0].seen in "\n".join(command.clue_lines(clues.clues[0]))
    assert picture.cells[0].cell in "\n".join(command.map_lines(picture))
    ranks = door.call(CITY, "RankTownships", days=1)
    assert ranks.townships[0].name in "\n".join(command.township_lines(ranks))
    assert draw(picture) == draw(picture)
    assert draw(picture).startswith("<svg")
    assert draw(picture).endswith("</svg>\n")


def test_a_decision_is_made_once_by_who_saw_the_newest(door) -> None:
    """Verdict, reason and revision are asked for; a plant's platform decides nothing."""
    clue = door.call(COUNTY, "ListOutsideClues").clues[-1]
    sound = {
        "clue_id": clue.clue_id, "revision": clue.revision, "reason": "已到场核实",
        "verdict": pb.OUTSIDE_VERDICT_CONFIRMED,
    }  # fmt: skip

    for change in ({"reason": " "}, {"verdict": 0}, {"reason": "长" * 501}):
        with pytest.raises(InputRejected):
            door.call(COUNTY, "DecideOutsideClue", **{**sound, **change})
    with pytest.raises(RuleViolated):
        door.call(COUNTY, "DecideOutsideClue", **{**sound, "revision": clue.revision + 1})
    with pytest.raises(NotFound):
        door.call(NEIGHBOUR, "DecideOutsideClue", **sound)
    with pytest.raises(Forbidden):
        door.call(PLATFORM, "DecideOutsideClue", **sound)
    done = door.call(COUNTY, "DecideOutsideClue", **sound).clue
    with pytest.raises(RuleViolated):
        door.call(COUNTY, "DecideOutsideClue", **{**sound, "revision": done.revision})

    assert (done.verdict_by, done.state) == ("甲", detect_pb2.FINDING_STATE_CLOSED)
    ended = door.call(COUNTY, "ListOutsideClues", state=detect_pb2.FINDING_STATE_CLOSED).clues
    assert [one.clue_id for one in ended] == [clue.clue_id]
