"""`cases` as processes on a real bus: events to orders, deadlines across kill -9 and replicas."""

import base64
import datetime as dt
import time
from collections import Counter
from contextlib import ExitStack

import pytest
from kombu import Connection, Queue
from nameko import config
from nameko.standalone.rpc import ServiceRpcClient

from services.cases.app.handle_finding import handle_finding
from services.cases.domain.matter import Level
from services.cases.rules import text
from services.chassis.bus import topology
from services.chassis.bus.publish import Publisher
from services.chassis.clock import to_timestamp, utc_now
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from services.chassis.pb.detect.v1 import detect_pb2, pack_pb2
from services.chassis.pb.referral.v1 import referral_pb2
from services.chassis.pb.registry.v1 import registry_pb2
from tests.integration.cases_rig import (
    ANSWER,
    FINDINGS,
    FOUR,
    LEADER,
    LEGAL,
    LI,
    MANAGER,
    REPORT,
    TECHNICAL,
    VERDICT,
    VISIT,
    WANG,
    ZHAO,
    bottle,
    finding,
    region,
    registry_records,
    running_cases,
    wait_until,
)

pytestmark = pytest.mark.fault


class Listener:
    """Hears an event type on the bus from now on."""

    def __init__(self, amqp_uri: str, kind) -> None:
        self._connection = Connection(amqp_uri)
        self._kind = kind
        key = kind.DESCRIPTOR.full_name
        queue = Queue("", topology.EVENTS, routing_key=key, exclusive=True, auto_delete=True)
        self._queue = queue(self._connection.default_channel)
        self._queue.declare()
        self._heard: list = []

    def heard(self) -> list:
        """Everything so far."""
        while message := self._queue.get(no_ack=True):
            self._heard.append(self._kind.FromString(message.body))
        return list(self._heard)

    def close(self) -> None:
        """Stop listening."""
        self._connection.release()


def told(notices: Listener) -> list:
    """Notices about matters; the region's expired certificate is told by itself."""
    return [notice for notice in notices.heard() if notice.matter_id]


@pytest.fixture
def bus(amqp_uri):
    """The declared topology with an empty queue of `cases`, and a publisher."""
    with Connection(amqp_uri) as connection:
        topology.declare_topology(connection, 2)
        Queue("cases.events", channel=connection.default_channel).purge()
    return Publisher(amqp_uri)


@pytest.fixture
def place(migrated_db, bus):
    """A fresh region at the present moment."""
    with region(migrated_db("cases"), utc_now()) as fresh:
        yield fresh


def test_a_finding_on_the_bus_becomes_an_order_that_is_closed(place, bus, amqp_uri, migrated_db):
    """Records and a finding in, notices and changes out, people between."""
    place.execute("DELETE FROM registry_copy")
    notices = Listener(amqp_uri, pb.NoticeRequested)
    changes = Listener(amqp_uri, pb.MatterChanged)
    seen = finding(place.now, hours=3)
    with running_cases(migrated_db("cases"), amqp_uri):
        bus.publish_event(registry_pb2.RecordsChanged(records=registry_records()))
        for _ in range(3):
            bus.publish_event(detect_pb2.FindingChanged(finding=seen), correlation_id="corr-1")
        matter = wait_until(lambda: place.matters() and place.only())
        place.act(MANAGER, matter, "answer", **ANSWER)
        place.act(WANG, matter, "check", **VERDICT)
        place.act(LI, matter, "close", opinion="同意")
        wait_until(lambda: len(changes.heard()) == 4)

    assert [m.last_event.act for m in changes.heard()] == ["issue", "answer", "check", "close"]
    assert changes.heard()[-1].matter.state == "closed"
    assert changes.heard()[-1].matter.correlation_id == "corr-1"
    templates = [n.template for n in told(notices)]
    assert templates == ["order_issued", "order_issued_officer", "order_answered", "order_closed"]
    notices.close()
    changes.close()


def test_a_rule_pack_changes_the_triggers_and_a_broken_one_becomes_a_dead_letter(
    place, bus, amqp_uri, migrated_db
):
    """The stricter table dispatches two hours; the broken one is set aside, loudly, and not used.

    The first finding waits for the table by its level: events of one service are not ordered.
    """
    with Connection(amqp_uri) as connection:
        dead = Queue(topology.dead_queue("cases"), channel=connection.default_channel)
        dead.purge()
        with running_cases(migrated_db("cases"), amqp_uri):
            bus.publish_event(activated("2", text("triggers.yaml").replace(": 3,", ": 2,")))
            wait_until(lambda: place.tables() == ["2"])
            bus.publish_event(activated("3", "triggers: none"))
            refused = wait_until(lambda: dead.get(no_ack=True))
            bus.publish_event(detect_pb2.FindingChanged(finding=finding(place.now, hours=2)))
            matter = wait_until(lambda: place.matters() and place.only())

    assert pack_pb2.PackActivated.FromString(bytes(refused.body)).pack.version == "3"
    assert place.tables() == ["2"]
    assert matter.level is Level.DISPATCH
    assert matter.events[0].fields["trigger"] == "exceed_3h_day"


def test_a_monitor_trigger_on_the_bus_counts_and_says_nothing(place, bus, amqp_uri, migrated_db):
    """The order that comes after it shows that it was handled; nobody heard of the first."""
    changes = Listener(amqp_uri, pb.MatterChanged)
    quiet = finding(place.now, rule_id="minute_over_limit")
    with running_cases(migrated_db("cases"), amqp_uri):
        bus.publish_event(detect_pb2.FindingChanged(finding=quiet))
        bus.publish_event(detect_pb2.FindingChanged(finding=finding(place.now, hours=3)))
        wait_until(lambda: len(changes.heard()) == 1)
        hits = wait_until(lambda: len(place.hits()) == 2 and place.hits())

    assert [m.item for m in place.matters()] == ["hourly_exceedance"]
    assert hits == [("live", "exceed_3h_day"), ("monitor", "minute_over_limit")]
    changes.close()


def activated(version: str, triggers: str) -> pack_pb2.PackActivated:
    """A pack of one's own, from the beginning of the year on."""
    entry = pack_pb2.Activation(
        pack_id="hebei", version=version, applies_from="2026-01-01",
        activated_at=to_timestamp(utc_now()),
    )  # fmt: skip
    pack = pack_pb2.Pack(pack_id="hebei", version=version)
    return pack_pb2.PackActivated(timeline=[entry], pack=pack, triggers=triggers)


def bring_deadline(place, key: str, seconds: float) -> None:
    """Move every open clock of that key, and its breach, close to the present."""
    place.execute(
        f"UPDATE matter_clock SET due_at = now() + interval '{seconds} s' "
        f"WHERE key = '{key}' AND ended_at IS NULL",
        f"UPDATE due SET at = now() + interval '{seconds} s' "
        f"WHERE kind = 'clock_breach' AND payload->>'clock_id' LIKE '%:{key}:%'",
    )


def test_a_deadline_that_passes_while_cases_is_dead_fires_once(place, amqp_uri, migrated_db):
    """Kill -9 before the deadline, two replicas after it: one line, one notice a recipient."""
    notices = Listener(amqp_uri, pb.NoticeRequested)
    place.run(handle_finding, finding(place.now, hours=3))
    url = migrated_db("cases")
    with running_cases(url, amqp_uri) as process:
        wait_until(lambda: len(told(notices)) == 2)
        bring_deadline(place, "order_answer", 1)
        deadline = time.monotonic() + 1
        process.kill()
    wait_until(lambda: time.monotonic() > deadline)
    assert [event.act for event in place.only().events] == ["issue"]

    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(running_cases(url, amqp_uri))
        wait_until(lambda: place.only().version == 2)
        wait_until(lambda: len(told(notices)) >= 4)
        # A later deadline that fires shows that both replicas looked again meanwhile.
        place.run(handle_finding, finding(place.now, hours=3, factors=["a34013"]))
        bring_deadline(place, "order_answer", 1)
        wait_until(lambda: place.matters()[1].version == 2)
        wait_until(lambda: len({notice.cause_id for notice in told(notices)}) == 8)

    assert [event.act for event in place.matters()[0].events] == ["issue", "answer_overdue"]
    causes = Counter(notice.cause_id for notice in told(notices))
    assert set(causes.values()) == {1}
    notices.close()


def test_two_replicas_share_forty_deadlines_and_do_each_once(place, amqp_uri, migrated_db):
    """Every breach is one line and one notice, whoever claimed it; a killed one loses none."""
    notices = Listener(amqp_uri, pb.NoticeRequested)
    for number in range(40):
        place.run(handle_finding, finding(place.now, hours=3, factors=[f"a2{number:04d}"]))
    place.execute("DELETE FROM outbox")
    url = migrated_db("cases")

    with running_cases(url, amqp_uri) as first, running_cases(url, amqp_uri):
        bring_deadline(place, "order_answer", 0.5)
        wait_until(lambda: any(m.version == 2 for m in place.matters()))
        first.kill()
        wait_until(lambda: all(m.version == 2 for m in place.matters()), 60)
        wait_until(lambda: len({n.cause_id for n in told(notices)}) == 80)

    acts = Counter(event.act for matter in place.matters() for event in matter.events)
    assert acts == {"issue": 40, "answer_overdue": 40}
    notices.close()


def test_a_clue_on_the_bus_ends_at_the_police(place, bus, amqp_uri, migrated_db):
    """ClueChanged in, ReferralRequested out, papers by RPC, ReferralChanged back into the case."""
    requests = Listener(amqp_uri, pb.ReferralRequested)
    with running_cases(migrated_db("cases"), amqp_uri):
        bus.publish_event(detect_pb2.ClueChanged(clue=bottle(place.now)))
        matter = wait_until(lambda: place.matters() and place.only())
        today = (place.now + dt.timedelta(hours=8)).date().isoformat()
        place.act(WANG, matter, "verify", **{**VISIT, "visited_on": today})
        place.act(LEADER, matter, "file_case", **FOUR)
        place.act(WANG, matter, "finish_investigation", **{**FINDINGS, "party_told_on": today})
        place.act(ZHAO, matter, "review_technical", **TECHNICAL)
        place.act(LEADER, matter, "review_legal", **LEGAL)
        place.act(WANG, matter, "request_referral", **REPORT)
        place.act(LEADER, matter, "approve_referral")
        (request,) = wait_until(requests.heard)
        papers = case_papers(amqp_uri, request.matter_id)
        referral = referral_pb2.Referral(
            referral_id="r-1",
            matter_id=matter.matter_id,
            handed_over_at=to_timestamp(place.now),
            outcome="filed",
        )
        bus.publish_event(referral_pb2.ReferralChanged(referral=referral))
        wait_until(lambda: place.only().state == "police_filed")

    assert [event.seq for event in papers.matter.timeline] == list(range(1, 9))
    assert papers.timeline_root_sm3 == papers.matter.timeline[-1].digest_sm3
    requests.close()


def case_papers(amqp_uri: str, matter_id: str) -> pb.CasePapersResponse:
    """Ask `cases` by RPC as the service referral does."""
    payload = base64.b64encode(
        pb.CasePapersRequest(matter_id=matter_id).SerializeToString()
    ).decode()
    with config.patch({"AMQP_URI": amqp_uri}), ServiceRpcClient("cases", timeout=20) as client:
        answer = client.case_papers(payload)
    return pb.CasePapersResponse.FromString(base64.b64decode(answer))


def test_an_event_of_an_unknown_matter_is_set_aside_not_repeated(place, bus, amqp_uri, migrated_db):
    """A referral of a matter that is not ours: one dead letter, the queue goes on."""
    stray = referral_pb2.Referral(referral_id="r-9", matter_id="nobody")
    with Connection(amqp_uri) as connection:
        dead = Queue("cases.dead", channel=connection.default_channel)
        dead.purge()
        with running_cases(migrated_db("cases"), amqp_uri):
            bus.publish_event(referral_pb2.ReferralChanged(referral=stray))
            bus.publish_event(detect_pb2.FindingChanged(finding=finding(place.now, hours=3)))
            wait_until(place.matters)
            message = wait_until(lambda: dead.get(no_ack=True))

    assert message.properties["type"] == "farsight.referral.v1.ReferralChanged"
