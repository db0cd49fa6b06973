"""Marks of the demo: what they are worth by the shipped rule pack."""

from collections import Counter

import numpy as np

from farsight.lab.province import demo_loggers, read_rows
from farsight.lab.seed_marks import marks_of
from services.chassis.pb.ingest.v1.outside_pb2 import OutsideItem
from services.detect.domain.series_key import SeriesKey
from services.detect.judgement.mark_kinds import kind_of
from services.detect.judgement.marks import MarkRevision, counting, mark_effects
from services.detect.judgement.parameters import OutletFacts
from services.detect.judgement.periods import day_of
from services.detect.judgement.pools import pool_uses
from services.detect.packs.load import shipped_pack

ANCHOR = 498_690  # 2026-11-22T02:00Z
SEED = 20260101


def facts_of(outlet_id: str) -> OutletFacts:
    """As the registry has the outlet."""
    return OutletFacts(outlet_id, outlet_id[2:8], outlet_id[:18], "4417", "air", "MSWI furnace")


def revision(item: OutsideItem) -> MarkRevision:
    """A mark as detect keeps it."""
    mark = item.mark
    return MarkRevision(
        item.place.outlet_id, mark.mark_id, mark.revision, mark.family, mark.subtype,
        mark.condition, mark.facility, tuple(mark.factors), mark.start.seconds, mark.end.seconds,
        mark.status, 0,
    )  # fmt: skip


def test_one_furnace_has_nearly_used_its_pool() -> None:
    """57 of 60 h: amber on the page; every mark is known to the pack."""
    pack = shipped_pack()
    outlet = "91130408FARX00267T-DA002"
    told = [revision(item) for item in marks_of(ANCHOR, SEED)]
    rows, start = [SeriesKey(outlet, "a21002")], np.array([ANCHOR - ANCHOR % 24 + 16 - 24])

    effects = mark_effects(
        rows, start, 24, {outlet: counting([m for m in told if m.outlet_id == outlet], None)},
        {outlet: facts_of(outlet)}, pack, {},
    )  # fmt: skip

    uses = {
        use.pool: use
        for use in pool_uses(effects.uses[outlet], pack.pools, facts_of(outlet), day_of(ANCHOR))
    }
    assert (uses["mswi_a"].used_hours, uses["mswi_a"].warn) == (57, True)
    assert uses["mswi_b"].used_hours == 97
    assert all(kind_of(m, pack.marks, facts_of(m.outlet_id)) for m in told)


def test_standstills_of_the_model_are_marked_as_they_are() -> None:
    """A 停运 mark covers ambient oxygen from its first hour to its last; all marks are past."""
    items = marks_of(ANCHOR, SEED)
    loggers = {lg.model.who.outlet_id: lg for lg in demo_loggers(ANCHOR, SEED)}

    stops = [item for item in items if item.mark.condition == "mswi_ty"]
    for item in stops:
        first, end = item.mark.start.seconds // 3600, item.mark.end.seconds // 3600
        oxygen = (
            loggers[item.place.outlet_id].model.block(first - 1, end - first + 2).mean["a19001"]
        )
        assert (oxygen[1:-1] >= 19).all()
        assert oxygen[0] < 19 or first == ANCHOR - 90 * 24

    assert stops
    assert all(item.mark.end.seconds <= ANCHOR * 3600 for item in items)
    assert max(Counter((i.place.outlet_id, i.mark.mark_id) for i in items).values()) == 1
    outlets = {row["outlet_id"]: row["process"] for row in read_rows("outlets")}
    assert {outlets[item.place.outlet_id] for item in items} == {"MSWI furnace"}
