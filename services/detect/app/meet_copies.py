"""跨分区比对: copies between outlets that no slice of a sweep held together, by fingerprints.

A sweep leaves the fingerprints of its outlets' judged days in memory; the sweep of another
partition of the same process meets them. Where enough of them meet, the two outlets are compared
value by value, with the chance level of all series that were compared.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from services.chassis.log import get_logger
from services.chassis.pb.detect.v1 import screening_pb2 as pb
from services.detect import screening_store
from services.detect.app.detector import Detector, Partition
from services.detect.app.join_panels import joined_panel
from services.detect.app.screen_outlets import JOINS, count_failed, weighed
from services.detect.app.screen_panel import Span, Tempo
from services.detect.app.sweep_plan import AGAIN_H
from services.detect.screening.panel import Panel
from services.detect.screening.prints import KEPT, PartitionPrints, Prints
from services.detect.screening.run import run_tests
from services.detect.screening_store import SignKey

log = get_logger(__name__)

_RULE = "same_outlets"
#: Pairs of outlets that a sweep compares value by value; those with most in common come first.
MOST_PAIRS = 64
#: Hours of equal new values from which two outlets are looked at: one in `KEPT` is remembered.
_LEAST_H = 24

Met = Mapping[SignKey, pb.ScreenSign]


def take_prints(detector: Detector, panel: Panel) -> PartitionPrints:
    """指纹 of the judged days of a panel."""
    rule = detector.known.timeline.newest.book.versions(_RULE)[-1]
    rows = range(len(panel.keys))
    return PartitionPrints(tuple(panel.keys), Prints.of(panel, rows, rule.hours("window_values")))


def meet_copies(
    detector: Detector, partition: Partition, taken: Sequence[PartitionPrints], span: Span,
    now: datetime,
) -> Met:  # fmt: skip
    """Signs of this partition's outlets that repeat, or are repeated by, another partition's."""
    new = PartitionPrints.merged(taken)
    before = detector.prints.get(partition.number)
    if before is not None:  # outlets that were not due keep what they left
        new = PartitionPrints.merged([before.without({key.outlet_id for key in new.keys}), new])
    detector.prints[partition.number] = new
    pairs = _pairs(detector.prints, partition.number)
    if len(pairs) > MOST_PAIRS:
        log.warning("copies_not_compared", partition=partition.number, pairs=len(pairs))
    series = sum(len(prints.keys) for prints in detector.prints.values())
    own = {key.outlet_id for key in detector.prints[partition.number].keys}
    others = [detector.partition(number) for number in detector.prints]
    found: dict[SignKey, pb.ScreenSign] = {}
    for pair in pairs[:MOST_PAIRS]:
        look = Span(pair, span.end, max(span.since, span.end - AGAIN_H), Tempo.COPIES)
        signs = _compared(detector, others, look, series, now)
        found.update({key: sign for key, sign in signs.items() if key.outlet_id in own})
    return found


def _pairs(prints: Mapping[int, PartitionPrints], mine: int) -> list[tuple[str, str]]:
    """Outlets of this and of another partition that have fingerprints in common, most first."""
    numbers = [number for number, one in prints.items() for _ in one.keys]
    whole = PartitionPrints.merged(list(prints.values()))
    times: Counter[tuple[str, str]] = Counter()
    for meeting in whole.table.meetings(least=max(2, _LEAST_H // KEPT)):
        ends = sorted((meeting.first, meeting.second))
        if (numbers[ends[0]] == mine) != (numbers[ends[1]] == mine):
            one, other = sorted(whole.keys[end].outlet_id for end in ends)
            times[one, other] += meeting.times
    return [pair for pair, _ in sorted(times.items(), key=lambda item: (-item[1], item[0]))]


def _compared(
    detector: Detector, partitions: Iterable[Partition], span: Span, series: int, now: datetime
) -> Met:
    """Signs of two outlets, less what comparing all series adds to chance (2 log2 of the ratio)."""
    panel = joined_panel(detector, partitions, span)
    if panel is None:
        return {}
    pack = detector.known.timeline.newest
    more = 2 * math.log2(max(series / len(panel.keys), 1.0))
    signs = [
        replace(sign, score=sign.score - more, expected=sign.expected + more,
                silent_at=sign.silent_at + more)
        for sign in run_tests(panel, pack.book, JOINS, count_failed)
        if sign.score > more
    ]  # fmt: skip
    with detector.database.transaction() as session:
        suppressions = screening_store.suppressions_of(session, span.outlets, now)
        return weighed(panel, signs, pack, suppressions)
