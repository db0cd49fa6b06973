"""`make bench-cases`: 50,000 open cases with 200,000 running clocks on the embedded PostgreSQL.

Heads, clocks, due rows and timelines are made by COPY (`tests/integration/cases_many.py`) in a
process of its own. Measured: pages of the queue at the store (first, middle, deep, by county, by
officer, by search, by due), the export of all of it, a burst of clocks that are due at once, an
idle look for due clocks, the reckoning of provisional clocks after a new calendar, and the memory
of this process, which loads what the service loads. `--write` puts the figures into docs/work.md.
"""

import argparse
import datetime as dt
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from services.cases import queries
from services.cases.app import handle_due
from services.cases.app.reckon_clocks import reckon_clocks
from services.cases.app.save_step import BREACH, WARN
from services.cases.domain.matter import Kind
from services.cases.queries import Place, View, Wanted
from services.cases.work_door import EXPORT_PAGE, WorkServicer
from services.cases.work_inactivity import report_inactivity
from services.cases.work_outcomes import Period, count_outcomes
from services.chassis.clock import utc_now
from services.chassis.db import Database
from services.chassis.due import handle_one
from services.chassis.identity import Scope
from tests.conftest import migrate
from tests.integration.cases_many import COUNTIES, Mass, fill
from tests.integration.cases_rig import wipe
from tests.servers import fresh_database, running_servers

DOC = Path(__file__).parents[2] / "docs" / "work.md"
CASES, CLOCKS_EACH, BURST, GOAL_MS, RECKONINGS = 50_000, 4, 2000, 100.0, 3
PROVINCE = View(frozenset(Kind), Scope("13"))


@dataclass
class Figures:
    """Lines of the table, and the slowest p95 of a page in ms."""

    lines: list[tuple[str, str]]
    slowest: float = 0.0

    def add(self, what: str, figure: str) -> None:
        """Keep a line and show it."""
        self.lines.append((what, figure))
        print(f"{what:<58}{figure}", flush=True)


def main() -> int:
    """Measure, print, perhaps write; 1 when a page misses its goal."""
    parser = argparse.ArgumentParser(prog="make bench-cases", description=__doc__)
    parser.add_argument("--cases", type=int, default=CASES)
    parser.add_argument("--burst", type=int, default=BURST)
    parser.add_argument("--runs", type=int, default=30, help="of each page")
    parser.add_argument("--write", action="store_true", help="into docs/work.md")
    parser.add_argument("--fill", default="", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.fill:
        return fill_at(args.fill, args.cases)
    figures, load = Figures([]), os.getloadavg()[0]
    now = utc_now()
    with _filled(args.cases, figures) as database:
        pages(database, args.runs, figures, now)
        lists(database, figures, now)
        sweep(database, args.burst, figures, now)
        reckon(database, figures, now)
    figures.add("peak memory of this process (it loads what the service loads)", f"{peak():.0f} MB")
    head = f"{machine()}; PostgreSQL embedded, load before {load:.1f}. "
    head += f"{args.cases:,} open cases and orders, {args.cases * CLOCKS_EACH:,} running clocks."
    reached = figures.slowest < GOAL_MS
    print(head, f"\npage under {GOAL_MS:.0f} ms: {'reached' if reached else 'missed'}")
    if args.write:
        write(head, figures)
    return 0 if reached else 1


@contextmanager
def _filled(cases: int, figures: Figures) -> Iterator[Database]:
    with running_servers() as servers, fresh_database(servers.url("DATABASE_URL"), "bench") as url:
        migrate(url, "cases")
        begin = time.perf_counter()
        command = [sys.executable, "-m", "tests.bench.cases", f"--cases={cases}", "--fill", url]
        subprocess.run(command, check=True)
        figures.add("filling by COPY, with vacuum", f"{time.perf_counter() - begin:.0f} s")
        database = Database(url, "cases")
        yield database
        database.engine.dispose()


def fill_at(url: str, cases: int) -> int:
    """Fill a migrated database; in a process of its own, whose memory is not measured."""
    owner = Database(url, "cases")
    with owner.transaction() as session:
        wipe(session)
        fill(session, Mass(cases, CLOCKS_EACH), utc_now())
    with owner.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("RESET ROLE"))
        connection.execute(text("VACUUM ANALYZE"))
    owner.engine.dispose()
    return 0


def pages(database: Database, runs: int, figures: Figures, now: dt.datetime) -> None:
    """p50 and p95 of a page with its total, as the door asks for it."""
    county = View(frozenset(Kind), Scope(COUNTIES[7]))
    city = View(frozenset(Kind), Scope(COUNTIES[7][:4]))
    deep = _token(database, 0.9)
    for name, view, wanted, token in (
        ("page: first of the province", PROVINCE, Wanted(state="open"), ""),
        ("page: in the middle", PROVINCE, Wanted(state="open"), _token(database, 0.5)),
        ("page: deep (behind 90 %)", PROVINCE, Wanted(state="open"), deep),
        ("page: a city", city, Wanted(state="open"), ""),
        ("page: a county", county, Wanted(state="open"), ""),
        ("page: an officer", PROVINCE, Wanted(assignee_id=f"o-{COUNTIES[7]}-3"), ""),
        ("page: overdue", PROVINCE, Wanted(overdue_at=now), ""),
        ("page: by due time", PROVINCE, Wanted(order="due"), ""),
        ("page: newest first", PROVINCE, Wanted(order="opened"), ""),
        ("page: search, rare (part of a number)", PROVINCE, Wanted(search="-000123"), ""),
        ("page: search, common (热电)", PROVINCE, Wanted(search="热电"), ""),
        ("page: search, everywhere (有限公司)", PROVINCE, Wanted(search="有限公司"), ""),
        ("page: search in a county", county, Wanted(search="永年水泥"), ""),
    ):
        times = [_timed(lambda: _page(database, view, wanted, token)) for _ in range(runs)]  # noqa: B023
        p50, p95 = statistics.median(times), sorted(times)[int(len(times) * 0.95)]
        figures.slowest = max(figures.slowest, p95)
        figures.add(name, f"p50 {p50:.1f} ms, p95 {p95:.1f} ms")


def _page(database: Database, view: View, wanted: Wanted, token: str) -> None:
    with database.transaction() as session:
        queries.list_matters(session, view, wanted, 50, token)


def _token(database: Database, share: float) -> str:
    """The token of a place so deep in the queue, as a reader would have it."""
    with database.transaction() as session:
        total = queries.list_matters(session, PROVINCE, Wanted(state="open"), 1, "").total
        skipped = session.execute(
            text("SELECT rank, matter_id FROM matter ORDER BY rank, matter_id OFFSET :n LIMIT 1"),
            {"n": int(total * share)},
        ).one()
    return queries.token_of("rank", Place(str(skipped.rank), skipped.matter_id, total))


def lists(database: Database, figures: Figures, now: dt.datetime) -> None:
    """Export, inactivity, outcomes."""
    for ending in ("csv", "xlsx"):
        before = peak()
        with tempfile.TemporaryFile() as file:
            seconds = _timed(lambda: _export(database, file, ending, now)) / 1000  # noqa: B023
            size = file.seek(0, 2) / 1e6
        figures.add(
            f"export of all rows as {ending}",
            f"{seconds:.1f} s, {size:.1f} MB, memory +{peak() - before:.0f} MB",
        )
    period = Period(now - dt.timedelta(days=90), now, "13")
    with database.transaction() as session:
        spent = _timed(lambda: report_inactivity(session, "13", "", 200, now))
        figures.add("inactivity report of the province", f"{spent:.0f} ms")
        spent = _timed(lambda: count_outcomes(session, period))
        figures.add("outcomes of 90 days of the province", f"{spent:.0f} ms")


def _export(database: Database, file: object, ending: str, now: dt.datetime) -> None:
    door = WorkServicer(database)
    done = list(door._written(file, ending, PROVINCE, Wanted(), now))  # type: ignore[arg-type]
    assert done[-1][0] == done[-1][1] > EXPORT_PAGE


def sweep(database: Database, burst: int, figures: Figures, now: dt.datetime) -> None:
    """Idle looks, then so many clocks due at once, one transaction each, as the service does."""
    idle = [_timed(lambda: handle_one(database, WARN, now, _never)) for _ in range(200)]
    figures.add("an idle look for due clocks", f"p50 {statistics.median(idle):.2f} ms")
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE due SET at = :now WHERE due_id IN (SELECT due_id FROM due"
                " WHERE kind = :kind AND done_at IS NULL ORDER BY due_id LIMIT :burst)"
            ),
            {"now": now, "kind": BREACH, "burst": burst},
        )
    begin, done = time.perf_counter(), 0
    while handle_one(
        database, BREACH, now, lambda session, row: handle_due.breach(session, row.payload, now)
    ):
        done += 1
    seconds = time.perf_counter() - begin
    figures.add(
        f"{done:,} clocks breached in a burst",
        f"{done / seconds:.0f} a second on one connection, {seconds:.1f} s",
    )


def reckon(database: Database, figures: Figures, now: dt.datetime) -> None:
    """Provisional clocks computed again when a calendar came, in the batches of the timer."""
    with database.transaction() as session:
        session.execute(
            text(
                "UPDATE matter_clock SET provisional = true WHERE matter_id IN"
                " (SELECT matter_id FROM matter ORDER BY matter_id LIMIT 2000)"
                " AND state = 'running' AND ended_at IS NULL"
            )
        )
    begin, moved = time.perf_counter(), 0
    for _ in range(RECKONINGS):
        with database.transaction() as session:
            moved += reckon_clocks(session, now)
    seconds = time.perf_counter() - begin
    figures.add(
        f"{moved:,} ends moved by a new calendar, in {RECKONINGS} batches",
        f"{moved / seconds:.0f} a second on one connection, {seconds:.1f} s",
    )


def _never(_session: object, _row: object) -> None:
    raise AssertionError("nothing is due")


def _timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    begin = time.perf_counter()
    work()
    return (time.perf_counter() - begin) * 1000


def machine() -> str:
    """Processor and interpreter."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    name = next((line.partition(":")[2].strip() for line in lines if "model name" in line), "?")
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}"


def peak() -> float:
    """Largest resident size of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write(head: str, figures: Figures) -> None:
    """Put the table between its marks in the document."""
    begin, end = "<!-- bench-cases -->\n", "<!-- end of bench-cases -->"
    rows = "\n".join(f"| {what} | {figure} |" for what, figure in figures.lines)
    table = f"{head}\n\n| what | figure |\n|---|---|\n{rows}\n"
    document = DOC.read_text(encoding="utf-8")
    before, _, rest = document.partition(begin)
    DOC.write_text(before + begin + table + end + rest.partition(end)[2], encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
