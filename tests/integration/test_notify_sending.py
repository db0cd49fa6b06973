"""Notify on real servers: bus in, SMPP out to a real SMS centre, receipts back, faults between."""

import os
import signal

import pytest
from kombu import Connection
from kombu.entity import Exchange, Queue

from services.chassis.pb.cases.v1.cases_pb2 import Recipient
from services.chassis.pb.notify.v1 import notify_pb2 as pb
from tests.integration.notify_rig import Rig, notice, people, rig, wait_until

pytestmark = pytest.mark.timeout(180)
OFFICERS = Recipient(kind="division", key="130402", role="officer")
PLANT = Recipient(kind="enterprise", key="91130400MA000T014P")


@pytest.fixture
def desk(database, amqp_uri, tmp_path):
    """A migrated database and the rig on it; the people are on their way on the bus."""
    from tests.conftest import migrate

    migrate(database, "notify")
    with rig(database, amqp_uri, tmp_path) as made:
        made.publish(people())
        yield made


def outcomes(desk: Rig) -> list[pb.NoticeOutcome]:
    """The `NoticeOutcome` events that reached the queue of cases; takes them."""
    found = []
    with Connection(desk.amqp_uri) as connection, connection.channel() as channel:
        while message := channel.basic_get("cases.events", no_ack=True):
            if message.properties["type"] == "farsight.notify.v1.NoticeOutcome":
                body = message.body
                found.append(
                    pb.NoticeOutcome.FromString(body.encode() if isinstance(body, str) else body)
                )
    return found


def delivered(desk: Rig, *causes: str) -> bool:
    """Whether all these causes ended as delivered for everybody."""
    rows = [row for row in desk.rows() if row["cause_id"] in causes]
    return {row["cause_id"] for row in rows} == set(causes) and all(
        row["state"] == "delivered" for row in rows
    )


def test_a_notice_reaches_each_person_once_and_its_receipt_comes_back(desk):
    """Plant and both officers get the text; the same cause again, even with a new id, adds none."""
    desk.handset()
    desk.notify()

    for message_id in ("m-1", "m-1", "m-2"):
        desk.publish(notice("c1", PLANT, OFFICERS), message_id)
    desk.publish(notice("c2", item="无数据"))
    wait_until(lambda: delivered(desk, "c1", "c2"))

    texts = desk.texts()
    first = [text["phone"] for text in texts if "超标" in text["text"]]
    assert sorted(first) == ["19900000001", "19900000011", "19900000012"]
    assert len(texts) == 4
    assert texts[0]["text"].startswith("【生态环境执法】示范热电1号炉异常：小时均值超标。")
    told = wait_until(lambda: outcomes(desk))
    assert {one.correlation_id for one in told} <= {"corr-c1", "corr-c2"}


def test_two_replicas_send_each_text_once_and_the_second_takes_over(desk):
    """Duplicates on both replicas while one is killed with -9: each cause arrives once."""
    desk.handset()
    first, _second = desk.notify(), desk.notify()
    causes = [f"c{n}" for n in range(30)]

    for cause in causes[:15]:
        desk.publish(notice(cause, item=cause), f"{cause}-a")
        desk.publish(notice(cause, item=cause), f"{cause}-b")
    wait_until(lambda: delivered(desk, *causes[:15]))
    holder = desk.rows("SELECT holder FROM notify.leases")[0]["holder"]
    killed = first if holder.endswith(f":{first.pid}") else _second
    killed.kill()
    for cause in causes[15:]:
        desk.publish(notice(cause, item=cause))
    wait_until(lambda: delivered(desk, *causes))

    arrived = [text["text"] for text in desk.texts()]
    assert len(arrived) == len(set(arrived)) == 30
    lease = desk.rows("SELECT * FROM notify.leases")
    assert [row["epoch"] for row in lease] == [2]


def test_a_paused_sender_that_comes_back_sends_nothing_twice(desk):
    """The holder is stopped, its lease runs out, the other takes over, the first wakes up."""
    desk.handset()
    replicas = [desk.notify(), desk.notify()]
    desk.publish(notice("c0", item="c0"))
    wait_until(lambda: delivered(desk, "c0"))
    holder = desk.rows("SELECT holder FROM notify.leases")[0]["holder"]
    paused = next(one for one in replicas if holder.endswith(f":{one.pid}"))

    os.kill(paused.pid, signal.SIGSTOP)
    causes = [f"c{n}" for n in range(1, 9)]
    for cause in causes:
        desk.publish(notice(cause, item=cause))
    wait_until(lambda: desk.rows("SELECT epoch FROM notify.leases")[0]["epoch"] == 2)
    os.kill(paused.pid, signal.SIGCONT)
    wait_until(lambda: delivered(desk, *causes))

    arrived = [text["text"] for text in desk.texts()]
    assert len(arrived) == len(set(arrived)) == 9


def test_a_sender_that_is_told_to_stop_hears_its_answers_and_frees_the_lease(desk):
    """SIGTERM amid urgent texts: none is repeated or uncertain, and the next one starts at once.

    The registry is away, its RPC queue still there: who asks it waits, and must not hold us up.
    """
    with Connection(desk.amqp_uri) as connection:
        exchange = Exchange("nameko-rpc", type="topic", durable=True)
        queue = Queue("rpc-registry", exchange, routing_key="registry.*", durable=True)
        queue(connection.default_channel).declare()
    desk.handset()
    first = desk.notify()
    causes = [f"c{n}" for n in range(40)]
    for cause in causes:
        desk.publish(notice(cause, level=1, item=cause))
    wait_until(lambda: "delivered" in desk.states().values())

    first.terminate()
    first.wait(20)
    lease = desk.rows("SELECT expires_at <= now() AS free FROM notify.leases")
    desk.notify()
    wait_until(lambda: delivered(desk, *causes), 60)

    assert lease == [{"free": True}]
    assert not any(row["possibly_repeated"] for row in desk.rows())
    assert len(desk.texts()) == 40


def test_a_lost_answer_repeats_level_1_and_lets_the_others_wait_for_the_receipt(desk):
    """Both answers are dropped: the urgent text arrives twice and is marked, the other once."""
    desk.handset()
    desk.turn(drop_answers=2, receipt_delay_s=5)
    desk.notify()

    desk.publish(notice("urgent", level=1, item="紧急"))
    desk.publish(notice("normal", level=2, item="一般"))
    wait_until(lambda: desk.states().get("normal") == "uncertain")
    wait_until(lambda: delivered(desk, "urgent", "normal"))

    rows = {row["cause_id"]: row for row in desk.rows()}
    arrived = [text["text"] for text in desk.texts()]
    assert sum("紧急" in text for text in arrived) == 2
    assert sum("一般" in text for text in arrived) == 1
    assert (rows["urgent"]["possibly_repeated"], rows["normal"]["possibly_repeated"]) == (
        True,
        False,
    )
    seen: set[tuple[str, int]] = set()
    wanted = {
        ("normal", pb.SENDING_STATE_UNCERTAIN),
        ("normal", pb.SENDING_STATE_DELIVERED),
        ("urgent", pb.SENDING_STATE_DELIVERED),
    }
    wait_until(lambda: seen.update((o.cause_id, o.state) for o in outcomes(desk)) or wanted <= seen)


def test_a_busy_gateway_is_left_alone_and_a_refusal_is_final(desk):
    """Throttled texts go out later and once; a refused number fails with the gateway's code."""
    desk.handset()
    desk.turn(throttle=2)
    desk.notify()

    desk.publish(
        notice("busy", item="长" * 24, plant="名称较长的热电公司", number="督〔2026〕130402-0001")
    )
    wait_until(lambda: delivered(desk, "busy"))
    desk.turn(refuse=1)
    desk.publish(notice("refused", item="拒"))
    wait_until(lambda: desk.states().get("refused") == "failed")

    text = desk.texts()[0]
    assert (len(desk.texts()), text["parts"], text["complete"]) == (1, 2, True)
    reasons = {row["cause_id"]: row["reason"] for row in desk.rows()}
    assert reasons["refused"] == "gateway refused 0xb"


def test_nothing_is_lost_while_gateway_and_broker_are_away(desk, servers):
    """Texts wait for a gateway that comes later; a broker restart in between loses no notice."""
    desk.notify()
    desk.publish(notice("before", item="前"))
    wait_until(lambda: desk.states().get("before") == "queued")

    servers.stop("AMQP_URI")
    assert servers.url("AMQP_URI") == desk.amqp_uri
    desk.publish(notice("after", item="后"))
    desk.handset()

    wait_until(lambda: delivered(desk, "before", "after"), 90)
    assert len(desk.texts()) == 2


def test_old_news_is_muted_storms_are_summed_up_and_nobody_is_a_failure(desk):
    """A span of two days ago, three alike within the hour, and a plant nobody is known for."""
    desk.handset()
    desk.notify()

    desk.publish(notice("old", age_h=48, item="旧"))
    for n in range(3):
        desk.publish(notice(f"storm{n}", item="同"))
    desk.publish(notice("nobody", Recipient(kind="enterprise", key="91120000MA000T014Y")))
    wait_until(lambda: delivered(desk, "storm0") and "nobody" in desk.states())

    rows = {row["cause_id"]: row for row in desk.rows()}
    assert rows["old"]["state"] == "muted"
    assert rows["old"]["reason"].startswith("old_span")
    assert [rows[f"storm{n}"]["state"] for n in range(3)] == ["delivered", "muted", "muted"]
    assert rows["nobody"]["state"] == "failed"
    due = desk.rows("SELECT kind, count(*) AS n FROM notify.due GROUP BY kind")
    assert due == [{"kind": "storm", "n": 1}]
    assert len(desk.texts()) == 1


def test_a_storm_ends_with_one_summary(desk):
    """When the window is over, one text says how many were kept back."""
    desk.handset()
    desk.notify()
    for n in range(3):
        desk.publish(notice(f"storm{n}", item="同"))
    wait_until(lambda: len(desk.states()) == 3)

    wait_until(lambda: desk.rows("UPDATE notify.due SET at = now() RETURNING key"))
    wait_until(lambda: any("2条同类提醒" in text["text"] for text in desk.texts()))

    assert len(desk.texts()) == 2
