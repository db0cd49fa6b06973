"""筛查 of some outlets: their hours as a panel, all tests, and what the signs come to."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from prometheus_client import Counter
from sqlalchemy.orm import Session

from services.chassis.log import get_logger
from services.chassis.pb.detect.v1 import screening_pb2 as pb
from services.detect import judgement_store, screening_store
from services.detect.app.knowledge import Knowledge, gather
from services.detect.app.screen_panel import Span, Tempo, screen_panel
from services.detect.check_store import all_checks
from services.detect.packs.pack import Pack
from services.detect.screening.alarms import Basis, alarms
from services.detect.screening.panel import Panel
from services.detect.screening.run import days_of_history, needs_days, run_tests, tests_in
from services.detect.screening.sign import Sign
from services.detect.screening_store import SignKey, SuppressionRow
from services.detect.screening_wire import key_of, sign_message
from services.detect.windows.partition_windows import PartitionWindows

log = get_logger(__name__)

#: Tests that say something within hours; they look at the running day too.
FAST = frozenset(
    {
        "exact_replay", "stuck_value", "o2_dilution", "zero_gas", "ambient_sample",
        "conversion_mismatch", "power_mismatch",
    }
)  # fmt: skip
#: Tests that compare all outlets with each other.
JOINS = frozenset({"same_outlets"})
#: Tests of each look; all of them where it is not here.
TESTS = {Tempo.FAST: FAST, Tempo.COPIES: JOINS}
FAILED = Counter("farsight_detect_screen_failed_total", "Tests that ended in an error", ["test"])


@dataclass(frozen=True)
class Evaluated:
    """研判状态 of one outlet and test: some of its series have too little history."""

    outlet_id: str
    rule_id: str
    known_days: int
    needed_days: int


@dataclass(frozen=True)
class Screened:
    """What was seen at some outlets."""

    span: Span
    signs: Mapping[SignKey, pb.ScreenSign]
    """Signs of alarms, each as it weighs most; those of suppressed alarms with their reason."""
    evaluated: Sequence[Evaluated]
    """Outlets and tests with the shortest history of a series, and what is needed."""
    panel: Panel | None = None
    """What was looked at."""


def screen_outlets(
    session: Session, windows: PartitionWindows, knowledge: Knowledge, span: Span, now: datetime
) -> Screened:
    """筛查: signs of outlets whose joint evidence is beyond the dial of the pack."""
    pack = knowledge.timeline.newest
    known = gather(
        session, windows, knowledge, dict.fromkeys(span.outlets, span.since),
        frozen_until=judgement_store.frozen_until(session), stored=None,
    ).known  # fmt: skip
    checks = all_checks(session, span.outlets, span.start * 3600)
    known = dataclasses.replace(known, checks=checks)
    panel = screen_panel(windows, knowledge.directory, known, span)
    if panel is None:
        return Screened(span, {}, [])
    looking = TESTS.get(span.tempo)
    tests = [test for test in tests_in(pack.book) if looking is None or test in looking]
    signs = run_tests(panel, pack.book, tests, count_failed)
    suppressions = screening_store.suppressions_of(session, span.outlets, now)
    found = weighed(panel, signs, pack, suppressions)
    evaluated = _evaluated(panel, pack, tests) if looking is None else []
    return Screened(span, found, evaluated, panel)


def weighed(
    panel: Panel, signs: Sequence[Sign], pack: Pack, suppressions: Sequence[SuppressionRow]
) -> dict[SignKey, pb.ScreenSign]:
    """告警迹象: signs of alarms, by name.

    A suppressed sign raises nothing and supports nothing; it is listed.
    """
    basis = Basis.of(pack)
    covering = {id(sign): _covering(panel, sign, suppressions) for sign in signs}
    free = [sign for sign in signs if not covering[id(sign)]]
    kept: dict[SignKey, pb.ScreenSign] = {}
    for alarm in alarms(panel, free, basis, pack.dial.per_station_year):
        for sign in alarm.signs:
            keep(kept, key_of(panel, sign), sign_message(panel, sign, alarm, basis))
    if len(free) < len(signs):
        for alarm in alarms(panel, signs, basis, pack.dial.per_station_year):
            if suppression := covering[id(alarm.signs[0])]:
                message = sign_message(panel, alarm.signs[0], alarm, basis)
                message.state, message.reason = pb.SIGN_STATE_SUPPRESSED, suppression
                keep(kept, key_of(panel, alarm.signs[0]), message)
    return kept


def _covering(panel: Panel, sign: Sign, suppressions: Sequence[SuppressionRow]) -> str:
    """The suppression that covers a sign, empty where none does."""
    if not suppressions:
        return ""
    key = key_of(panel, sign)
    return next((one.suppression_id for one in suppressions if one.covers(key)), "")


def keep(kept: dict[SignKey, pb.ScreenSign], key: SignKey, message: pb.ScreenSign) -> None:
    """迹象合并: keep a sign as it weighs most; a window that grew from its start is one sign."""
    before = kept.get(key)
    if before is None or _weight(message) > _weight(before):
        kept[key] = message


def _weight(message: pb.ScreenSign) -> tuple[float, int]:
    return message.log10_e, message.end.seconds


def _evaluated(panel: Panel, pack: Pack, tests: Sequence[str]) -> list[Evaluated]:
    """研判状态: shortest history of an outlet beside what each test needs; cold is never clean."""
    days = days_of_history(panel)
    shortest = {outlet_id: int(days[rows].min()) for outlet_id, rows in panel.rows_of.items()}
    needed = {test: needs_days(pack.book.versions(test)[-1]) for test in tests}
    return [
        Evaluated(outlet_id, test, known, round(needed[test]))
        for outlet_id, known in shortest.items()
        for test in tests
        if known < needed[test]
    ]


def count_failed(test: str, error: Exception) -> None:
    """Count and tell of a test that ended in an error."""
    FAILED.labels(test).inc()
    log.error("screen_failed", test=test, error=repr(error))
