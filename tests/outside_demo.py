"""The demo's things from outside as the engine sees them, without a database."""

from functools import cache

from farsight.lab.model.outside import items
from farsight.lab.seed import records_of
from services.chassis.pb.ingest.v1 import outside_pb2
from services.detect.app.outside_desk import _plant
from services.detect.outside.records import Order, Plant, Records
from services.detect.outside_wire import series_of, single_of, taken_of

END = 489_944  # unix hours: 2025-11-22 16:00 in Beijing
CITY, CEMENT = "1304", "91130481FARX00099F"
HOMES = {CEMENT: "130481", "91130404FARX00275U": "130404"}


def entry(item):
    """An entry of a batch, as the gate makes it."""
    code = item.place.credit_code or item.place.outlet_id.partition("-")[0]
    division = item.place.division or HOMES[code]
    return outside_pb2.OutsideEntry(
        raw=item.SerializeToString(), division=division, credit_code=code
    )


def plants() -> tuple[Plant, ...]:
    """Plants of the city."""
    outlets = {}
    for record in records_of("outlets"):
        outlets.setdefault(record.outlet.credit_code, []).append(record.outlet)
    mine = (r for r in records_of("enterprises") if r.enterprise.division.startswith(CITY))
    return tuple(_plant(r.enterprise, outlets.get(r.key, [])) for r in mine)


@cache
def records() -> Records:
    """Everything as of `END`, with an order of the cement plant."""
    taken = taken_of(outside_pb2.OutsideBatch(entries=[entry(one) for one in items(END, 7)]))
    newest = taken.newest[CITY]
    rows = sorted(taken.days.values(), key=lambda row: (row.series, row.day))
    single = single_of(taken.items)
    order = Order(
        "o-1", CEMENT, "limit", 0.5, (END - 30) * 3600, (END + 18) * 3600, "冀气指办〔演示〕1号"
    )
    return Records(
        begin_s=newest - 7 * 86_400,
        end_s=newest + 1,
        series=series_of(rows, newest - 14 * 86_400, newest + 1),
        events=tuple(single["event"]),
        complaints=tuple(single["complaint"]),
        spots=tuple(single["spot"]),
        fingerprints=tuple(single["fingerprint"]),
        orders=(order,),
        plants=plants(),
    )
