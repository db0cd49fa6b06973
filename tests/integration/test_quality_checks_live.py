"""标样核查 through gate, bus, ingest and detect as real processes: 2062 in, finding withdrawn."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from farsight.lab.device import device_of
from services.chassis.clock import beijing
from services.chassis.db import Database
from services.chassis.pb.detect.v1 import detect_pb2
from services.detect.store import FindingRow
from tests.conftest import migrate
from tests.integration.callback_rig import MODEL
from tests.integration.detect_rig import limit_record
from tests.integration.gate_rig import (
    CREDIT,
    PASSWORD,
    Logger,
    house,
    logger_record,
    mn_of,
    outlet_record,
    wait_until,
)
from tests.servers import fresh_database

pytestmark = pytest.mark.timeout(180)
COD = "w01018"
OUTLET, NUMBER = f"{CREDIT}-DW001", 9


def _records(outlet: str):
    """A water outlet with a limit of 50 mg/L, and its logger of 2025."""
    water = outlet_record(outlet)
    water.outlet.medium, water.outlet.process = "water", "sewage"
    del water.outlet.factors[:]
    water.outlet.factors.append(COD)
    limit = limit_record(outlet, COD, 50.0)
    limit.limit.unit = "mg/L"
    logger = logger_record(NUMBER, outlet)
    logger.logger.st, logger.logger.version = "32", 2025
    return water, limit, logger


def _count(database: Database) -> int | None:
    """Hours of the exceedance as it stands; None before it was raised."""
    with database.transaction() as session:
        rows = session.scalars(select(FindingRow))
        found = [detect_pb2.Finding.FromString(row.body) for row in rows]
    mine = [one for one in found if one.rule_id == "hourly_exceedance"]
    return mine[0].count if mine else None


def test_a_2062_on_the_wire_withdraws_an_exceedance(
    postgres_url, amqp_uri, redis_url, tmp_path_factory
):
    """Two hours over the limit are raised; passed before, failed after: they prove nothing."""
    device = device_of(replace(MODEL, mn=mn_of(NUMBER), password=PASSWORD, st="32"), version=2025)
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)

    def check(back_h: float, measured: str, word: int) -> bytes:
        moment = f"{beijing(hour - timedelta(hours=back_h)):%Y%m%d%H%M%S}"
        area = (
            f"DataTime={moment};{COD}-SampleRd={measured},"
            f"{COD}-StandardValue=40.00,{COD}-ResultType={word}"
        )
        return device.speech.upload("2062", f"{moment}000", area).data

    with fresh_database(postgres_url, "checks") as url:
        for service in ("registry", "ingest", "detect"):
            migrate(url, service)
        with house(url, amqp_uri, tmp_path_factory.mktemp("checks"), redis_url) as site:
            site.sync(*_records(OUTLET))
            port = site.start_gate()
            for service in ("ingest", "detect"):
                site.start(service, "services.chassis.host", service)
            database = Database(url, "detect")
            logger = Logger(port)
            for back in range(10, 0, -1):
                value = 140.0 if back in {5, 6} else 30.0 + back % 3
                logger.send(
                    site.upload(
                        NUMBER,
                        {COD: {"Avg": value, "Flag": "N"}},
                        hour - timedelta(hours=back),
                        st="32",
                    )
                )
            wait_until(lambda: _count(database) == 2, 60)
            logger.send(check(8.5, "39.21", 1) + check(2.5, "31.00", 0) + check(2.5, "31.00", 0))
            wait_until(lambda: _count(database) == 0, 60)
            logger.close()
            database.engine.dispose()
