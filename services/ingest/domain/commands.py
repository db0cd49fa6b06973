"""反控 as a state machine: what may happen to a request, and what it then is.

The legal moves are one table. Two rules stand behind it. What changes something at a site (control)
is never carried out twice without anybody knowing: when nobody can say whether it was, it is LOST,
told as failed with that said. What only reads may be asked again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class State(StrEnum):
    """Where a command stands. LOST is told outside as failed with an unknown fate."""

    QUEUED = "queued"
    SENT = "sent"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    LOST = "lost"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


UNDER_WAY = frozenset({State.SENT, State.RUNNING})
LIVING = UNDER_WAY | {State.QUEUED}


class Event(StrEnum):
    """What happens to a command."""

    SEND = "send"  # handed to a gate
    RETURN = "return"  # certainly not carried out: no such gate, or no connection there
    READY = "ready"  # 9011 said ready
    SUCCEED = "succeed"  # carried out
    FAIL = "fail"  # refused, failed or not answered in time
    BREAK = "break"  # the connection or the gate is gone while it may be under way
    DEADLINE = "deadline"  # too late to begin
    CANCEL = "cancel"  # withdrawn


#: Every legal move; what is not here changes nothing.
MOVES: Mapping[tuple[State, Event], State] = {
    (State.QUEUED, Event.SEND): State.SENT,
    (State.QUEUED, Event.CANCEL): State.CANCELLED,
    (State.QUEUED, Event.DEADLINE): State.EXPIRED,
    (State.QUEUED, Event.SUCCEED): State.DONE,  # the word of an earlier sending came late
    (State.SENT, Event.RETURN): State.QUEUED,
    (State.SENT, Event.READY): State.RUNNING,
    (State.SENT, Event.SUCCEED): State.DONE,
    (State.SENT, Event.FAIL): State.FAILED,
    (State.SENT, Event.DEADLINE): State.EXPIRED,
    (State.RUNNING, Event.SUCCEED): State.DONE,
    (State.RUNNING, Event.FAIL): State.FAILED,
    (State.LOST, Event.SUCCEED): State.DONE,  # the truth came late
    (State.LOST, Event.FAIL): State.FAILED,
}
#: Where BREAK leads from SENT and RUNNING depends on what may be asked again.
BREAKS_TO: Mapping[bool, State] = {True: State.QUEUED, False: State.LOST}

#: Sendings of one reading request; a logger that breaks off three times has a fault of its own.
MOST_SENDINGS = 3
#: How long a command waits to be begun when the caller says nothing. Ours: an officer's working
#: hour. A plan (back-fill) gives its own.
DEADLINE = timedelta(hours=1)
#: Longest deadline anybody may ask for. Ours: nobody remembers an older request.
LONGEST_DEADLINE = timedelta(days=7)

#: A gate answers with WRITTEN at once; without a word its order is given to it again (it carries an
#: order out once), and it is asked whether it still lives.
HEAR = timedelta(seconds=10)
#: A gate that has begun tells each step; between two of them it is asked whether it still lives.
CHECK = timedelta(seconds=30)
#: A gate whose connection to the bus flickers has its queue back within seconds. Ours.
GONE = timedelta(seconds=20)
#: Longest silence of a living gate. Its own time-outs (10 s x 3, HJ 212-2017 table 9) are far
#: shorter; a calibration at the site may take an hour before its 9012. Ours.
SILENCE = timedelta(hours=2)
#: A queued command is looked at again when nothing woke it: a lost LoggerSessions.
WAIT = timedelta(seconds=60)
#: The same when the logger's gate should be there or a server is away.
SOON = timedelta(seconds=5)

#: Answered with a value, yet something is done at the site: 3015 retains a sample
#: (HJ 212-2017 table 9, hj212.md 2.2).
CONTROL_WITH_ANSWER = frozenset({"3015"})
#: Fields that open a door or a cipher; masked wherever they are shown to who may not have them.
SECRETS = frozenset({"PW", "NewPW", "NewSK"})
MASK = "******"

#: Short words for people, by command: `farsight call DA001 minutes`.
WORDS: Mapping[str, str] = {
    "time": "1011",
    "set-time": "1012",
    "realtime-interval": "1061",
    "minute-interval": "1063",
    "raw": "2013",
    "days": "2031",
    "running-time": "2041",
    "minutes": "2051",
    "hours": "2061",
    "check-results": "2062",
    "calibrate": "3011",
    "sample": "3012",
    "clean": "3013",
    "compare": "3014",
    "retain": "3022",
    "sampling-period": "3017",
    "sample-time": "3018",
    "serial": "3019",
    "info": "3020",
    "check": "3024",
}
WORD_OF: Mapping[str, str] = {cn: name for name, cn in WORDS.items()}


@dataclass(frozen=True, slots=True)
class Standing:
    """What the moves depend on."""

    state: State
    control: bool  # changes something at the site
    sendings: int = 0  # times handed to a gate


def move(standing: Standing, event: Event) -> State:
    """Give the state after an event; the same one where the event changes nothing.

    >>> move(Standing(State.SENT, control=True), Event.BREAK)
    <State.LOST: 'lost'>
    >>> move(Standing(State.SENT, control=False, sendings=1), Event.BREAK)
    <State.QUEUED: 'queued'>
    """
    if event is Event.BREAK:
        if standing.state not in UNDER_WAY:
            return standing.state
        if not standing.control and standing.sendings >= MOST_SENDINGS:
            return State.FAILED
        return BREAKS_TO[not standing.control]
    return MOVES.get((standing.state, event), standing.state)


def is_control(cn: str, answers: str, parameters: Mapping[str, str]) -> bool:
    """Whether a command changes something at the site.

    `answers` is the shape of the dialogue in the command table: what gives values or a series back
    only reads, with the exceptions named here. 2011 reads only with a period (HJ 212-2025, ST 44);
    without one it switches an upload on, as 2021 does.
    """
    if cn in CONTROL_WITH_ANSWER:
        return True
    if cn in ("2011", "2021"):
        return "BeginTime" not in parameters
    return answers not in ("value", "series")


def order_id(command_id: str, sending: int) -> str:
    """Name one sending of a command: a gate carries out what has the same name once.

    >>> order_id("c", 1), order_id("c", 2)
    ('c', 'c.2')
    """
    return command_id if sending == 1 else f"{command_id}.{sending}"


def sending_of(order: str) -> tuple[str, int]:
    """Give command and sending of an order's name. Raises ValueError when it is none.

    >>> sending_of("c.2"), sending_of("c")
    (('c', 2), ('c', 1))
    """
    command_id, _, sending = order.partition(".")
    return command_id, int(sending or "1")


def mask_value(name: str, value: str) -> str:
    """Give a field's value as people may see it who have no right to secrets."""
    return MASK if name in SECRETS else value


@dataclass(frozen=True, slots=True)
class Connection:
    """A logger's connection as last heard of; times of the gate's clock."""

    session_id: str
    opened_at: datetime | None
    closed_at: datetime | None


def later_connection(known: Connection | None, heard: Connection) -> Connection | None:
    """Give what is known after a word about a connection came; None = nothing new.

    Words come in any order and more than once: each end of a connection carries its session's id,
    and an end that comes before its beginning is kept.
    """
    if known is None:
        return heard
    if known.session_id == heard.session_id:
        merged = Connection(
            known.session_id,
            known.opened_at or heard.opened_at,
            known.closed_at or heard.closed_at,
        )
        return None if merged == known else merged
    newest = max(filter(None, (known.opened_at, known.closed_at)))
    moment = heard.opened_at or heard.closed_at
    return heard if moment is not None and moment > newest and heard.opened_at else None
