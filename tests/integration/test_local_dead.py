"""Dead letters are listed without being taken, shown decoded, and go back where they failed."""

import json
import uuid

import pytest
from kombu.connection import Connection

from farsight.cli import main
from farsight.local import deadletters
from services.chassis.bus.publish import Publisher
from services.chassis.bus.topology import DEAD, declare_topology, event_queue
from services.chassis.pb.detect.v1 import detect_pb2

TYPE = "farsight.detect.v1.FindingChanged"


@pytest.fixture
def bus(amqp_uri, monkeypatch, tmp_path):
    """A broker with the platform's queues, the ones used here empty."""
    monkeypatch.setenv("AMQP_URI", amqp_uri)
    monkeypatch.setenv("FARSIGHT_DATA", str(tmp_path))
    with Connection(amqp_uri) as connection:
        declare_topology(connection, 1)
        with connection.channel() as channel:
            for queue in (*deadletters.queues().values(), event_queue("cases")):
                channel.queue_purge(queue)
    return amqp_uri


def bury(amqp_uri, *, finding_id="f-1"):
    """Set a message aside as the chassis does; its id."""
    message_id = str(uuid.uuid4())
    event = detect_pb2.FindingChanged()
    event.finding.finding_id = finding_id
    Publisher(amqp_uri).publish(
        event.SerializeToString(),
        exchange=DEAD.name,
        routing_key="cases",
        properties={"message_id": message_id, "type": TYPE, "correlation_id": "c-1"},
        headers={
            "x-farsight-attempt": 9,
            "x-farsight-queue": "cases.events",
            "x-farsight-error": "Unavailable: no luck",
        },
    )
    return message_id


def run(capsys, *arguments: str):
    """Run `farsight dead`; exit code and decoded JSON output."""
    code = main(["dead", *arguments, "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_list_finds_a_dead_letter_and_leaves_it_there(bus, capsys):
    """Two lists in a row show the same letter; finding one is exit code 1, none is 0."""
    assert run(capsys, "list") == (0, [])
    message_id = bury(bus)

    first, second = run(capsys, "list"), run(capsys, "list", "cases")

    assert first == second
    assert first[0] == 1
    [letter] = first[1]
    assert letter["id"] == message_id
    assert letter["error"] == "Unavailable: no luck"
    assert letter["attempts"] == 8


def test_show_decodes_the_body(bus, capsys):
    """The protobuf body is shown as JSON with its headers; an unknown id is exit code 1."""
    message_id = bury(bus, finding_id="f-42")

    code, shown = run(capsys, "show", "cases", message_id)

    assert code == 0
    assert shown["body"]["finding"]["finding_id"] == "f-42"
    assert shown["headers"]["x-farsight-queue"] == "cases.events"
    assert main(["dead", "show", "cases", "nobody"]) == 1


def test_replay_sends_only_the_asked_one_back_with_a_fresh_count(bus, capsys):
    """The letter arrives once in its home queue with id and body, and is dead no more."""
    stays, goes = bury(bus, finding_id="stays"), bury(bus, finding_id="goes")

    code, result = run(capsys, "replay", "cases", goes)

    assert (code, result) == (0, {"replayed": [goes]})
    with Connection(bus) as connection, connection.channel() as channel:
        message = channel.basic_get("cases.events", no_ack=True)
        assert channel.basic_get("cases.events", no_ack=True) is None
    assert message.properties["message_id"] == goes
    assert message.properties["type"] == TYPE
    assert "x-farsight-attempt" not in message.headers
    assert detect_pb2.FindingChanged.FromString(message.body).finding.finding_id == "goes"
    assert [each["id"] for each in run(capsys, "list")[1]] == [stays]


def test_a_message_nobody_wanted_is_a_dead_letter_too(bus, capsys):
    """An event without a subscriber shows up under `unrouted`."""
    Publisher(bus).publish(
        b"",
        exchange="farsight.events",
        routing_key="no.such.Event",
        properties={"message_id": "m-1", "type": "no.such.Event"},
        headers={},
    )

    code, [letter] = run(capsys, "list", "unrouted")

    assert code == 1
    assert (letter["id"], letter["goes_to"]) == ("m-1", "no.such.Event")


def test_an_absent_broker_is_one_clear_line(monkeypatch, tmp_path, capsys):
    """Server, address and setting are named, the password is not."""
    monkeypatch.setenv("AMQP_URI", "amqp://someone:secret@127.0.0.1:1//")

    code = main(["dead", "list", "--data", str(tmp_path)])

    error = capsys.readouterr().err
    assert code == 1
    assert "RabbitMQ at 127.0.0.1:1 (setting AMQP_URI)" in error
    assert "secret" not in error
    assert len(error.splitlines()) == 1
