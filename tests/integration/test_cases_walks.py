"""A short random walk over every life cycle: `make walks` takes a longer one."""

from __future__ import annotations

import datetime as dt

import pytest

from services.chassis.clock import BEIJING
from services.chassis.db import Database
from services.chassis.replica import apply_records
from tests.walks.people import registry_records
from tests.walks.walk import Walk

pytestmark = [pytest.mark.fault, pytest.mark.slow, pytest.mark.timeout(900)]
STEPS = 400


def test_a_walk_with_two_replicas_and_kills_keeps_every_promise(migrated_db):
    """No illegal state, no clock lost or noted twice, no notice twice, every chain whole."""
    url = migrated_db("cases")
    database = Database(url, "cases")
    with database.transaction() as session:
        apply_records(session, registry_records())
    database.engine.dispose()
    walk = Walk(url, dt.datetime(2026, 1, 5, 9, tzinfo=BEIJING), seed=20260822)
    try:
        report = walk.run(STEPS)
    finally:
        walk.close()

    assert report.steps >= STEPS
    assert report.deaths > 0
    assert report.sweeps > 0
    assert sum(report.clocks.values()) > 0
