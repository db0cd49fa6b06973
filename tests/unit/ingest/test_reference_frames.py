"""Every frame of the shared reference has the outcome that our table states.

Each row was checked against the file's own comment and hj212.md section 7. It says, in the order of
the bytes: shape of the message, CN, version, repairs, cipher and notes, or a fault and its name.
"""

import csv
import random
from pathlib import Path

from services.ingest.hj212.policy import LoggerPolicy
from services.ingest.hj212.session import Received, Session

from .frames import reference_frames

TABLE = Path(__file__).with_name("reference_frames.csv")
ANNEX_KEY = b"0" * 16  # of the encrypted examples of HJ 212-2025 annex A.2
NOTED = {"gb18030", "segment_over_1024", "head_comma"}


def expected() -> dict[int, list[str]]:
    """Outcomes by number of the frame."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {int(row["frame"]): row["outcomes"].split("|") for row in csv.DictReader(file)}


def outcome(received: Received) -> str:
    """One account in the words of the table."""
    if received.reason:
        name, colon, _ = received.detail.partition(": ")
        return " ".join([received.reason, *([name] if colon and name.startswith("crc_") else [])])
    notes = [note for note in received.notes if note in NOTED]
    cipher = [f"sm4_{received.cipher}"] if received.cipher else []
    shape = type(received.message).__name__
    return " ".join([shape, received.cn, str(received.version), *received.repairs, *cipher, *notes])


def read(data: bytes, size: int) -> list[Received]:
    """The accounts of a stream that comes in reads of `size` bytes."""
    session = Session(0.0, lambda _: LoggerPolicy(keys=(ANNEX_KEY,)))
    accounts = [
        received
        for start in range(0, len(data), size)
        for received in session.receive(data[start : start + size], 0.0)
    ]
    return accounts + session.flush()


def test_every_frame_has_its_stated_outcome_whole_and_byte_by_byte():
    """A frame that the table does not know must at least be taken where its check says OK."""
    table = expected()
    for number, comment, data in reference_frames():
        accounts = read(data, len(data))
        if number in table:
            assert [outcome(received) for received in accounts] == table[number], number
        elif "check: OK" in comment:
            assert [received.reason for received in accounts] == [""], number
        assert read(data, 1) == accounts, number


def test_frames_glued_in_random_order_give_the_same():
    """Each keeps its outcome, whatever stands before and behind, in reads of any size.

    A frame cut off, with a wrong length or no tail needs a separator to mean what it means alone:
    what follows would otherwise be the rest of it.
    """
    chance = random.Random(212)
    frames = reference_frames()
    for _ in range(5):
        chance.shuffle(frames)
        stream = b"".join(data if data.endswith(b"\n") else data + b"\r\n" for _, _, data in frames)
        accounts = read(stream, chance.choice([1, 7, 100, 1460, len(stream)]))
        good = [received.raw.strip() for received in accounts if not received.reason]
        wanted = [
            received.raw.strip()
            for _, _, data in frames
            for received in read(data, len(data))
            if not received.reason
        ]
        assert good == wanted
