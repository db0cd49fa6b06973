"""仿真数采仪: one simulated data logger as a logger is: it reports, is asked, and remembers.

Sans-IO: requests and moments in, acts out; the uplink performs them. It answers every command of
HJ/T 212-2005, HJ 212-2017 and HJ 212-2025 in its own version (`device_answers`), keeps what it was
told (clock, intervals, password, parameters, key) and then behaves so.
"""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import gcd

from farsight.lab.device_answers import ANSWERS, NOTICES
from farsight.lab.device_ask import Answer, Ask, WrongCondition
from farsight.lab.faults import NO_FAULTS, Faults
from farsight.lab.frames import FURNACE_STEP_S, Frame, has_furnace
from farsight.lab.live import HourCache, frames_at
from farsight.lab.province import DemoLogger
from farsight.lab.site import Site
from farsight.lab.speech import Speech
from services.chassis.clock import beijing
from services.ingest.hj212.encode import request_number
from services.ingest.hj212.errors import PeerProtocolError
from services.ingest.hj212.framing import Frame as WireFrame
from services.ingest.hj212.framing import Framer
from services.ingest.hj212.policy import LoggerPolicy
from services.ingest.hj212.segment import parse_segment

HEARTBEAT_S = 60  # 9015 of 2025; the standard's own number was not found [?]
REMEMBERED = 64  # requests whose repetition is known by their number
_HOUR_S = 3600


@dataclass(frozen=True)
class Say:
    """Write these bytes; nothing comes back."""

    data: bytes


@dataclass(frozen=True)
class Series:
    """Write these frames one by one, each after the acknowledgement of the one before."""

    frames: Iterable[Frame]
    pause_s: float = 0.0


@dataclass(frozen=True)
class Wait:
    """Do nothing for so many seconds."""

    seconds: float


@dataclass(frozen=True)
class HangUp:
    """End the connection."""


Act = Say | Series | Wait | HangUp


@dataclass(frozen=True)
class Absence:
    """What is not sent in its turn: an outage [start, end), and hours of the Beijing day."""

    start: datetime | None = None
    end: datetime | None = None
    hours: Collection[int] = ()

    def covers(self, moment: datetime) -> bool:
        """Whether what is due at this moment (a period: at its end) stays unsent."""
        out = self.start is not None and self.end is not None and self.start <= moment < self.end
        return out or beijing(moment - timedelta(seconds=1)).hour in self.hours


PRESENT = Absence()


@dataclass
class Device:
    """A logger with its site; `offset` is how far its clock is ahead of the true time."""

    logger: DemoLogger
    speech: Speech
    faults: Faults = NO_FAULTS
    offset: timedelta = timedelta(0)
    absence: Absence = PRESENT
    site: Site = field(default_factory=Site)
    _heard: OrderedDict[str, None] = field(default_factory=OrderedDict)

    @property
    def beat_s(self) -> int:
        """Seconds between the moments at which it may have something to report."""
        furnace = FURNACE_STEP_S if has_furnace(self.logger) else 0
        return gcd(self.logger.realtime_s, 60 * self.logger.minute_min, furnace)

    def report(self, moment: datetime, blocks: HourCache) -> Iterator[Frame]:
        """What it sends by itself at a true moment, by its own clock and its own intervals."""
        at = int(moment.timestamp())
        if at % self.beat_s or self.absence.covers(moment):
            return
        local = int(at + self.offset.total_seconds()) // self.beat_s * self.beat_s
        yield from self._reported(datetime.fromtimestamp(local, UTC), blocks)
        if self.speech.version == 2025 and at % HEARTBEAT_S == 0:
            stamp = request_number(moment + timedelta(milliseconds=915))
            yield self.speech.upload("9015", stamp, "")

    def filled_in(self, blocks: HourCache) -> Iterator[Frame]:
        """2025 8.1.2: what an outage kept back, new before old, marked RF=1 [D25]."""
        start, end = self.absence.start, self.absence.end
        if self.speech.version != 2025 or start is None or end is None:
            return
        beat = self.beat_s
        for at in reversed(range(-(-int(start.timestamp()) // beat) * beat, int(end.timestamp()))):
            if at % beat == 0:
                moment = datetime.fromtimestamp(at, UTC)
                for frame in frames_at(self.logger, moment, blocks):
                    yield self.speech.dressed(frame, rf=True)

    def sends_hour(self, hour: int) -> bool:
        """Whether the mean of an absolute hour goes out in its turn."""
        return not self.absence.covers(datetime.fromtimestamp((hour + 1) * _HOUR_S, UTC))

    def ask_for_key(self, now: datetime) -> Frame:
        """2025: 1014 of the site, the key it has was made now or never."""
        qn = request_number(now)
        return self.speech.upload("1014", qn, f"SKCreateTime={qn}")

    def register(self, now: datetime) -> Frame:
        """2025: 1001 before activation, the hardware's numbers and no MN yet."""
        numbers = ";".join(f"i2300{n}-Info={self.site.hardware(n)}" for n in range(5, 9))
        speech = replace(self.speech, mn="", key=b"")
        return speech.upload("1001", request_number(now), numbers)

    def hear(self, data: bytes, now: datetime) -> list[Act]:
        """What to do about a frame of the centre, at the true moment `now`."""
        policy = LoggerPolicy(keys=(self.speech.key,) if self.speech.key else ())
        items = Framer(lambda _mn: policy).feed(data)
        return [act for item in items if isinstance(item, WireFrame) for act in self._do(item, now)]

    def _do(self, frame: WireFrame, now: datetime) -> list[Act]:
        try:
            segment = parse_segment(frame.segment)
        except PeerProtocolError:
            return []
        pairs = tuple(segment.pairs())
        ask = Ask(segment.cn, segment.qn, pairs, now + self.offset)
        if self.faults.deaf or ask.cn.startswith("9"):
            return []
        if self.faults.refuse:
            return [self._ready(ask, self.faults.refuse)]
        if segment.pw != self.speech.password:
            return [self._ready(ask, 3)]
        if segment.mn != self.speech.mn:
            return [self._ready(ask, 4)]
        if ask.cn in NOTICES:
            NOTICES[ask.cn](self)
            return [Say(self.speech.reply("9013", self._number(ask)))]
        if ask.cn not in ANSWERS:
            return [self._ready(ask, 8)]
        if self._again(ask.qn):
            return [self._ready(ask, 1)]  # the work is under way or done; its result follows or did
        return [self._ready(ask, 1), *self._carry_out(ask)]

    def _carry_out(self, ask: Ask) -> Iterator[Act]:
        if self.faults.mute:
            return
        if self.faults.drop:
            yield HangUp()
            return
        if self.faults.fail:
            yield self._result(ask, self.faults.fail)
            return
        if self.faults.slow:
            yield Wait(self.faults.slow)
        speech = self.speech  # 1072 and 1014 speak as before until they are done
        try:
            answer = ANSWERS[ask.cn](self, ask)
        except (WrongCondition, ValueError):
            answer = Answer(code=3)
        for number, area in enumerate(answer.areas, 1):
            split = {"pnum": len(answer.areas), "pno": number} if len(answer.areas) > 1 else {}
            yield Say(speech.answer(ask.cn, self._number(ask), area, **split))
        if answer.frames:
            yield Series(answer.frames, self.faults.slow)
        yield Say(speech.reply("9012", self._number(ask), f"ExeRtn={answer.code}"))
        if answer.after:
            yield Series(answer.after)

    def _ready(self, ask: Ask, code: int) -> Say:
        return Say(self.speech.reply("9011", self._number(ask), f"QnRtn={code}"))

    def _result(self, ask: Ask, code: int) -> Say:
        return Say(self.speech.reply("9012", self._number(ask), f"ExeRtn={code}"))

    def _number(self, ask: Ask) -> str:
        return f"{int(ask.qn or 0) + 1:017d}" if self.faults.wrong_qn else ask.qn

    def _again(self, qn: str) -> bool:
        """A request with a number that was heard before is the same request (hj212.md 2.5)."""
        known = qn in self._heard
        self._heard[qn] = None
        if len(self._heard) > REMEMBERED:
            self._heard.popitem(last=False)
        return known

    def _reported(self, local: datetime, blocks: HourCache) -> Iterator[Frame]:
        for frame in frames_at(self.logger, local, blocks):
            if self.site.realtime_on or b";CN=2011;" not in frame.data:
                yield self.speech.dressed(frame)
        if self.site.facility_on and int(local.timestamp()) % self.logger.realtime_s == 0:
            block = blocks.block(self.logger, int(local.timestamp()) // _HOUR_S)
            running = int(block.flag[self.logger.model.factors[0]][0] != "F")
            area = f"DataTime={beijing(local):%Y%m%d%H%M%S};SB1-RS={running}"
            qn = request_number(local + timedelta(milliseconds=21))
            yield self.speech.upload("2021", qn, area)


def device_of(
    logger: DemoLogger,
    *,
    version: int = 2017,
    key: bytes = b"",
    faults: Faults = NO_FAULTS,
    offset: timedelta = timedelta(0),
    absence: Absence = PRESENT,
) -> Device:
    """A logger of the demo as a device that can be asked."""
    speech = Speech(logger.mn, logger.password, logger.st, version, key)
    site = Site(seed=logger.mn)
    return Device(logger, speech, faults, offset, absence, site)
