"""The life of a command: its table against a model that is written the other way round."""

import random
from datetime import UTC, datetime, timedelta
from itertools import permutations, product

import pytest

from services.ingest.command_wire import mask_frame
from services.ingest.domain.commands import (
    LIVING,
    MOST_SENDINGS,
    MOVES,
    UNDER_WAY,
    WORDS,
    Connection,
    Event,
    Standing,
    State,
    is_control,
    later_connection,
    move,
    order_id,
    sending_of,
)
from services.ingest.domain.field_names import SAID, detail_zh, name_of_field
from services.ingest.hj212.commands import find
from services.ingest.hj212.dialogue import EXE_RETURNS, QN_RETURNS

T0 = datetime(2026, 11, 22, 8, tzinfo=UTC)


def expected(standing: Standing, event: Event) -> State:
    """Say in rules what the table says in rows."""
    state = standing.state
    if state in (State.DONE, State.FAILED, State.EXPIRED, State.CANCELLED):
        return state
    if state is State.LOST:
        return {Event.SUCCEED: State.DONE, Event.FAIL: State.FAILED}.get(event, state)
    if event is Event.SUCCEED:
        return State.DONE
    if state is State.QUEUED:
        return {
            Event.SEND: State.SENT,
            Event.CANCEL: State.CANCELLED,
            Event.DEADLINE: State.EXPIRED,
        }.get(event, state)
    if event is Event.FAIL:
        return State.FAILED
    if event is Event.READY:
        return State.RUNNING
    if event is Event.BREAK:
        if standing.control:
            return State.LOST
        return State.FAILED if standing.sendings >= MOST_SENDINGS else State.QUEUED
    if state is State.SENT and event is Event.RETURN:
        return State.QUEUED
    if state is State.SENT and event is Event.DEADLINE:
        return State.EXPIRED
    return state


@pytest.mark.parametrize("control", [True, False])
@pytest.mark.parametrize("sendings", range(MOST_SENDINGS + 2))
def test_every_state_and_event_is_as_the_rules_say(control: bool, sendings: int) -> None:
    """All 64 pairs, for reading and control commands and each number of sendings."""
    for state, event in product(State, Event):
        standing = Standing(state, control=control, sendings=sendings)

        assert move(standing, event) is expected(standing, event), (state, event)


@pytest.mark.parametrize("seed", range(200))
def test_a_control_command_is_never_sent_again_after_its_fate_is_open(seed: int) -> None:
    """Random lives: after a break no event leads a control command to a gate again."""
    chance = random.Random(seed)
    standing, broke, sent = Standing(State.QUEUED, control=True), False, 0
    for _ in range(60):
        event = chance.choice(list(Event))
        after = move(standing, event)
        if event is Event.SEND and after is State.SENT and standing.state is State.QUEUED:
            assert not broke
            sent += 1
        broke = broke or (event is Event.BREAK and standing.state in UNDER_WAY)
        standing = Standing(after, control=True, sendings=sent)


@pytest.mark.parametrize("seed", range(100))
def test_a_reading_command_is_sent_a_bounded_number_of_times(seed: int) -> None:
    """However often the gate breaks off, there are no more than three sendings by breaks."""
    chance = random.Random(seed)
    state, sendings = State.QUEUED, 0
    events = [Event.SEND, Event.READY, Event.BREAK]
    for _ in range(100):
        event = chance.choice(events)
        after = move(Standing(state, control=False, sendings=sendings), event)
        sendings += state is State.QUEUED and after is State.SENT
        state = after

    assert (state, sendings) == (State.FAILED, MOST_SENDINGS)


def test_terminal_states_keep() -> None:
    """Only the unknown fate is ever settled later."""
    leaving = {state for state, _ in MOVES}

    assert leaving == LIVING | {State.LOST}


@pytest.mark.parametrize(
    ("cn", "parameters", "control"),
    [
        ("2051", {"BeginTime": "1", "EndTime": "2"}, False),
        ("1011", {}, False),
        ("3019", {"PolId": "a21026"}, False),
        ("3020", {"PolId": "a21026", "InfoId": "i13001"}, False),
        ("2062", {"BeginTime": "1", "EndTime": "2"}, False),
        ("1012", {"SystemTime": "1"}, True),
        ("3011", {"PolId": "a21026"}, True),
        ("3015", {}, True),
        ("3024", {"PolId": "w01018"}, True),
        ("2011", {}, True),
        ("2012", {}, True),
        ("2011", {"BeginTime": "1", "EndTime": "2"}, False),
    ],
)
def test_what_changes_something_is_control(
    cn: str, parameters: dict[str, str], control: bool
) -> None:
    """History, time and parameters only read; setting, starting, sampling, calibrating do not."""
    st = "44" if cn == "2011" and parameters else ""
    row = find(cn, None, st)
    assert row is not None

    assert is_control(cn, row.answers, parameters) is control


def test_every_word_names_a_command_that_can_be_asked() -> None:
    """The short words of the command line point into the command table."""
    for word, cn in WORDS.items():
        row = find(cn)
        assert row is not None, word
        assert row.requestable, word


def test_a_sending_has_a_name_of_its_own() -> None:
    """The gate carries out one name once; another sending must have another name."""
    names = {order_id("c0ffee", sending) for sending in range(1, 5)}

    assert len(names) == 4
    assert [sending_of(order_id("c0ffee", n)) for n in (1, 2, 9)] == [
        ("c0ffee", n) for n in (1, 2, 9)
    ]


def test_words_about_connections_may_come_in_any_order() -> None:
    """Two connections, four words, every order with repeats: the newest one is what is known."""
    words = [
        Connection("one", T0, None),
        Connection("one", None, T0 + timedelta(minutes=5)),
        Connection("two", T0 + timedelta(minutes=6), None),
    ]
    for order in permutations(words):
        known: Connection | None = None
        for word in (*order, *order):
            known = later_connection(known, word) or known

        assert known == words[2], order


def test_an_end_that_comes_before_its_beginning_is_kept() -> None:
    """A connection whose words are exchanged on the way is closed, not open."""
    end = Connection("one", None, T0 + timedelta(seconds=3))
    known = later_connection(end, Connection("one", T0, None))

    assert known == Connection("one", T0, T0 + timedelta(seconds=3))


def test_secrets_of_a_frame_are_masked_and_nothing_else() -> None:
    """PW in the head, NewPW and NewSK in the area; other names that end alike stay."""
    raw = b"##0100QN=1;ST=31;CN=1072;PW=123456;MN=1;CP=&&NewPW=654321,NewSK=k;xPW=7&&4080\r\n"

    assert mask_frame(raw) == (
        b"##0100QN=1;ST=31;CN=1072;PW=******;MN=1;CP=&&NewPW=******,NewSK=******;xPW=7&&4080\r\n"
    )


@pytest.mark.parametrize(
    ("name", "zh"),
    [
        ("i13001-Info", "测量量程"),
        ("w01018-SampleRd", "化学需氧量 标样测定值"),
        ("SB1-RS", "设施 SB1 运行状态"),
        ("PolId", "监测因子编码"),
        ("nothing-known", ""),
    ],
)
def test_fields_have_names(name: str, zh: str) -> None:
    """A factor, site information, a facility, a plain field, and one that no table has."""
    assert name_of_field(name).zh == zh


def test_every_return_code_has_chinese_words() -> None:
    """What the gate says of 9011 and 9012 is in the table; other words stay as they are."""
    for words in (*QN_RETURNS.values(), *EXE_RETURNS.values()):
        assert SAID[words]
        assert detail_zh(f"2 {words}") == f"2 {SAID[words]}"
    assert detail_zh("no 9011 in 3 x 10 s") == "发送 3 次，每次 10 秒内无 9011 应答"
    assert detail_zh("77 (not in the tables)") == ""
    assert detail_zh("") == ""
