"""The fuzzer runs, and a few hundred of its inputs break no claim; `make fuzz` takes minutes."""

from tests.fuzz.hj212 import Fuzzer


def test_three_hundred_mutations_break_no_claim():
    """The same mutations every time; edges are found, so they are not refused at the door."""
    fuzzer = Fuzzer(seed=212)
    reached = sum(fuzzer.execute(fuzzer.mutated()) for _ in range(300))

    assert fuzzer.crashes == {}
    assert reached > 5
    assert len(fuzzer.edges) > 500
