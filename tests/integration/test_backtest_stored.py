"""A back-test of what a platform keeps: over real doors, with the account of a province."""

import datetime as dt
import json
from collections.abc import Iterator

import numpy as np
import pytest

from farsight.backtest.demo import DemoHistory
from farsight.backtest.history import CONFIRMED
from farsight.backtest.replay import replay
from farsight.backtest.stored import StoredHistory
from farsight.backtest.walk import Span
from farsight.cli import main
from farsight.lab.seed import records_of
from services.cases.app.handle_finding import handle_finding
from services.chassis.replica import apply_records
from services.detect.packs.load import shipped_pack
from services.detect.windows.partition_windows import Columns
from services.ingest.hj212.messages import FactorValues
from tests.integration.cases_rig import ANSWER, LI, MANAGER, OUTLET, VERDICT, WANG, finding, region
from tests.integration.registry_rig import DEMO_PASSWORD, Door, seeded_door
from tests.integration.settling_bench import Bench

POWER = "91130481FARX00013L-DA001"
COUNTY = "130481"
SPAN = Span(dt.date(2026, 11, 20), dt.date(2026, 11, 21))
NOW = dt.datetime(2026, 11, 21, 10, 30, tzinfo=dt.UTC)
SERVICES = ("registry", "ingest", "cases")


def stored_hours() -> Columns:
    """Two days of the demo's power plant: it exceeds at the end of the second."""
    return DemoHistory(SPAN.end_hour).columns(POWER, SPAN.first_hour, SPAN.end_hour)


def store(bench: Bench, columns: Columns) -> None:
    """Settle the hours as the gate sends them."""
    bench.outlet = POWER
    frames = []
    for time_s in np.unique(columns.time_s).tolist():
        values = [
            FactorValues(
                columns.series[columns.series_index[at]][1].factor, value=columns.value[at],
                converted=columns.converted[at], flag=chr(columns.flag[at]),
            )
            for at in np.flatnonzero(columns.time_s == time_s)
        ]  # fmt: skip
        frames.append((bench.frame(data_time_s=time_s, outlet_id=POWER), values))
    bench.run(*frames)


@pytest.fixture(scope="module")
def door(migrated_db, tmp_path_factory) -> Iterator[Door]:
    """Doors with the demo province, two stored days, and an order that was closed as confirmed."""
    url = migrated_db(*SERVICES)
    folder = tmp_path_factory.mktemp("doors")
    bench = Bench(url, folder / "archive")
    with bench.database.transaction() as session:
        records = list(records_of("outlets"))
        for number, record in enumerate(records, start=1):
            record.revision = number
        apply_records(session, records)
    store(bench, stored_hours())
    with region(url, NOW) as place:
        place.run(handle_finding, finding(NOW, hours=3))
        order = place.only()
        place.act(MANAGER, order, "answer", **ANSWER)
        place.act(WANG, place.only(), "check", **VERDICT)
        place.act(LI, place.only(), "close", opinion="同意")
    with seeded_door(url, folder, *SERVICES) as running:
        yield running


@pytest.mark.usefixtures("door")
def test_the_command_finds_in_the_store_what_the_model_sent(
    door: Door, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The findings of a replay straight from the model, for the one outlet that has readings."""
    monkeypatch.setenv("FARSIGHT_PASSWORD", DEMO_PASSWORD)

    class Sent(DemoHistory):
        """Only what was stored."""

        def columns(self, outlet_id: str, first_hour: int, end_hour: int) -> Columns:
            begin = max(first_hour, SPAN.first_hour) if outlet_id == POWER else end_hour
            return super().columns(outlet_id, begin, end_hour)

    wanted = replay(shipped_pack(), Sent(SPAN.end_hour), SPAN, division=COUNTY).findings

    status = main(["backtest", "--pack", "base", "--alone", "--from", SPAN.first.isoformat(),
                   "--to", SPAN.last.isoformat(), "--history", "stored", "--division", COUNTY,
                   "--door", door.address, "--user", "platform.130000", "--json"])  # fmt: skip

    found = json.loads(capsys.readouterr().out)["findings"]
    assert status == 0
    assert [one["seen"] for one in found] == [one.seen for one in wanted]
    assert [one["finding_id"] for one in found] == [one.finding_id for one in wanted]
    assert "hourly_exceedance" in {one["rule_id"] for one in found}


def test_closed_matters_are_labels_for_who_may_read_them(door: Door) -> None:
    """The province's platform has the label; the operator, who may not read matters, has none."""
    hours = SPAN.first_hour, SPAN.first_hour + 1

    platform = StoredHistory(door.client("platform.130000"), "130402", *hours)
    operator = StoredHistory(door.operator, "130402", *hours)

    (label,) = platform.labels
    assert (label.outlet_id, label.verdict, label.rule_id) == (
        OUTLET, CONFIRMED, "hourly_exceedance",
    )  # fmt: skip
    assert operator.labels == ()
