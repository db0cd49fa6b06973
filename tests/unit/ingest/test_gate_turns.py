"""Live data first: who waits while frames pile up, and that everybody's turn comes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.gate.turns import FRAMES_A_TURN, Turns, is_late

SHARE = 100


class Connection:
    """Remembers whether it is read."""

    def __init__(self) -> None:
        self.read = True

    def set_turn(self, mine: bool) -> None:
        self.read = mine


@pytest.mark.parametrize(
    ("cn", "minutes", "late"),
    [
        ("2011", 1, False),
        ("2011", 11, True),
        ("2051", 20, False),
        ("2051", 31, True),
        ("2061", 70, False),
        ("2061", 181, True),
        ("2031", 60 * 30, False),
        ("2031", 60 * 49, True),
    ],
)
def test_what_fills_a_gap_is_told_from_what_comes_in_its_turn(cn: str, minutes: int, late: bool):
    """By the age of the DataTime and what the command covers."""
    assert is_late(cn, minutes * 60.0) is late


def test_nobody_waits_while_there_is_room():
    """Late data alone is no reason."""
    one = Connection()
    Turns(lambda: SHARE - 1, SHARE).sent_late(one)
    assert one.read


def test_the_line_is_let_go_in_order_as_far_as_there_is_room():
    """Eight frames of room are two turns; the first to wait is the first to go."""
    pending = SHARE
    turns = Turns(lambda: pending, SHARE)
    line = [Connection() for _ in range(5)]
    for one in line:
        turns.sent_late(one)
    pending = SHARE - 2 * FRAMES_A_TURN
    turns.let_go()
    assert [one.read for one in line] == [True, True, False, False, False]


@given(st.integers(1, 40))
def test_everybody_is_read_again_however_crowded_it_stays(waiting: int):
    """Each confirm moves the line by one at least."""
    turns = Turns(lambda: 10 * SHARE, SHARE)
    line = [Connection() for _ in range(waiting)]
    for one in line:
        turns.sent_late(one)
    for _ in line:
        turns.let_go()
    assert all(one.read for one in line)
    assert not len(turns)
