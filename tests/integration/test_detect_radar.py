"""The collusion radar from hours on the wire to the console's page: real database, doors, pages."""

import asyncio
import itertools
import subprocess
import sys
import time

import grpc
import httpx
import numpy as np
import pytest
from redis.asyncio import Redis

from services.chassis.errors import Forbidden
from services.chassis.grpc_host import bearer, client_channel, error_from
from services.chassis.identity import Actor, Role, Tokens, create_token_key
from services.chassis.partition import partition_of
from services.chassis.pb.detect.v1 import screening_pb2 as pb
from services.chassis.pb.detect.v1 import screening_pb2_grpc as rpc
from services.chassis.pb.registry.v1 import registry_pb2
from services.console.session import COOKIE, Session, SessionStore
from services.console.settings import ConsoleSettings
from services.detect import screening_store
from services.detect.app import look_by_radar as look_by_radar_module
from services.detect.app.look_by_radar import look_by_radar
from tests.integration.detect_rig import Rig, free_port
from tests.integration.screening_rig import COD, HOURS, NH3, NOW, know, outlet, screen, send
from tests.integration.test_detect_door import _await_ready
from tests.unit.console.conftest import running_console
from tests.unit.detect.screening.panels import wandering

ONE_HAND, HONEST = "同手运维有限公司", "清白运维有限公司"
SERVED = {ONE_HAND: ("71", "72", "73", "74", "75"), HONEST: ("81", "82", "83", "84", "85")}
#: Two outlets that one simulator feeds, in two counties.
FED = ("71", "73")
PLACE = {"73": "130403"}
WHO = {
    "leader": Actor("u3", Role.LEADER, "130400", name="钱"),
    "county": Actor("u1", Role.OFFICER, "130402", name="王"),
    "far": Actor("u4", Role.OFFICER, "130500", name="孙"),
    "plant": Actor("u5", Role.ENTERPRISE, "", outlet("71")[:18], name="厂"),
    "operator": Actor("u7", Role.OPERATOR, "130000", name="维"),
    "police": Actor("u9", Role.POLICE, "130400", name="警"),
}
NOT_THEIRS = ("plant", "operator", "police")


def _plant(name: str, operator: str) -> registry_pb2.Record:
    code = outlet(name)[:18]
    plant = registry_pb2.Enterprise(
        credit_code=code, name=f"{name}号企业", short_name=f"{name}厂", operator_name=operator
    )
    kind = registry_pb2.RECORD_KIND_ENTERPRISE
    return registry_pb2.Record(kind=kind, key=code, enterprise=plant)


def _story(name: str) -> dict[str, np.ndarray]:
    """Honest hours; a fed outlet sends six weeks of one sequence, the second 53 hours later."""
    values = wandering(2, HOURS, int(name))
    if name in FED:
        steps = np.random.default_rng(3).standard_normal(1200)[53 * FED.index(name) :]
        noise = np.zeros(1000)
        for t in range(1, 1000):
            noise[t] = 0.6 * noise[t - 1] + 0.1 * steps[t]
        values[0, HOURS - 1000 :] = np.round(40 * (1 + FED.index(name)) * np.exp(noise), 2)
    return {COD: values[0], NH3: values[1]}


class World:
    """A night's radar over ten outlets, and the doors that show it."""

    def __init__(self, rig: Rig, address: str, tokens: Tokens) -> None:
        self.rig, self.address, self.tokens = rig, address, tokens
        self._stub = rpc.ScreeningServiceStub(client_channel(address))

    def radar(self, who: str, **asked) -> pb.GetRadarResponse:
        """Ask the door as somebody; the platform's own errors come back."""
        metadata = bearer(self.tokens.issue(WHO[who])[0])
        try:
            return self._stub.GetRadar(pb.GetRadarRequest(**asked), metadata=metadata, timeout=20)
        except grpc.RpcError as error:
            raise error_from(error) from error


@pytest.fixture(scope="module")
def world(migrated_db, tmp_path_factory):
    """Registry and detect behind one door process."""
    folder = tmp_path_factory.mktemp("radar")
    url = migrated_db("detect", "registry")
    rig = Rig(url, folder)
    for operator, names in SERVED.items():
        rig.know([_plant(name, operator) for name in names])
        for name in names:
            know(rig, name, division=PLACE.get(name, "130402"))
            send(rig, name, _story(name))
    assert look_by_radar(rig.detector, NOW, 0.0, 0) == 0  # nothing is screened yet
    assert screen(rig) == 10
    rig.detector.radar_at = -np.inf
    assert look_by_radar(rig.detector, NOW, 0.0, 0) == 2
    key = folder / "token.jwk"
    create_token_key(key)
    address, probe = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [sys.executable, "-m", "services.chassis.doors", "detect", "registry"],
        env={
            "DATABASE_URL": url, "FARSIGHT_TOKEN_KEY": str(key), "FARSIGHT_GRPC_BIND": address,
            "FARSIGHT_PROBE_BIND": probe, "PATH": "/usr/bin:/bin",
        },
    )  # fmt: skip
    try:
        _await_ready(probe)
        yield World(rig, address, Tokens(key))
    finally:
        process.terminate()
        process.wait(30)
        rig.close()


def test_outlets_of_two_partitions_and_counties_make_a_ring(world):
    """Of the operator with one hand only; the other operator is told as compared."""
    found = world.radar("leader")

    assert len({partition_of(outlet(name), 8) for name in FED}) == 2
    (ring,) = found.rings
    assert ring.operator == ONE_HAND
    assert list(ring.outlets) == [outlet(name) for name in FED]
    (edge,) = ring.edges
    assert edge.traces[0].kind == "noise"
    assert abs(edge.traces[0].lag_h) == 53
    assert edge.strength >= 2
    assert {(look.operator, look.outlets, look.pairs) for look in found.looks} == {
        (ONE_HAND, 5, 10),
        (HONEST, 5, 10),
    }
    assert "71厂 DA001" in found.picture.decode()
    assert world.radar("leader").picture == found.picture
    assert not world.radar("leader", operator=HONEST).rings


def test_an_edge_into_another_county_is_not_told(world):
    """A county's officer sees what was compared, not an outlet of the next county."""
    assert not world.radar("county").rings
    assert len(world.radar("county").looks) == 2
    assert not world.radar("far").looks


def test_the_same_night_is_not_compared_twice(world):
    """Due again with a newer screened day alone."""
    world.rig.detector.radar_at = -np.inf
    assert look_by_radar(world.rig.detector, NOW, 0.0, 0) == 0
    assert look_by_radar(world.rig.detector, NOW, 0.0, 24) == 0  # not before the hour of screening
    assert len(world.radar("leader").rings) == 1


@pytest.mark.parametrize("who", NOT_THEIRS)
def test_nobody_else_is_told(world, who):
    """Neither plants nor who runs instruments or the platform, nor the police."""
    with pytest.raises(Forbidden):
        world.radar(who)


def _signed_in(redis_url: str, world: World, who: str) -> str:
    """A session of somebody, as the sign-in form makes it; gives its id."""
    actor = WHO[who]
    token, end = world.tokens.issue(actor)
    session = Session(
        csrf="x", language="zh_CN", token=token, token_expires_at=end.timestamp(),
        signed_in_at=time.time(), user_name=actor.user_id, display_name=actor.name,
        role=actor.role.value, division=actor.division, credit_code=actor.enterprise_id,
    )  # fmt: skip

    async def keep() -> str:
        redis = Redis.from_url(redis_url)
        session_id = await SessionStore(redis).open(session)
        await redis.aclose()
        return session_id

    return asyncio.run(keep())


def test_the_console_shows_it_to_the_authority_alone(world, redis_url):
    """Pages over the real doors: ring, picture, lists; a plant and the others get 403."""
    settings = ConsoleSettings(("127.0.0.1", 0), world.address, redis_url, "http://handset.test/")
    paths = ("", "/held", "/suppressions", "/radar", "/radar/picture.svg")
    with running_console(settings) as url:
        for who, status in (("leader", 200), *((one, 403) for one in NOT_THEIRS)):
            cookies = {COOKIE: _signed_in(redis_url, world, who)}
            with httpx.Client(base_url=url, cookies=cookies, trust_env=False) as browser:
                pages = {path: browser.get(f"/screening{path}", timeout=20) for path in paths}
            assert {path: page.status_code for path, page in pages.items()} == dict.fromkeys(
                paths, status
            ), who
            assert (ONE_HAND in pages["/radar"].text) == (status == 200)
            if status == 200:
                assert "噪声同源" in pages["/radar"].text
                assert pages["/radar/picture.svg"].content == world.radar(who).picture


def test_a_newer_look_replaces_the_older_one(world):
    """An outlet that another operator serves by now is in no ring of the former one."""
    world.rig.know([_plant(FED[1], "另一家")])
    with world.rig.database.transaction() as session:
        state = screening_store.states(session, [outlet(FED[0])])[outlet(FED[0])]
        state.screened_until += 24
    world.rig.detector.radar_at = -np.inf
    assert look_by_radar(world.rig.detector, NOW, 0.0, 0) == 1

    found = world.radar("leader")

    assert not found.rings
    assert next(one for one in found.looks if one.operator == ONE_HAND).outlets == 4


@pytest.mark.parametrize("number", [1, 47, 48, 49, 130])
def test_each_two_outlets_of_a_large_operator_are_together(number):
    """In parts that bound memory and time."""
    outlets = [str(one) for one in range(number)]

    parts = look_by_radar_module._parts(outlets)

    met = {frozenset(pair) for part in parts for pair in itertools.combinations(part, 2)}
    assert len(met) == number * (number - 1) // 2
    assert max(len(part) for part in parts) <= look_by_radar_module.TOGETHER
