"""A request as a simulated logger hears it, and the shape of what it answers."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from farsight.lab.frames import Frame
from services.chassis.clock import BEIJING, beijing

if TYPE_CHECKING:
    from farsight.lab.device import Device

NO_DATA = 100  # ExeRtn


class WrongCondition(Exception):
    """The request asks for what this site does not have."""


@dataclass(frozen=True)
class Ask:
    """A request as heard; `at` is the device's own clock."""

    cn: str
    qn: str
    pairs: tuple[tuple[str, str], ...]
    at: datetime

    def __getitem__(self, name: str) -> str:
        """A parameter that must be there."""
        text = self.get(name)
        if not text:
            raise WrongCondition(name)
        return text

    def get(self, name: str) -> str:
        """A parameter, empty when it is not there."""
        return next((text for key, text in self.pairs if key == name), "")

    def named(self, suffix: str) -> list[tuple[str, str]]:
        """The parameters whose name ends so, with what stands before."""
        return [(key.removesuffix(suffix), text) for key, text in self.pairs if suffix in key]


@dataclass(frozen=True)
class Answer:
    """Areas of value frames, frames of a series, ExeRtn, and what is uploaded afterwards."""

    areas: list[str] = field(default_factory=list)
    frames: Iterable[Frame] = ()  # made one by one as they are sent: a day of minutes takes a while
    code: int = 1
    after: list[Frame] = field(default_factory=list)


DONE = Answer()
Act = Callable[["Device", Ask], Answer]


def moment_of(text: str) -> datetime:
    """Beijing time `YYYYMMDDhhmmss` as aware UTC; ValueError when it is none."""
    return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=BEIJING).astimezone(UTC)


def text_of(moment: datetime) -> str:
    """An aware moment as the wire has it: Beijing time `YYYYMMDDhhmmss`."""
    return f"{beijing(moment):%Y%m%d%H%M%S}"


def instrument_of(device: "Device", ask: Ask) -> str:
    """The PolId, in the new or the old code; only of what is measured here."""
    pollutant = ask["PolId"]
    if device.speech.version != 2005 and pollutant not in device.logger.model.factors:
        raise WrongCondition(pollutant)
    return pollutant
