"""Notices and wishes of loggers that ask for more than a 9013 (hj212.md 2.2, 2.4).

1013: the site wants its clock set, so it gets a 1012 (2017 6.7). 1001 of 2025: a logger without an
MN names its device, so it gets a 1002 with the MN that the registry knows for it. 1014 of 2025: it
wants a new SM4 key, which the registry makes.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from datetime import timedelta, timezone
from functools import partial

from services.chassis.clock import Now
from services.chassis.errors import FarsightError
from services.chassis.log import get_logger
from services.ingest.gate.callback import Commands
from services.ingest.gate.connections import Link
from services.ingest.gate.directory import Directory
from services.ingest.gate.replies import CALIBRATION_WISH, KEY_WISH, REGISTRATION
from services.ingest.gate.watch import HARDWARE
from services.ingest.hj212.cipher import encrypt_area, encrypt_frame
from services.ingest.hj212.encode import encode_request, request_number
from services.ingest.hj212.errors import LocalProtocolError
from services.ingest.hj212.segment import Segment
from services.ingest.hj212.session import Received
from services.ingest.hj212.version import Version

log = get_logger(__name__)

_BEIJING = timezone(timedelta(hours=8))
_NO_REPLY_2025 = 8  # Flag: version 2, no acknowledgement wanted (hj212.md 1.3)
KEY_AGAIN_S = 10.0  # a logger repeats its 1014 after ten seconds; the registry gives the same key
_REMEMBERED = 100_000
RenewKey = Callable[[str, str], Awaitable[str]]  # MN, key in use -> new key; hex


class Notices:
    """Goes on where a 9013 is not all."""

    def __init__(
        self,
        commands: Commands,
        directory: Directory,
        renew_key: RenewKey,
        *,
        now: Now,
        again_s: float,
    ) -> None:
        self._commands = commands
        self._directory = directory
        self._renew_key = renew_key
        self._now = now
        self._again_s = again_s
        self._begun: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    def hardware_in(self, segment: Segment) -> str:
        """The device id of a registration, empty = none."""
        return dict(segment.pairs()).get(HARDWARE, "")

    def follow_up(self, link: Link, received: Received) -> Callable[[], None] | None:
        """What follows the answer to this frame; None = nothing, or it was done not long ago."""
        segment = received.segment
        if segment is None:
            return None
        if segment.cn == CALIBRATION_WISH:
            work = partial(self._calibrate, link, dict(segment.pairs()).get("PolId", ""))
        elif segment.cn == REGISTRATION and not segment.mn:
            work = partial(self._activate, link, self.hardware_in(segment))
        elif segment.cn == KEY_WISH:
            work = partial(self._renew, link, received)
        else:
            return None
        return work if self._is_time(link, segment.cn) else None

    async def stop(self) -> None:
        """End what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _is_time(self, link: Link, cn: str) -> bool:
        """Not so soon again: each 1012 provoked another 1013 in a real network (hj212.md 7)."""
        key, again_s = (link.mn, cn), KEY_AGAIN_S if cn == KEY_WISH else self._again_s
        if link.last_at - self._begun.get(key, -again_s) < again_s:
            return False
        self._begun[key] = link.last_at
        self._begun.move_to_end(key)
        if len(self._begun) > _REMEMBERED:
            self._begun.popitem(last=False)
        return True

    def _calibrate(self, link: Link, instrument: str) -> None:
        system_time = self._now().astimezone(_BEIJING).strftime("%Y%m%d%H%M%S")
        parameters = {"PolId": instrument} if instrument else {}
        begun = self._commands.ask(link, "1012", {**parameters, "SystemTime": system_time})
        log.info("clock_wish", mn=link.mn, begun=begun)

    def _activate(self, link: Link, hardware_id: str) -> None:
        begun = self._commands.ask(link, "1002", {HARDWARE: hardware_id})
        log.info("logger_activates", mn=link.mn, begun=begun)

    def _renew(self, link: Link, received: Received) -> None:
        task = asyncio.create_task(self._renew_and_reply(link, received))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _renew_and_reply(self, link: Link, received: Received) -> None:
        """Answer 1014 under the key that the logger uses; a new key never travels in the clear."""
        keys = self._directory.policy_of(link.mn).keys
        segment = received.segment
        if segment is None or not keys:
            log.warning("key_wish_without_key", mn=link.mn)
            return
        area = segment.area_text.encode()
        in_use = next((key for key in keys if encrypt_area(area, key) in received.raw), None)
        try:
            known = in_use.hex() if in_use else ""
            key = bytes.fromhex(await self._renew_key(link.mn, known))
            # The answer to a request for a value repeats its CN and QN (2017 table 2.4); that 1014
            # does so too is assumed [?].
            frame = encode_request(
                KEY_WISH,
                mn=link.mn,
                password=segment.pw,
                st=segment.st,
                qn=segment.qn,
                version=Version.V2025,
                fields={"SKCreateTime": request_number(self._now()), "NewSK": key.decode("ascii")},
                flag=_NO_REPLY_2025,
            )
        except (FarsightError, LocalProtocolError, ValueError) as error:
            log.warning("key_not_renewed", mn=link.mn, error=str(error))
            return
        self._directory.learn_key(link.mn, key)
        link.send(encrypt_frame(frame, in_use or keys[0]))
        log.info("key_renewed", mn=link.mn)
