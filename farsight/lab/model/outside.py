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
GRID_HOURS, STATION_HOURS = 96, 8 * 24
#: South-west and north-east corner of the grid product.
_CORNERS = (114.10, 36.57), (114.55, 36.82)
_DIRECTION, _SPEED = "a01008", "a01007"
#: Pollutant -> usual level (ug/m3, CO mg/m3), how much of a plume it has.
_AIR = {
    "a34004": (62.0, 1.0), "a34002": (104.0, 1.3), "a21026": (13.0, 0.5), "a21004": (38.0, 0.3),
    "a21005": (1.1, 0.01), "a05024": (48.0, -0.2),
}  # fmt: skip


@dataclass(frozen=True)
class Plume:
    """A plant's plume: where from, how strong, in which hours before the end."""

    point: Point
    strength: float
    first: int
    last: int
    night: bool = False


def plumes() -> tuple[Plume, ...]:
    """Return who blows: the cement plant through the order, a power plant one night."""
    return (
        Plume(project(114.1830, 36.7085), 75.0, -90, 0),
        Plume(project(114.4840, 36.6280), 30.0, -26, -20),
    )


class Air:
    """The field of the last days; hours count from `end_hour`, which is not in it."""

    def __init__(self, end_hour: int, seed: int) -> None:
        rng = np.random.default_rng([seed, 77])
        count = STATION_HOURS
        self.hours = np.arange(end_hour - count, end_hour)
        wander = np.convolve(rng.normal(size=count + 47), np.ones(48) / 48, "valid")
        self.weather = np.exp(2.2 * wander)
        self.direction = (40.0 + 30.0 * np.cumsum(rng.normal(size=count)) / 20.0) % 360.0
        self.speed = 1.4 + np.abs(rng.normal(0, 0.6, count))
        self.noise = np.exp(rng.normal(0, 0.05, (count, 64)))

    def at(self, point: Point, pollutant: str, place: int) -> "np.ndarray":
        """Return a place's values, one an hour; `place` numbers its own noise."""
        level, share = _AIR[pollutant]
        local = (self.hours + 8) % 24
        rhythm = 1.0 + 0.22 * np.cos((local - 7) / 24 * 2 * math.pi)
        if pollutant == "a05024":
            rhythm = 1.0 - 0.8 * np.cos((local - 3) / 24 * 2 * math.pi)
        blown = sum((self._plume(one, point) for one in plumes()), np.zeros(len(self.hours)))
        noise = self.noise[:, place % 64]
        return np.maximum((level * self.weather * rhythm + share * blown) * noise, 0.1)

    def _plume(self, one: Plume, point: Point) -> "np.ndarray":
        ago = self.hours - self.hours[-1] - 1
        on = (ago >= one.first) & (ago <= one.last)
        east, north = point.x - one.point.x, point.y - one.point.y
        to = np.radians(self.direction + 180.0)
        along = east * np.sin(to) + north * np.cos(to)
        across = east * np.cos(to) - north * np.sin(to)
        width = 500.0 + 0.25 * np.maximum(along, 0.0)
        reach = np.exp(-np.maximum(along, 0.0) / 3500.0 - np.maximum(-along, 0.0) / 700.0)
        return np.where(on, one.strength * reach * np.exp(-((across / width) ** 2) / 2), 0.0)


def items(end_hour: int, seed: int) -> Iterator[pb.OutsideItem]:
    """Yield everything that was there at an hour (unix hours), oldest kinds first."""
    air = Air(end_hour, seed)
    yield from _grid(air)
    yield from _stations(air)
    yield from _flight(end_hour)
    yield from _gates(end_hour)
    yield from _videos(end_hour)
    yield from _spots(end_hour)
    yield from _complaints(end_hour)
    yield from waters(end_hour, seed)


def _grid(air: Air) -> Iterator[pb.OutsideItem]:
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
        value = np.mean(around, axis=0)[-GRID_HOURS:]
        longitude, _ = unproject(centre)
        division = "130481" if longitude < 114.32 else "130404" if centre.y < _NORTH else "130408"
        for hour, one in zip(air.hours[-GRID_HOURS:].tolist(), value.tolist(), strict=True):
            grid = pb.GridValue(
                cell=cell_of(centre), pollutant="a34004", value=round(one, 1), unit="ug/m3",
                product="demo-hot-1",
            )  # fmt: skip
            _period(grid, hour)
            yield pb.OutsideItem(place=pb.Place(division=division), source=SOURCE, grid=grid)


_NORTH = project(114.45, 36.72).y


def _stations(air: Air) -> Iterator[pb.OutsideItem]:
    for place, row in enumerate(read_rows("outside_stations", DEMO)):
        lon, lat = float(row["longitude"]), float(row["latitude"])
        town = row["kind"] == "township"
        codes = tuple(_AIR) if town else ("a34004",)
        series = {
            code: air.at(project(lon, lat), code, place) * float(row["level"]) for code in codes
        }
        if row["station_id"] == "fx-t2":
            series["a21026"][-26:-20] *= 4.5  # a night's SO2
        if row["wind"] == "true":
            series |= {_DIRECTION: air.direction, _SPEED: air.speed}
        where = pb.Place(
            division=row["division"], longitude=lon, latitude=lat, crs="CGCS2000",
            address=row["name"],
        )  # fmt: skip
        kind = pb.STATION_KIND_TOWNSHIP if town else pb.STATION_KIND_MICRO
        for code, value in series.items():
            unit = {_DIRECTION: "deg", _SPEED: "m/s", "a21005": "mg/m3"}.get(code, "ug/m3")
            digits = 2 if code == "a21005" else 1
            hours = len(value) if town else GRID_HOURS
            for hour, one in zip(air.hours[-hours:].tolist(), value[-hours:].tolist(), strict=True):
                station = pb.StationValue(
                    station_id=row["station_id"], station=kind, pollutant=code,
                    value=round(one, digits), unit=unit,
                )  # fmt: skip
                _period(station, hour)
                yield pb.OutsideItem(place=where, source=SOURCE, station=station)


def _period(value: pb.GridValue | pb.StationValue, hour: int) -> None:
    value.start.seconds, value.end.seconds = hour * 3600, (hour + 1) * 3600


def _flight(end_hour: int) -> Iterator[pb.OutsideItem]:
    """Yield a drone's flight beside a power plant: SO2 stands out over two hundred metres."""
    start = (end_hour - 22) * 3600 + 600
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


def _gates(end_hour: int) -> Iterator[pb.OutsideItem]:
    """Yield the lorries of a cement plant: as many under the order as before, old ones at night."""
    for hour in range(end_hour - 7 * 24, end_hour):
        local = (hour + 8) % 24
        for number in range(3 if 6 <= local < 20 else 1):
            old = hour > end_hour - 30 and local in (1, 2, 3)
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


def _videos(end_hour: int) -> Iterator[pb.OutsideItem]:
    told = (
        ("v-1", -51, "91130404FARX00275U-DA001", "black_smoke", "烟囱冒黑烟约四分钟"),
        ("v-2", -12, "91130481FARX00099F-DA001", "dust", "熟料库卸料口扬尘"),
    )
    for name, hours, outlet_id, word, text in told:
        event = pb.DeviceEvent(
            event_id=name, event=pb.EVENT_KIND_VIDEO, device_id=f"cam-{outlet_id[15:18]}",
            type=word, text=text,
        )  # fmt: skip
        event.start.seconds = (end_hour + hours) * 3600 + 1260
        event.end.seconds = event.start.seconds + 240
        _media(event, f"{name}.jpg", event.start.seconds)
        yield pb.OutsideItem(place=pb.Place(outlet_id=outlet_id), source=SOURCE, event=event)


def _media(event: pb.DeviceEvent, name: str, at_s: int) -> None:
    one = event.media.add(media_id=name, type="image/jpeg", size=184_320, sha256=bytes(range(32)))
    one.taken_at.seconds = at_s


def _spots(end_hour: int) -> Iterator[pb.OutsideItem]:
    """Yield a VOC spot, land that lies bare in two images, and a field too small to matter."""
    told = (
        ("voc-17", -40, 114.3300, 36.6600, "VOC", 0.0, 3.1),
        ("land-4", -24 * 20, 114.2600, 36.7420, "bare_land", 130.0, 0.0),
        ("land-9", -24 * 3, 114.2601, 36.7421, "bare_land", 140.0, 0.0),
        ("land-10", -24 * 3, 114.5200, 36.7000, "bare_land", 60.0, 0.0),
    )
    for name, hours, lon, lat, indicator, side, value in told:
        spot = pb.SatelliteSpot(
            spot_id=name, product="demo-voc-2" if value else "demo-land-1", satellite="GF-5B",
            indicator=indicator, unit="ppb" if value else "",
        )  # fmt: skip
        spot.overpass.seconds = (end_hour + hours) * 3600 + 1800
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


def _complaints(end_hour: int) -> Iterator[pb.OutsideItem]:
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
        complaint = pb.Complaint(
            complaint_id=number, channel=channel, category=category, accused=accused, text=text
        )
        complaint.received_at.seconds = (end_hour + hours) * 3600 + 2040
        division = "130408" if lat > 36.7 else "130404"
        where = pb.Place(division=division, longitude=lon, latitude=lat, crs="CGCS2000")
        yield pb.OutsideItem(place=where, source=SOURCE, complaint=complaint)


#: Peaks of fluorescence (excitation nm, emission nm, height): protein-like T, humic-like C and A,
#: lignin of paper mills.
_SEWAGE = ((275, 340, 1.0), (230, 345, 1.2), (325, 410, 0.45))
_PAPER = ((280, 312, 0.9), (345, 430, 0.8), (250, 430, 0.7))
_HUMIC = ((330, 425, 0.5), (255, 440, 0.8))


def waters(end_hour: int, seed: int) -> Iterator[pb.OutsideItem]:
    """Yield spectra of two known sources and of a sample taken in the river below one of them."""
    told = (
        ("ref-208", -24 * 25, 114.4500, 36.6450, "130404", "91130404FARX00208X", (_SEWAGE, ())),
        ("ref-144", -24 * 25, 114.4580, 36.7960, "130408", "91130408FARX00144R", (_PAPER, ())),
        ("river-31", -16, 114.4561, 36.6422, "130404", "", (_SEWAGE, _HUMIC)),
    )
    rng = np.random.default_rng([seed, 78])
    ex, em = np.arange(220.0, 401.0, 10.0), np.arange(280.0, 521.0, 10.0)
    for name, hours, lon, lat, division, code, (own, river) in told:
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
        one.taken_at.seconds = (end_hour + hours) * 3600
        where = pb.Place(
            division=division, credit_code=code, longitude=lon, latitude=lat, crs="CGCS2000"
        )
        yield pb.OutsideItem(place=where, source=SOURCE, fingerprint=one)
