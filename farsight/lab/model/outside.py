"""演示外部线索: grid, stations, a flight, gates, videos, spots, complaints and waters of one city.

The air is one field: a daily rhythm with weather, the same for all, and plumes of a few plants that
the wind carries. Cells and stations read it where they stand, so that they agree with each other.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from farsight.lab.province import DEMO, read_rows
from services.chassis.pb.ingest.v1 import outside_pb2 as pb
from services.detect.outside.cells import CELL_M, cell_of, centre_of
from services.detect.outside.positions import Point, project, unproject

SOURCE = "demo-outside"
#: Hours of history before the anchor.
GRID_HOURS, STATION_HOURS, GATE_HOURS = 96, 8 * 24, 7 * 24
#: South-west and north-east corner of the grid product.
_CORNERS = (114.10, 36.57), (114.55, 36.82)
_DIRECTION, _SPEED = "a01008", "a01007"
#: Pollutant -> usual level (ug/m3, CO mg/m3), how much of a plume it has.
_AIR = {
    "a34004": (62.0, 1.0), "a34002": (104.0, 1.3), "a21026": (13.0, 0.5), "a21004": (38.0, 0.3),
    "a21005": (1.1, 0.01), "a05024": (48.0, -0.2),
}  # fmt: skip
_TOWN = project(114.49, 36.62)
_MEMORY = 48


@dataclass(frozen=True)
class Plume:
    """A plant's plume: where from, how strong, in which hours about the anchor."""

    point: Point
    strength: float
    first: int
    last: int


#: Who blows: the cement plant before and under its order, a power plant one night.
PLUMES = (
    Plume(project(114.1830, 36.7085), 75.0, -90, 18),
    Plume(project(114.4840, 36.6280), 30.0, -26, -20),
)


@dataclass(frozen=True)
class Span:
    """Hours [first, end) that are told, and the anchor that stories count from (unix hours)."""

    anchor: int
    first: int
    end: int

    def has(self, hours_after_anchor: int) -> bool:
        """Whether an hour of a story is told."""
        return self.first <= self.anchor + hours_after_anchor < self.end


class Air:
    """The field of some hours. An hour is the same whenever it is asked for."""

    def __init__(self, span: Span, seed: int) -> None:
        self.hours = np.arange(span.first, span.end)
        self._ago = self.hours - span.anchor
        drawn = np.array([self._draw(seed, hour) for hour in range(span.first - _MEMORY, span.end)])
        drawn = drawn.reshape(-1, 4 + 64)
        wander = np.array([
            drawn[at : at + _MEMORY, :2].mean(axis=0) for at in range(1, len(self.hours) + 1)
        ]).reshape(-1, 2)  # fmt: skip
        now = drawn[_MEMORY:]
        self.weather = np.exp(2.2 * wander[:, 0])
        self.direction = (70.0 + 160.0 * wander[:, 1] + 6.0 * now[:, 2]) % 360.0
        self.speed = 1.4 + 0.6 * np.abs(now[:, 3])
        self.noise = np.exp(0.05 * now[:, 4:])

    @staticmethod
    def _draw(seed: int, hour: int) -> "np.ndarray":
        return np.random.default_rng([seed, 77, hour]).normal(size=4 + 64)

    def at(self, point: Point, pollutant: str, place: int) -> "np.ndarray":
        """Return a place's values, one an hour; `place` numbers its own noise."""
        level, share = _AIR[pollutant]
        local = (self.hours + 8) % 24
        rhythm = 1.0 + 0.22 * np.cos((local - 7) / 24 * 2 * math.pi)
        if pollutant == "a05024":
            rhythm = 1.0 - 0.8 * np.cos((local - 3) / 24 * 2 * math.pi)
        away = math.hypot(point.x - _TOWN.x, point.y - _TOWN.y)
        town = 0.94 + 0.14 * math.exp(-((away / 9000.0) ** 2))
        blown = sum((self._plume(one, point) for one in PLUMES), np.zeros(len(self.hours)))
        noise = self.noise[:, place % 64]
        return np.maximum((level * town * self.weather * rhythm + share * blown) * noise, 0.1)

    def _plume(self, one: Plume, point: Point) -> "np.ndarray":
        on = (self._ago >= one.first) & (self._ago <= one.last)
        east, north = point.x - one.point.x, point.y - one.point.y
        to = np.radians(self.direction + 180.0)
        along = east * np.sin(to) + north * np.cos(to)
        across = east * np.cos(to) - north * np.sin(to)
        width = 600.0 + 0.3 * np.maximum(along, 0.0)
        reach = np.exp(-np.maximum(along, 0.0) / 2600.0 - np.maximum(-along, 0.0) / 900.0)
        return np.where(on, one.strength * reach * np.exp(-((across / width) ** 2) / 2), 0.0)


def items(
    anchor: int, seed: int, first: int | None = None, end: int | None = None
) -> Iterator[pb.OutsideItem]:
    """Yield what was there in the unix hours [first, end); by default all up to the anchor."""
    begin = anchor - 40 * 24 if first is None else first
    span = Span(anchor, begin, anchor if end is None else end)
    yield from _grid(span, seed)
    yield from _stations(span, seed)
    yield from _flight(span)
    yield from _gates(span)
    yield from _videos(span)
    yield from _spots(span)
    yield from _complaints(span)
    yield from waters(span, seed)


def _recent(span: Span, hours: int) -> Span:
    return Span(span.anchor, max(span.first, span.anchor - hours), span.end)


def _grid(span: Span, seed: int) -> Iterator[pb.OutsideItem]:
    air = Air(_recent(span, GRID_HOURS), seed)
    low, high = (project(*corner) for corner in _CORNERS)
    columns = range(math.floor(low.x / CELL_M), math.floor(high.x / CELL_M) + 1)
    rows = range(math.floor(low.y / CELL_M), math.floor(high.y / CELL_M) + 1)
    for place, (ix, iy) in enumerate((ix, iy) for ix in columns for iy in rows):
        centre = centre_of(f"G3-{ix}-{iy}")
        # A cell is the mean of nine points: a narrow plume is thinned, as a product thins it.
        around = [
            air.at(Point(centre.x + dx, centre.y + dy), "a34004", place)
            for dx in (-1000, 0, 1000)
            for dy in (-1000, 0, 1000)
        ]
        value = np.mean(around, axis=0)
        longitude, _ = unproject(centre)
        division = "130481" if longitude < 114.32 else "130404" if centre.y < _NORTH else "130408"
        for hour, one in zip(air.hours.tolist(), value.tolist(), strict=True):
            grid = pb.GridValue(
                cell=cell_of(centre), pollutant="a34004", value=round(one, 1), unit="ug/m3",
                product="demo-hot-1",
            )  # fmt: skip
            _period(grid, hour)
            yield pb.OutsideItem(place=pb.Place(division=division), source=SOURCE, grid=grid)


_NORTH = project(114.45, 36.72).y


def _stations(span: Span, seed: int) -> Iterator[pb.OutsideItem]:
    for place, row in enumerate(read_rows("outside_stations", DEMO)):
        lon, lat = float(row["longitude"]), float(row["latitude"])
        town = row["kind"] == "township"
        air = Air(_recent(span, STATION_HOURS if town else GRID_HOURS), seed)
        level, codes = float(row["level"]), tuple(_AIR) if town else ("a34004",)
        series = {code: air.at(project(lon, lat), code, place) * level for code in codes}
        if row["station_id"] == _NIGHT[0]:  # a night's SO2
            ago = air.hours - span.anchor
            series["a21026"][(ago >= _NIGHT[1]) & (ago < _NIGHT[2])] *= 4.5
        if row["wind"] == "true":
            series |= {_DIRECTION: air.direction, _SPEED: air.speed}
        where = pb.Place(
            division=row["division"], longitude=lon, latitude=lat, crs="CGCS2000",
            address=row["name"],
        )  # fmt: skip
        for code, value in series.items():
            for hour, one in zip(air.hours.tolist(), value.tolist(), strict=True):
                station = _value(row, code, one)
                _period(station, hour)
                yield pb.OutsideItem(place=where, source=SOURCE, station=station)


_NIGHT = ("fx-t2", -26, -20)


def _value(row: dict[str, str], code: str, value: float) -> pb.StationValue:
    unit = {_DIRECTION: "deg", _SPEED: "m/s", "a21005": "mg/m3"}.get(code, "ug/m3")
    return pb.StationValue(
        station_id=row["station_id"],
        station=pb.STATION_KIND_TOWNSHIP if row["kind"] == "township" else pb.STATION_KIND_MICRO,
        pollutant=code,
        value=round(value, 2 if code == "a21005" else 1),
        unit=unit,
    )


def _period(value: pb.GridValue | pb.StationValue, hour: int) -> None:
    value.start.seconds, value.end.seconds = hour * 3600, (hour + 1) * 3600


def _flight(span: Span) -> Iterator[pb.OutsideItem]:
    """Yield a drone's flight beside a power plant: SO2 stands out over two hundred metres."""
    if not span.has(-22):
        return
    start = (span.anchor - 22) * 3600 + 600
    event = pb.DeviceEvent(
        event_id="flight-1", event=pb.EVENT_KIND_DRONE, device_id="uav-3", type="patrol",
        mission_id="m-1", text="复兴区热电片区巡飞",
    )  # fmt: skip
    event.start.seconds, event.end.seconds = start, start + 600
    for number in range(40):
        away = abs(number - 24)
        value = (
            14.0 + (number * 7 % 5) + (260.0 * math.exp(-((away / 1.6) ** 2)) if away < 5 else 0)
        )
        one = event.values.add(
            pollutant="a21026", value=round(value, 1), unit="ug/m3",
            longitude=114.4705 + 0.0006 * number, latitude=36.6215 + 0.0001 * number, altitude_m=80,
        )  # fmt: skip
        one.time.seconds = start + 15 * number
    _media(event, "uav-3-0024.jpg", start + 360)
    where = pb.Place(division="130404", longitude=114.4705, latitude=36.6215, crs="CGCS2000")
    yield pb.OutsideItem(place=where, source=SOURCE, event=event)


def _gates(span: Span) -> Iterator[pb.OutsideItem]:
    """Yield the lorries of a cement plant: as many under the order as before, old ones at night."""
    for hour in range(_recent(span, GATE_HOURS).first, span.end):
        local = (hour + 8) % 24
        for number in range(3 if 6 <= local < 20 else 1):
            old = -30 < hour - span.anchor < 18 and local in (1, 2, 3)
            event = pb.DeviceEvent(
                event_id=f"pass-{hour}-{number}", event=pb.EVENT_KIND_VEHICLE_GATE,
                device_id="gate-99F-1", type="pass",
                vehicle=pb.Vehicle(
                    plate=f"冀D{hour * 7 % 90000 + 10000}", direction=("in", "out")[number % 2],
                    emission_stage=4 if old else 6 - number % 2, fuel="diesel", cargo="熟料",
                    load_t=31.5,
                ),
            )  # fmt: skip
            event.start.seconds = hour * 3600 + number * 1100 + hour % 600
            where = pb.Place(outlet_id="91130481FARX00099F-DA001")
            yield pb.OutsideItem(place=where, source=SOURCE, event=event)


def _videos(span: Span) -> Iterator[pb.OutsideItem]:
    told = (
        ("v-1", -51, "91130404FARX00275U-DA001", "black_smoke", "烟囱冒黑烟约四分钟"),
        ("v-2", -12, "91130481FARX00099F-DA001", "dust", "熟料库卸料口扬尘"),
    )
    for name, hours, outlet_id, word, text in told:
        if not span.has(hours):
            continue
        event = pb.DeviceEvent(
            event_id=name, event=pb.EVENT_KIND_VIDEO, device_id=f"cam-{outlet_id[15:18]}",
            type=word, text=text,
        )  # fmt: skip
        event.start.seconds = (span.anchor + hours) * 3600 + 1260
        event.end.seconds = event.start.seconds + 240
        _media(event, f"{name}.jpg", event.start.seconds)
        yield pb.OutsideItem(place=pb.Place(outlet_id=outlet_id), source=SOURCE, event=event)


def _media(event: pb.DeviceEvent, name: str, at_s: int) -> None:
    one = event.media.add(media_id=name, type="image/jpeg", size=184_320, sha256=bytes(range(32)))
    one.taken_at.seconds = at_s


def _spots(span: Span) -> Iterator[pb.OutsideItem]:
    """Yield a VOC spot, land that lies bare in two images, and a field too small to matter."""
    told = (
        ("voc-17", -40, 114.3300, 36.6600, "VOC", 0.0, 3.1),
        ("land-4", -24 * 20, 114.2600, 36.7420, "bare_land", 130.0, 0.0),
        ("land-9", -24 * 3, 114.2601, 36.7421, "bare_land", 140.0, 0.0),
        ("land-10", -24 * 3, 114.5200, 36.7000, "bare_land", 60.0, 0.0),
    )
    for name, hours, lon, lat, indicator, side, value in told:
        if not span.has(hours):
            continue
        spot = pb.SatelliteSpot(
            spot_id=name, product="demo-voc-2" if value else "demo-land-1", satellite="GF-5B",
            indicator=indicator, unit="ppb" if value else "",
        )  # fmt: skip
        spot.overpass.seconds = (span.anchor + hours) * 3600 + 1800
        if value:
            spot.value = value
            spot.valid_until.seconds = spot.overpass.seconds + 10 * 86_400
        centre = project(lon, lat)
        for dx, dy in ((-1, -1), (1, -1), (1, 1), (-1, 1)) if side else ():
            corner = unproject(Point(centre.x + dx * side / 2, centre.y + dy * side / 2))
            spot.outline.add(longitude=corner[0], latitude=corner[1])
        division = "130481" if lon < 114.35 else "130408"
        where = pb.Place(division=division, longitude=lon, latitude=lat, crs="CGCS2000")
        yield pb.OutsideItem(place=where, source=SOURCE, spot=spot)


def _complaints(span: Span) -> Iterator[pb.OutsideItem]:
    told = (
        (
            "c-2201",
            "12369",
            -44,
            114.4620,
            36.7905,
            "odour",
            "漳笺纸业",
            "夜间有刺鼻臭味，窗户不敢开",
        ),
        ("c-2207", "12345", -31, 114.4655, 36.7920, "odour", "", "凌晨闻到臭鸡蛋味"),
        ("c-2212", "12369", -9, 114.4610, 36.7890, "odour", "", "气味比前几天更重"),
        ("c-2215", "12369", -18, 114.4530, 36.6440, "water", "", "河边排口水发灰，有泡沫"),
    )
    for number, channel, hours, lon, lat, category, accused, text in told:
        if not span.has(hours):
            continue
        complaint = pb.Complaint(
            complaint_id=number, channel=channel, category=category, accused=accused, text=text
        )
        complaint.received_at.seconds = (span.anchor + hours) * 3600 + 2040
        division = "130408" if lat > 36.7 else "130404"
        where = pb.Place(division=division, longitude=lon, latitude=lat, crs="CGCS2000")
        yield pb.OutsideItem(place=where, source=SOURCE, complaint=complaint)


#: Peaks of fluorescence (excitation nm, emission nm, height): protein-like T, humic-like C and A,
#: lignin of paper mills.
_SEWAGE = ((275, 340, 1.0), (230, 345, 1.2), (325, 410, 0.45))
_PAPER = ((280, 312, 0.9), (345, 430, 0.8), (250, 430, 0.7))
_HUMIC = ((330, 425, 0.5), (255, 440, 0.8))


def waters(span: Span, seed: int) -> Iterator[pb.OutsideItem]:
    """Yield spectra of two known sources and of a sample taken in the river below one of them."""
    told = (
        ("ref-208", -24 * 25, 114.4500, 36.6450, "130404", "91130404FARX00208X", (_SEWAGE, ())),
        ("ref-144", -24 * 25, 114.4580, 36.7960, "130408", "91130408FARX00144R", (_PAPER, ())),
        ("river-31", -16, 114.4561, 36.6422, "130404", "", (_SEWAGE, _HUMIC)),
    )
    rng = np.random.default_rng([seed, 78])
    ex, em = np.arange(220.0, 401.0, 10.0), np.arange(280.0, 521.0, 10.0)
    for name, hours, lon, lat, division, code, (own, river) in told:
        if not span.has(hours):
            continue
        peaks = [*own, *((x, m, 0.12 * height) for x, m, height in river)]
        light = np.zeros((len(ex), len(em))) + sum(
            height * np.exp(-(((ex[:, None] - x) / 22) ** 2 + ((em[None, :] - m) / 32) ** 2) / 2)
            for x, m, height in peaks
        )
        strength = 1.0 if code else 0.35  # diluted in the river
        light = np.asarray(strength * light * rng.normal(1.0, 0.015, light.shape))
        one = pb.WaterFingerprint(
            sample_id=name, reference=bool(code), excitation_nm=ex, emission_nm=em,
            intensity=light.ravel().round(4), unit="RU", instrument="演示实验室 F-7000",
        )  # fmt: skip
        one.taken_at.seconds = (span.anchor + hours) * 3600
        where = pb.Place(
            division=division, credit_code=code, longitude=lon, latitude=lat, crs="CGCS2000"
        )
        yield pb.OutsideItem(place=where, source=SOURCE, fingerprint=one)
