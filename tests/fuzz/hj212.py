"""`make fuzz`: mutated streams through the whole HJ 212 reader, guided by the edges they reach.

Seeds are our golden frames and, where they are, the shared reference frames. An input that reaches
a new edge (pair of lines run one after the other in services/ingest/hj212) or a new outcome (shape,
reason, repairs and notes together) is kept and mutated further; most mutations are given a right
length and CRC, or nothing would get past the framing. Tracing edges makes an execution six times
slower (3,900 to 660 a second) and finds nearly all of them in seconds, so one in four is traced.

The claims checked of every input: nothing is raised but the peer's typed error, every byte is
accounted once and in order, the cut into reads changes nothing, little is held, and what a message
is written back as reads as the same message. An input that breaks one is saved, the run goes on.
"""

import argparse
import hashlib
import random
import resource
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import services.ingest.hj212 as package
from services.ingest.hj212.cipher import encrypt_frame
from services.ingest.hj212.crc import crc16
from services.ingest.hj212.encode import encode_message
from services.ingest.hj212.errors import LocalProtocolError, PeerProtocolError
from services.ingest.hj212.framing import FAULT_LIMIT, REPAIRS, Framer, Item
from services.ingest.hj212.messages import read_message
from services.ingest.hj212.policy import LoggerPolicy
from services.ingest.hj212.segment import parse_segment
from services.ingest.hj212.session import Received, Session
from services.ingest.hj212.version import Version
from tests.unit.ingest.frames import GOLDEN, REFERENCE, read_reference

CRASHES = Path("test-results/fuzz")
HELD = 2 * FAULT_LIMIT
TRACED = 0.25
KEY, KEY_BEFORE = b"0" * 16, b"fedcba9876543210"
TOKENS = (
    *(b"##", b"##0100", b"##0", b"##9999", b"##17", b"&&", b"CP=&&", b"\r\n", b"\n", b"0000\r\n"),
    *(b";", b",", b"=", b"//", b"=//", b" ", b"\0", b"RF=1;", b"PNUM=2;PNO=1;", b"Flag=9;", b"QN="),
    *(
        b"CN=9015",
        b"CN=1014",
        b"CN=2062",
        b"CN=3020",
        b"CN=9014",
        b"ST=91",
        b"MN=;",
        b"-Rtd=",
        b"nan",
    ),
    *(
        b"DataTime=",
        b"20261122110000",
        b"a21026-",
        b"011-",
        b"1e999",
        b"-",
        "清洗".encode("gb18030"),
    ),
)


class Fuzzer:
    """The corpus, the edges it reaches, and what was found."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.corpus = seeds()
        self.edges: set[tuple[CodeType, int, int]] = set()
        self.outcomes: set[tuple[object, ...]] = set()
        self.executions = 0
        self.held = 0
        self.slowest = 0.0
        self.crashes: dict[str, Path] = {}

    def run(self, seconds: float) -> None:
        """Mutate and check until the time is over."""
        for data in list(self.corpus):
            self.execute(data)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            data = self.mutated()
            if self.execute(data) and len(self.corpus) < 5000 and len(data) < 4000:
                self.corpus.append(data)

    def execute(self, data: bytes) -> bool:
        """Check one input; whether it reached an edge or outcome for the first time."""
        before, start = len(self.edges) + len(self.outcomes), time.perf_counter()
        self.executions += 1
        try:
            if self.chance.random() < TRACED:
                with traced(self.edges):
                    self.check(data)
            else:
                self.check(data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the finding
            self.crashed(data, error)
        self.slowest = max(self.slowest, time.perf_counter() - start)
        return len(self.edges) + len(self.outcomes) > before

    def check(self, data: bytes) -> None:
        """All claims about one stream."""
        off = frozenset(name for name in REPAIRS if self.chance.random() < 0.05)
        policy = LoggerPolicy(off, (KEY, KEY_BEFORE)[: self.chance.randrange(3)])
        sizes = [self.chance.choice([1, 3, 50, 200, 1460]) for _ in range(5)]
        whole = Framer(lambda _: policy)
        items = whole.feed(data) + whole.flush()
        assert b"".join(item.raw for item in items) == data, "bytes are not accounted"
        assert self.cut(data, sizes, policy) == items, "the cut into reads changes the items"
        session = Session(0.0, lambda _: policy)
        for received in session.receive(data, 0.0) + session.flush():
            shape = type(received.message).__name__
            self.outcomes.add((shape, received.reason, received.repairs, received.notes))
            check_message(received)
        for version in Version:
            with suppress(PeerProtocolError):
                read_message(parse_segment(data), version)

    def cut(self, data: bytes, sizes: list[int], policy: LoggerPolicy) -> list[Item]:
        """The items of the stream in reads of these sizes."""
        framer = Framer(lambda _: policy)
        items: list[Item] = []
        position = turn = 0
        while position < len(data):
            size = sizes[turn % len(sizes)]
            items += framer.feed(data[position : position + size])
            self.held = max(self.held, len(framer.held))
            position, turn = position + size, turn + 1
        assert self.held <= HELD, "too much is held"
        return items + framer.flush()

    def mutated(self) -> bytes:
        """A new input out of one or several of the corpus."""
        chance = self.chance
        data = bytearray(chance.choice(self.corpus))
        for _ in range(chance.choice([1, 1, 2, 4, 8])):
            self.mutate(data)
        if chance.random() < 0.6:
            data = bytearray(reframed(bytes(data)))
        if chance.random() < 0.1:
            data = bytearray(chance.choice(encryptions)(bytes(data)))
        if chance.random() < 0.3:
            data += chance.choice(self.corpus)
        if chance.random() < 0.05:
            data *= chance.randrange(2, 12)
        return bytes(data[:20_000])

    def mutate(self, data: bytearray) -> None:
        """One change in place."""
        chance = self.chance
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.choice([1, 2, 6, 40]))
        kind = chance.randrange(7)
        if kind == 0 and at < len(data):
            data[at] = chance.randrange(256)
        elif kind == 1:
            data[at:at] = chance.choice(TOKENS)
        elif kind == 2:
            del data[at:end]
        elif kind == 3:
            data[at:at] = data[at:end] * chance.choice([1, 2, 30])
        elif kind == 4:
            other = chance.choice(self.corpus)
            place = chance.randrange(len(other) + 1)
            data[at:] = other[place:]
        elif kind == 5:
            data[2:6] = b"%04d" % chance.choice([0, 9999, 2048, 1024, chance.randrange(2100)])
        elif kind == 6:
            data[at:end] = chance.choice(TOKENS)

    def crashed(self, data: bytes, error: Exception) -> None:
        """Save the input; one file for each place that raised."""
        where = traceback.extract_tb(error.__traceback__)[-1]
        cause = f"{type(error).__name__} {Path(where.filename).name}:{where.lineno} {error}"[:120]
        if cause in self.crashes:
            return
        CRASHES.mkdir(parents=True, exist_ok=True)
        path = CRASHES / f"{hashlib.sha256(data).hexdigest()[:16]}.bin"
        path.write_bytes(data)
        self.crashes[cause] = path
        print(f"BROKEN {cause}: {path}", flush=True)


def check_message(received: Received) -> None:
    """What was read may be written, and reads as the same again."""
    if received.message is None:
        assert received.reason, "neither a message nor a reason"
        return
    assert received.segment is not None
    try:
        frame = encode_message(received.message)
    except LocalProtocolError:
        return  # tolerated forms that the standard cannot say (too long, reserved characters)
    (again,) = Session(0.0).receive(frame, 0.0)
    assert again.message is not None, f"written back it is {again.reason}: {again.detail}"
    twice = encode_message(again.message)
    assert twice == frame, "what is written back is not stable"


def seeds() -> list[bytes]:
    """Golden frames plain, encrypted and damaged; the public frames where they are."""
    frames = list(GOLDEN)
    frames += [encrypt(frame) for frame in GOLDEN for encrypt in encryptions]
    frames += [frame.replace(b"##0", b"##") for frame in GOLDEN]
    if REFERENCE.exists():
        frames += [data for _, _, data in read_reference()]
    return frames


def reframed(data: bytes) -> bytes:
    """The data's segment with its right length and CRC."""
    segment = data[6:-6] if data.startswith(b"##") else data
    return b"##%04d%b%04X\r\n" % (len(segment), segment, crc16(segment))


encryptions = (
    lambda frame: encrypt_frame(frame, KEY),
    lambda frame: encrypt_frame(frame, KEY_BEFORE),
    lambda frame: encrypt_frame(frame, KEY, "hex"),
)


@contextmanager
def traced(edges: set[tuple[CodeType, int, int]]) -> Iterator[None]:
    """Note every edge inside the package while the block runs."""
    folder = str(Path(package.__file__ or "").parent)

    def enter(frame: FrameType, event: str, arg: Any):
        code = frame.f_code
        if not code.co_filename.startswith(folder):
            return None
        line = 0

        def step(frame: FrameType, event: str, arg: Any):
            nonlocal line
            edges.add((code, line, frame.f_lineno))
            line = frame.f_lineno
            return step

        return step

    sys.settrace(enter)
    try:
        yield
    finally:
        sys.settrace(None)


def main() -> int:
    """Run and report; 1 when a claim was broken."""
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=None, help="to run the same mutations again")
    args = parser.parse_args()
    seed = random.SystemRandom().randrange(2**32) if args.seed is None else args.seed
    fuzzer = Fuzzer(seed)
    at_first = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fuzzer.run(args.seconds)
    at_last = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(
        f"seed {seed}: {fuzzer.executions} executions in {args.seconds:.0f} s"
        f" ({fuzzer.executions / args.seconds:.0f}/s), {len(fuzzer.edges)} edges,"
        f" {len(fuzzer.outcomes)} outcomes,"
        f" corpus {len(fuzzer.corpus)}, at most {fuzzer.held} bytes held,"
        f" slowest {fuzzer.slowest * 1000:.0f} ms,"
        f" memory {at_first // 1024} to {at_last // 1024} MB, {len(fuzzer.crashes)} broken claims"
    )
    return 1 if fuzzer.crashes else 0


if __name__ == "__main__":
    sys.exit(main())
