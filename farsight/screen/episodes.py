"""告警过程: alarms of one station that hang together in time, as people read them."""

from dataclasses import dataclass
from functools import cached_property

from farsight.screen.folder import time_text
from farsight.screen.run import Found, Screened
from services.detect.domain.words import number
from services.detect.screening.alarms import Alarm
from services.detect.screening.panel import Panel
from services.detect.screening.sign import Sign

#: Alarms of a station closer than this are one episode, as the score counts them.
_GAP_H = 24
#: A rate below this is an extrapolation that says no more than "very seldom".
_RARE = 1e-6


@dataclass(frozen=True)
class Episode:
    """告警过程 of a station, strongest alarm first."""

    panel: Panel
    alarms: tuple[Alarm, ...]

    @property
    def head(self) -> Alarm:
        """The strongest alarm."""
        return self.alarms[0]

    @property
    def station(self) -> str:
        """Station of all its alarms."""
        return self.panel.keys[self.head.row].outlet_id

    @property
    def rate(self) -> float:
        """False alarms a station-year at which honest data show as much."""
        return self.head.per_station_year

    @property
    def is_clue(self) -> bool:
        """线索: two kinds of evidence, or a decisive one."""
        return any(alarm.is_clue for alarm in self.alarms)

    @cached_property
    def signs(self) -> tuple[Sign, ...]:
        """The strongest sign of each test and factor, those of the strongest alarm first."""
        best: dict[tuple[str, int], Sign] = {}
        for alarm in self.alarms:
            for sign in alarm.signs:
                best.setdefault((sign.test, sign.row), sign)
        return tuple(best.values())

    @cached_property
    def tests(self) -> tuple[str, ...]:
        """Tests that speak, the leading one first."""
        return tuple(dict.fromkeys(sign.test for sign in self.signs))

    @cached_property
    def factors(self) -> tuple[str, ...]:
        """Factors that signs are about, the leading one first."""
        return tuple(dict.fromkeys(self.panel.keys[sign.row].factor for sign in self.signs))

    @cached_property
    def begin(self) -> int:
        """First cell of all signs."""
        return min(alarm.begin for alarm in self.alarms)

    @cached_property
    def end(self) -> int:
        """Cell after the last sign."""
        return max(alarm.end for alarm in self.alarms)

    @property
    def start_text(self) -> str:
        """When it begins, to the minute."""
        return time_text(self.panel, self.begin)[:16]

    @property
    def end_text(self) -> str:
        """When it ends, to the minute."""
        return time_text(self.panel, self.end)[:16]

    @property
    def raised_text(self) -> str:
        """When the first alarm could be raised."""
        return time_text(self.panel, min(alarm.end for alarm in self.alarms) - 1)[:16]


def episodes_of(screened: Screened) -> list[Episode]:
    """告警过程 of all stations, strongest first."""
    found = [one for each in screened.found for one in _of_panel(each)]
    return sorted(found, key=lambda one: (one.rate, one.station, one.start_text))


def _of_panel(found: Found) -> list[Episode]:
    by_station: dict[str, list[Alarm]] = {}
    for alarm in found.alarms:
        by_station.setdefault(found.panel.keys[alarm.row].outlet_id, []).append(alarm)
    gap = found.panel.cells_of(_GAP_H)
    episodes = []
    for alarms in by_station.values():
        groups: list[list[Alarm]] = []
        until = -gap
        for alarm in sorted(alarms, key=lambda a: (a.begin, a.end)):
            if not groups or alarm.begin > until + gap:
                groups.append([])
            groups[-1].append(alarm)
            until = max(until, alarm.end) if groups[-1][1:] else alarm.end
        for group in groups:
            group.sort(key=lambda a: (a.per_station_year, a.end, a.row, a.test))
            episodes.append(Episode(found.panel, tuple(group)))
    return episodes


def once(rate: float) -> tuple[str, str]:
    """How often honest data show as much, in Chinese and English.

    >>> once(0.05)
    ('每20站年一次', 'once in 20 station-years')
    """
    if rate >= 1:
        often = number(rate, 2)
        return f"每站年{often}次", f"{often} times a station-year"
    if rate < _RARE:
        return "百万站年不到一次", "less than once in a million station-years"
    years = f"{float(number(1 / rate, 2)):,.0f}"
    return f"每{years}站年一次", f"once in {years} station-years"
