"""Requests to a logger: each clause of the dialogue, and every order of events against a model."""

from dataclasses import replace

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.ingest.hj212.dialogue import (
    ENDED,
    EXE_RETURNS,
    MOVES,
    QN_RETURNS,
    Answers,
    Dialogue,
    Reply,
    Request,
    Signal,
    State,
    StepKind,
    reply_of,
)
from services.ingest.hj212.segment import parse_segment

QN = "20260801085857223"
PATTERNS: tuple[Answers, ...] = ("nothing", "value", "series", "notice")


def dialogue(cn: str = "1011", answers: Answers = "value", **fields) -> Dialogue:
    """A request that was just written at time 0."""
    period = ("20260801080000", "20260801085900") if answers == "series" else ("", "")
    made = Dialogue(Request(cn, QN, b"request", answers, *period, **fields))
    made.begin(0.0)
    return made


def said(cn: str, qn: str = QN, **fields: str) -> Reply:
    """A frame of the logger."""
    return Reply(cn, qn, tuple(fields.items()))


READY, OK = said("9011", QnRtn="1"), said("9012", ExeRtn="1")


def heard(talk: Dialogue, *replies: Reply, now: float = 1.0) -> list[str]:
    """The kinds of the steps that these frames cause."""
    return [str(step.kind) for reply in replies for step in talk.receive(reply, now)]


def test_request_without_data_is_acknowledged_and_carried_out():
    """Set, control, start: 9011, 9012 (hj212.md 2.4)."""
    talk = dialogue("1062", "nothing")

    assert heard(talk, READY, OK) == ["acknowledged", "result"]
    assert talk.state is State.DONE
    assert talk.due is None


def test_value_comes_with_the_number_of_the_request():
    """An upload of the same command with a number of its own is no answer."""
    talk = dialogue("3020", "value")
    own = said("3020", qn="20260801085900000", DataTime="20260801085900")

    assert heard(talk, READY, own, said("3020", PolId="w01018"), OK) == [
        "acknowledged",
        "answer",
        "result",
    ]
    assert talk.answers == 1
    assert not talk.owns(own)


def test_series_comes_with_numbers_of_its_own_and_is_known_by_its_period():
    """Begin and End are inclusive; a live upload of the same command is left alone."""
    talk = dialogue("2051", "series")
    inside = [
        said("2051", qn=f"2026080108{minute}05051", DataTime=f"2026080108{minute}00")
        for minute in ("00", "10", "59")
    ]
    live = said("2051", qn="20260801091005051", DataTime="20260801090000")

    assert heard(talk, READY, *inside, live, OK) == ["acknowledged", *["answer"] * 3, "result"]
    assert talk.answers == 3
    assert not talk.owns(live)


def test_notice_ends_with_its_acknowledgement():
    """9013; a logger that says 9011 and 9012 to a notice has carried it out as well."""
    assert heard(talk := dialogue("2012", "notice"), said("9013")) == ["result"]
    assert talk.state is State.DONE
    assert heard(talk := dialogue("2012", "notice"), READY, OK) == ["acknowledged", "result"]
    assert talk.state is State.DONE


def test_9013_is_no_answer_to_a_request():
    """Only a notice ends with it."""
    talk = dialogue("1062", "nothing")

    assert heard(talk, said("9013")) == []
    assert talk.state is State.ASKED


def test_silence_is_asked_three_times_with_the_same_number_and_then_ends():
    """10 s x 3 (hj212.md 2.5)."""
    talk = Dialogue(Request("1011", QN, b"request", "value"))
    steps = talk.begin(100.0)
    for now in (109.9, 110.0, 119.9, 120.0, 129.9, 130.0, 200.0):
        steps += talk.tick(now)

    assert [(step.kind, step.at, step.detail) for step in steps] == [
        (StepKind.WRITTEN, 100.0, "1 of 3"),
        (StepKind.WRITTEN, 110.0, "2 of 3"),
        (StepKind.WRITTEN, 120.0, "3 of 3"),
        (StepKind.TIMED_OUT, 130.0, "no 9011 in 3 x 10 s"),
    ]
    assert talk.state is State.FAILED


def test_execution_that_goes_silent_fails_without_another_sending():
    """After 9011, and after each packet, the execution timeout runs (hj212.md 2.5)."""
    talk = dialogue("2051", "series", execution_s=60.0)
    talk.receive(READY, 5.0)
    talk.receive(said("2051", qn="1", DataTime="20260801080000"), 50.0)

    assert talk.tick(109.9) == []
    (step,) = talk.tick(110.0)
    assert (step.kind, step.detail) == (StepKind.TIMED_OUT, "nothing for 60 s after 1 answers")
    assert talk.sent == 1


@pytest.mark.parametrize("code", [code for code in QN_RETURNS if code != 1])
def test_refusal_ends_it_and_is_named(code: int):
    """9011 with anything but 1."""
    talk = dialogue()
    (step,) = talk.receive(said("9011", QnRtn=str(code)), 1.0)

    assert (step.kind, step.state) == (StepKind.ACKNOWLEDGED, State.FAILED)
    assert step.detail == f"{code} {QN_RETURNS[code]}"


@pytest.mark.parametrize("code", [code for code in EXE_RETURNS if code != 1])
def test_failure_is_named(code: int):
    """9012 with anything but 1."""
    talk = dialogue()
    talk.receive(READY, 1.0)
    (step,) = talk.receive(said("9012", ExeRtn=str(code)), 2.0)

    assert (step.state, step.detail) == (State.FAILED, f"{code} {EXE_RETURNS[code]}")


@pytest.mark.parametrize("fields", [{}, {"QnRtn": ""}, {"QnRtn": "yes"}, {"QnRtn": "77"}])
def test_return_code_that_no_table_has_is_a_refusal_with_its_text(fields: dict[str, str]):
    """Nothing that we cannot read counts as ready."""
    (step,) = dialogue().receive(said("9011", **fields), 1.0)

    assert step.state is State.FAILED
    assert "not in the tables" in step.detail


def test_result_without_acknowledgement_counts():
    """The logger carried it out; that its 9011 was lost changes nothing."""
    talk = dialogue("3012", "nothing")

    assert heard(talk, OK) == ["result"]
    assert talk.state is State.DONE


def test_late_and_repeated_replies_change_nothing_and_still_belong_here():
    """A resend may make the logger answer twice."""
    talk = dialogue()
    refusal = said("9011", QnRtn="7")

    assert heard(talk, READY, READY, refusal, said("1011"), OK) == [
        "acknowledged",
        "answer",
        "result",
    ]
    assert heard(talk, OK, READY, said("1011"), said("9012", ExeRtn="2")) == []
    assert talk.state is State.DONE
    assert talk.owns(OK)
    assert talk.owns(refusal)


def test_replies_of_another_request_are_left_alone():
    """The number decides."""
    talk = dialogue()

    assert heard(talk, said("9011", "20260801085857224", QnRtn="2")) == []
    assert not talk.owns(said("9012", "20260801085857224", ExeRtn="1"))
    assert talk.state is State.ASKED


def test_reply_without_any_number_belongs_to_the_request_under_way():
    """2005 loggers leave QN out; one request at a time a logger makes it clear."""
    assert heard(dialogue(), said("9011", "", QnRtn="1"), said("1011", ""), said("9012", "")) == [
        "acknowledged",
        "answer",
        "result",
    ]


def test_2005_replies_carry_the_number_inside_the_data_area():
    """HJ/T 212-2005 annex C: `ST=91;CN=9011;...;CP=&&QN=...;QnRtn=1&&`."""
    text = f"ST=91;CN=9011;PW=123456;MN=88888880000001;Flag=0;CP=&&QN={QN};QnRtn=1&&"
    reply = reply_of(parse_segment(text.encode()))

    assert (reply.cn, reply.qn) == ("9011", QN)
    assert heard(dialogue(), reply) == ["acknowledged"]


def test_2017_reply_keeps_its_own_system_code():
    """ST=91, or copied from the request: both occur and neither matters."""
    for st in ("91", "32"):
        text = f"QN={QN};ST={st};CN=9012;PW=123456;MN=1;Flag=4;CP=&&ExeRtn=1&&"
        assert heard(dialogue(), reply_of(parse_segment(text.encode()))) == ["result"]


def test_connection_that_ends_ends_the_request_once():
    """Nothing is told twice."""
    talk = dialogue()

    assert [step.kind for step in talk.gone(2.0) + talk.gone(3.0)] == [StepKind.DISCONNECTED]
    assert talk.tick(1e9) == []


def test_moves_reach_every_state_and_leave_no_end():
    """The table itself: from NEW everything is reached; an end has no way out."""
    reached = {State.NEW} | {after for after, _ in MOVES.values()}

    assert reached == set(State)
    assert not {state for state, _ in MOVES} & ENDED


class AnyOrder(RuleBasedStateMachine):
    """Whatever arrives in whatever order: at most three writings, one end, nothing after it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.steps: list[StepKind] = []
        self.quiet_since = 0.0
        self.talk: Dialogue | None = None

    @precondition(lambda self: self.talk is None)
    @rule(answers=strategies.sampled_from(PATTERNS))
    def begin(self, answers: Answers):
        period = ("20260801000000", "20260801235959") if answers == "series" else ("", "")
        self.talk = Dialogue(Request("2051", QN, b"request", answers, *period))
        self._record(self.talk.begin(self.now))

    @precondition(lambda self: self.talk is not None)
    @rule(
        cn=strategies.sampled_from(["9011", "9012", "9013", "2051", "2011"]),
        qn=strategies.sampled_from([QN, "20260801085857224", ""]),
        code=strategies.sampled_from(["1", "2", "100", "x"]),
        time=strategies.sampled_from(["20260801120000", "20260802120000", ""]),
    )
    def hear(self, cn: str, qn: str, code: str, time: str):
        reply = said(cn, qn, QnRtn=code, ExeRtn=code, DataTime=time)
        owned = self.talk.owns(reply)
        steps = self.talk.receive(reply, self.now)
        assert owned or not steps
        self._record(steps)

    @precondition(lambda self: self.talk is not None)
    @rule(seconds=strategies.sampled_from([0.0, 3.0, 9.9, 10.0, 60.0]))
    def wait(self, seconds: float):
        self.now += seconds
        due, state, sent = self.talk.due, self.talk.state, self.talk.sent
        steps = self.talk.tick(self.now)
        patience = {State.ASKED: 10.0, State.EXECUTING: 60.0}.get(state)
        overdue = patience is not None and self.now >= due
        assert bool(steps) == overdue
        if overdue:
            again = state is State.ASKED and sent < 3
            assert steps[0].kind is (StepKind.WRITTEN if again else StepKind.TIMED_OUT)
        self._record(steps)

    @precondition(lambda self: self.talk is not None)
    @rule()
    def hang_up(self):
        ended = self.talk.ended
        steps = self.talk.gone(self.now)
        assert bool(steps) != ended
        self._record(steps)

    @invariant()
    def ends_once(self):
        """Of the steps that end it there is one, it is the last, and its kind fits the state."""
        if self.talk is None:
            return
        assert self.steps.count(StepKind.WRITTEN) == self.talk.sent <= 3
        assert self.steps[0] is StepKind.WRITTEN
        assert self.steps.count(StepKind.ACKNOWLEDGED) <= 1
        ends = {StepKind.RESULT, StepKind.TIMED_OUT, StepKind.DISCONNECTED} & set(self.steps)
        if self.talk.ended:
            assert self.talk.due is None
            assert len(ends) <= 1
            assert self.steps[-1] in ends or self.steps[-1] is StepKind.ACKNOWLEDGED
        else:
            assert not ends
            assert self.talk.due is not None

    def _record(self, steps):
        assert len(steps) <= 1
        for step in steps:
            assert step.state is self.talk.state
        self.steps += [step.kind for step in steps]


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)


def test_the_last_word_of_a_done_request_is_a_result():
    """DONE is only reached by what the logger said."""
    assert {kind for _, (state, kind) in MOVES.items() if state is State.DONE} == {StepKind.RESULT}
    said_by_logger = {Signal.SUCCESS, Signal.NOTED}
    assert {signal for (_, signal), (state, _) in MOVES.items() if state is State.DONE} == (
        said_by_logger
    )


def test_time_in_which_nobody_listened_does_not_count():
    """A gate that pauses its reading leaves replies in the socket."""
    talk = dialogue()
    talk.postpone(7.0)

    assert talk.tick(16.9) == []
    assert [step.kind for step in talk.tick(17.0)] == [StepKind.WRITTEN]
    talk.receive(OK, 17.0)
    talk.postpone(1.0)
    assert talk.due is None


def test_timeouts_are_those_of_the_order():
    """OverTime and ReCount may be set by 1000."""
    talk = Dialogue(replace(dialogue().request, timeout_s=5.0, sendings=1))
    talk.begin(0.0)

    assert [step.detail for step in talk.tick(5.0)] == ["no 9011 in 1 x 5 s"]
