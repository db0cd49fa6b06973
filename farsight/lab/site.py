"""What a simulated site keeps beside its readings: parameters, logs, bottles, checks, serials."""

from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

LOG_LINES = 200
# Site parameters by information code (2017 table B.10) until somebody sets others.
DEFAULTS = {
    "i12001": "0",  # analyser runs
    "i12002": "0",  # its link is good
    "i13001": "100",  # range
    "i13002": "0.1",  # precision
    "i13003": "60",  # interval, minutes
    "i13004": "168.0",  # digestion temperature
    "i13005": "40",  # digestion time
    "i13006": "20260101000000",  # calibration time
    "i13007": "0.0",  # intercept
    "i13008": "1.0",  # slope
    "i13009": "0.5",  # detection limit
    "i22001": "0",  # logger runs
    "i22002": "0",  # ordinary user
    "i22003": "0",  # link to the centre is good
    "i32001": "0",  # door closed
}


@dataclass(frozen=True)
class Check:
    """标样核查: one standard-sample check and its result."""

    at: datetime  # aware
    factor: str
    reading: str
    standard: str
    passed: bool


@dataclass
class Site:
    """现场: what the logger was told and did; `seed` makes its serial numbers."""

    seed: str = ""
    realtime_on: bool = True
    facility_on: bool = False
    values: dict[str, str] = field(default_factory=dict)  # of the commands 1000 to 1042
    parameters: dict[tuple[str, str], str] = field(default_factory=dict)  # (PolId, InfoId)
    sampling: dict[str, tuple[str, str]] = field(default_factory=dict)  # PolId -> start, hours
    bottles: int = 0
    checks: list[Check] = field(default_factory=list)
    log: list[tuple[datetime, str]] = field(default_factory=list)

    def note(self, at: datetime, text: str) -> None:
        """Write a line into the log; the oldest go."""
        self.log.append((at, text))
        del self.log[:-LOG_LINES]

    def parameter(self, pollutant: str, info: str) -> str:
        """A state or parameter; empty when the site has none of that code."""
        return self.parameters.get((pollutant, info), DEFAULTS.get(info, ""))

    def retain(self, bottles: int = 24) -> int:
        """Fill the next sample bottle, 1 to `bottles` round and round; gives its number."""
        self.bottles = self.bottles % bottles + 1
        return self.bottles

    def serial(self, pollutant: str) -> str:
        """24 hex digits of an analyser."""
        return sha256(f"{self.seed}/{pollutant}".encode()).hexdigest()[:24].upper()

    def hardware(self, number: int) -> str:
        """i23005 logger id (24 characters), i23006 CPU, i23007 and i23008 MAC (12) [C25]."""
        return self.serial(f"i2300{number}")[: 24 if number == 5 else 12]
