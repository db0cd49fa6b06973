"""What a plant is shown of its own matter: its terms, never the authority's plans."""

from services.cases import rules, wire
from services.cases.domain.matter import Kind
from services.chassis.pb.cases.v1 import cases_pb2 as pb


def shown() -> pb.Matter:
    """An order to correct whose covert recheck is due, as the plant gets it."""
    message = pb.Matter(
        state="waiting",
        assignee_name="甲",
        risk=80,
        clocks=[
            pb.Clock(key="recheck", bound="authority", state="running"),
            pb.Clock(key="rectify_plan", bound="enterprise", state="running"),
        ],
    )
    message.clocks[0].due_at.seconds = 100
    message.clocks[1].due_at.seconds = 200
    message.next_due_at.seconds, message.next_due_key = 100, "recheck"
    event = message.timeline.add(act="rectification_order_served", actor_role="system")
    event.fields["clocks_started"] = (
        "recheck 2026-12-22T16:00:00Z; rectify_plan 2026-12-10T16:00:00Z"
    )
    event.fields["clocks_ended"] = "rectify_after_monitoring satisfied"
    return wire.for_enterprise(message, rules.life_cycle(Kind.RECTIFICATION))


def test_the_day_of_a_covert_recheck_is_nowhere():
    """Not among the clocks, not as the next term, not in a line of the timeline."""
    message = shown()

    assert [clock.key for clock in message.clocks] == ["rectify_plan"]
    assert (message.next_due_key, message.next_due_at.seconds) == ("rectify_plan", 200)
    assert "recheck" not in str(message)


def test_its_own_terms_stay():
    """The line still says what runs for the plant; one without anything for it says nothing."""
    (event,) = shown().timeline

    assert event.fields["clocks_started"] == "rectify_plan 2026-12-10T16:00:00Z"
    assert "clocks_ended" not in event.fields


def test_officers_and_risk_are_left_out():
    """Who works on it, and how the authority ranks it, is its own business."""
    message = shown()

    assert (message.assignee_name, message.risk) == ("", 0)
