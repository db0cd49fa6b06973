"""A logger's line against a peer that acknowledges, drops, hangs up or refuses: nothing is lost."""

import asyncio
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from farsight.lab.frames import Frame
from farsight.lab.province import read_rows
from farsight.lab.simulate import DEFAULT_SEED
from farsight.lab.state import RunState, load_state
from farsight.lab.uplink import Tally, Uplink
from services.ingest.hj212.encode import encode_frame

Address = tuple[str, int]


def frames(count: int) -> list[Frame]:
    """Frames with numbers of their own."""
    numbers = [f"{20260101000000000 + n}" for n in range(count)]
    return [Frame(qn, encode_frame(f"QN={qn};CN=2061;CP=&&&&".encode())) for qn in numbers]


@dataclass
class Peer:
    """A TCP peer that reads frames by length and answers as `answers(qn, times seen)` says."""

    answers: Callable[[str, int], str]
    seen: Counter[str] = field(default_factory=Counter)
    most_open: int = 0
    connections: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection; "ack" answers, "drop" says nothing, "hang up" closes the line."""
        self.connections += 1
        try:
            while True:
                head = await reader.readexactly(6)
                body = await reader.readexactly(int(head[2:]) + 6)
                qn = body[3:20].decode()
                self.seen[qn] += 1
                answer = self.answers(qn, self.seen[qn])
                if answer == "hang up":
                    break
                if answer == "ack":
                    reply = f"QN={qn};ST=91;CN=9014;PW=1;MN=2;Flag=4;CP=&&&&"
                    for piece in (
                        encode_frame(reply.encode())[:9],
                        encode_frame(reply.encode())[9:],
                    ):
                        writer.write(piece)
                        await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@asynccontextmanager
async def listening(peer: Peer) -> AsyncIterator[Address]:
    """The peer on a port of its own."""
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[:2]


def run(peer: Peer, work: Callable[[Uplink], Awaitable[None]], **options: float) -> Tally:
    """Run `work` over one line to the peer, at most twenty seconds."""
    tally = Tally()

    async def main() -> None:
        async with asyncio.timeout(20), listening(peer) as address:
            uplink = Uplink(address, tally, **options)  # type: ignore[arg-type]
            try:
                await work(uplink)
            finally:
                await uplink.close()

    asyncio.run(main())
    return tally


async def everything(uplink: Uplink, count: int = 500) -> None:
    """Send and wait for the last acknowledgement."""
    await uplink.send(frames(count))
    await uplink.drain()


def test_every_frame_is_acknowledged_once_and_sent_once() -> None:
    """The quiet case, with replies that arrive in pieces."""
    peer = Peer(lambda _qn, _times: "ack")

    tally = run(peer, everything)

    assert (tally.sent, tally.acknowledged, tally.resent, tally.unanswered) == (500, 500, 0, 0)
    assert set(peer.seen.values()) == {1}


def test_the_window_bounds_what_is_under_way() -> None:
    """A peer that never answers gets one window full and no more."""
    peer = Peer(lambda _qn, _times: "drop")

    async def stuck(uplink: Uplink) -> None:
        sending = asyncio.create_task(uplink.send(frames(100)))
        while len(peer.seen) < 8:  # noqa: ASYNC110 - polling the peer, under a deadline
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        sending.cancel()

    tally = run(peer, stuck, window=8)

    assert len(peer.seen) == 8
    assert tally.sent == 8


def test_a_lost_line_is_dialled_again_and_loses_nothing() -> None:
    """The peer hangs up at every hundredth frame it sees for the first time."""
    peer = Peer(lambda qn, times: "hang up" if int(qn) % 100 == 50 and times == 1 else "ack")

    tally = run(peer, everything)

    assert tally.acknowledged == 500
    assert tally.connects == peer.connections == 6
    assert len(peer.seen) == 500


def test_a_refused_frame_is_tried_three_times_and_given_up() -> None:
    """HJ 212 sends no refusal: one number is never answered while the others are."""
    bad = frames(30)[7].qn
    peer = Peer(lambda qn, _times: "drop" if qn == bad else "ack")

    async def steady(uplink: Uplink) -> None:
        for frame in frames(30):
            await uplink.send([frame])
            await asyncio.sleep(0.03)
        await uplink.drain()

    tally = run(peer, steady, patience_s=0.2)

    assert (tally.acknowledged, tally.unanswered) == (29, 1)
    assert peer.seen[bad] == 3


def test_a_line_on_which_nothing_comes_back_is_dialled_again() -> None:
    """A gate that hangs: after the patience a new line, the same frames, no loss."""
    peer = Peer(lambda _qn, times: "drop" if times == 1 else "ack")

    async def work(uplink: Uplink) -> None:
        await everything(uplink, 5)

    tally = run(peer, work, patience_s=0.2)

    assert (tally.acknowledged, tally.unanswered, tally.faults) == (5, 0, {"no reply": 1})


def test_the_state_goes_on_where_it_stopped_and_refuses_another_seed(tmp_path: Path) -> None:
    """Values of two seeds at the same hours would contradict each other."""
    path = tmp_path / "demo" / "simulate.json"
    RunState(7, 498_000, {"mn": 498_001}).save(path)

    assert load_state(path, 7, 499_000) == RunState(7, 498_000, {"mn": 498_001})
    with pytest.raises(ValueError, match="seed 7"):
        load_state(path, 8, 499_000)


def simulate(*arguments: str) -> tuple[int, str, str]:
    """`farsight simulate` in a process of its own."""

    async def main() -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "farsight", "simulate", *arguments,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await asyncio.wait_for(process.communicate(), 60)
        return process.returncode or 0, out.decode(), err.decode()

    return asyncio.run(main())


def against(peer: Peer, *runs: tuple[str, ...]) -> list[dict[str, float]]:
    """`farsight simulate --json` against the peer, run after run; their figures."""

    async def main() -> list[dict[str, float]]:
        results = []
        async with listening(peer) as (host, port):
            for arguments in runs:
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "farsight", "simulate", "--json",
                    "--gate", f"{host}:{port}", *arguments, stdout=asyncio.subprocess.PIPE,
                )  # fmt: skip
                out, _ = await asyncio.wait_for(process.communicate(), 60)
                assert process.returncode == 0
                results.append(json.loads(out))
        return results

    return asyncio.run(main())


def test_history_is_sent_whole_once_and_then_only_what_is_new(tmp_path: Path) -> None:
    """Two days of all loggers and ten furnaces' means, then the same again: nothing is due."""
    state = ("--state", str(tmp_path / "state.json"))
    span = ("--from", "2026-06-01T00:00", "--to", "2026-06-03T00:00", "--honest", *state)

    first, second = against(Peer(lambda _qn, _times: "ack"), span, span)

    assert first["acknowledged"] == 48 * (43 + 10 * 12)
    assert second["sent"] == 0


def test_live_sends_each_kind_at_its_time_and_ends_at_the_given_moment(tmp_path: Path) -> None:
    """An hour of one logger, two thousand times as fast: samples, ten-minute means, the hour."""
    one = read_rows("loggers")[0]["mn"]
    span = ("--from", "2026-06-01T08:00", "--to", "2026-06-01T09:00:30", "--speed", "2000")

    (live,) = against(
        Peer(lambda _qn, _times: "ack"),
        ("--live", "--only", one, *span, "--state", str(tmp_path / "state.json")),
    )

    assert live["acknowledged"] == live["sent"] == 120 + 6 + 1
    assert live["connects"] == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_run_keeps_the_hour_its_stories_count_from(tmp_path: Path, number: int) -> None:
    """However it ends in the middle of history, the next start tells the same stories."""
    path = tmp_path / "state.json"
    peer = Peer(lambda _qn, _times: "drop")

    async def main() -> None:
        async with listening(peer) as (host, port):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "farsight", "simulate", "--history", "30", "--live",
                "--gate", f"{host}:{port}", "--state", str(path),
            )  # fmt: skip
            async with asyncio.timeout(30):
                while not peer.seen:  # noqa: ASYNC110 - polling the peer, under a deadline
                    await asyncio.sleep(0.05)
            process.send_signal(number)
            await asyncio.wait_for(process.wait(), 20)

    began = int(time.time()) // 3600
    asyncio.run(main())

    assert load_state(path, DEFAULT_SEED, 0).anchor_hour in {began, began + 1}


def test_the_load_mode_keeps_its_rate_and_never_repeats_a_reading(tmp_path: Path) -> None:
    """Two seconds at two hundred frames a second: four hundred different frames."""
    peer = Peer(lambda _qn, _times: "ack")
    bodies: list[str] = []
    peer.answers = lambda qn, _times: bodies.append(qn) or "ack"  # type: ignore[func-returns-value]

    (load,) = against(
        peer, ("--rate", "200", "--seconds", "2", "--state", str(tmp_path / "state.json"))
    )

    assert load["acknowledged"] == len(bodies) == 400
    assert 1.9 < load["seconds"] < 20
    assert not (tmp_path / "state.json").exists()
    assert max(Counter(bodies).values()) <= 43  # one of each number a line at most


def test_bad_usage_is_told_in_one_line(tmp_path: Path) -> None:
    """Nothing to do, a speed without a start, an unknown MN, a wrong address: exit 2."""
    state = ("--state", str(tmp_path / "s.json"))
    for arguments in (
        (),
        ("--live", "--speed", "60"),
        ("--history", "1", "--only", "FFFF"),
        ("--history", "1", "--gate", "nowhere"),
    ):
        code, _, err = simulate(*arguments, *state)
        assert code == 2
        assert err.startswith("simulate: ")
        assert len(err.splitlines()) == 1
