"""`make walks`: a long random walk with figures (ARGS="--steps 10000 --seed 7")."""

from __future__ import annotations

import argparse
import datetime as dt
import time

from services.chassis.clock import BEIJING
from services.chassis.db import Database
from services.chassis.replica import apply_records
from tests.conftest import migrate
from tests.servers import fresh_database, running_servers
from tests.walks.people import registry_records
from tests.walks.walk import Walk


def main() -> None:
    """Walk and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--families", type=int, default=12)
    args = parser.parse_args()
    with running_servers() as servers, fresh_database(servers.url("DATABASE_URL"), "walk") as url:
        migrate(url, "cases")
        database = Database(url, "cases")
        with database.transaction() as session:
            apply_records(session, registry_records())
        database.engine.dispose()
        walk = Walk(
            url, dt.datetime(2026, 1, 5, 9, tzinfo=BEIJING), args.seed, families=args.families
        )
        began = time.monotonic()
        try:
            report = walk.run(args.steps)
        finally:
            walk.close()
    seconds = time.monotonic() - began
    print(
        f"{report.steps} steps in {seconds:.0f} s over {report.days} days: "
        f"{report.matters} matters, {report.closed} closed; {report.sweeps} sweeps "
        f"by two replicas, {report.deaths} kills; {report.refused} refused"
    )
    print("clocks:", ", ".join(f"{state} {n}" for state, n in sorted(report.clocks.items())))
    print(
        f"states: {len(report.states)} reached, not reached: {', '.join(walk.missed()) or 'none'}"
    )


if __name__ == "__main__":
    main()
