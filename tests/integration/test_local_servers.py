"""The embedded servers really start, answer and end."""

import psycopg
import redis
from kombu import Connection, Queue


def test_postgres_answers_with_version_18(database):
    """The embedded PostgreSQL is 18 and a fresh database is empty UTF-8."""
    with psycopg.connect(database) as connection:
        version = connection.execute("SHOW server_version_num").fetchone()
        encoding = connection.execute("SHOW server_encoding").fetchone()

    assert version is not None
    assert int(version[0]) // 10000 == 18
    assert encoding == ("UTF8",)


def test_rabbitmq_keeps_a_quorum_queue(amqp_uri):
    """The private node declares a quorum queue and gives back what was put there."""
    queue = Queue(
        "test.local.quorum",
        routing_key="test.local.quorum",
        queue_arguments={"x-queue-type": "quorum"},
    )
    with Connection(amqp_uri) as connection:
        bound = queue(connection.channel())
        bound.declare()

        with connection.SimpleQueue(bound) as simple:
            simple.put({"one": 1})
            message = simple.get(timeout=10)
            message.ack()
        bound.delete()

    assert message.payload == {"one": 1}


def test_valkey_demands_its_password(redis_url):
    """Who knows the password gets in, who does not is refused."""
    with redis.Redis.from_url(redis_url) as client:
        client.set("test.local", "1", ex=10)
        assert client.get("test.local") == b"1"

    stranger = redis.Redis.from_url("redis://" + redis_url.partition("@")[2])
    try:
        stranger.ping()
    except redis.AuthenticationError:
        return
    raise AssertionError("the server answered without a password")
