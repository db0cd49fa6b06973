"""回测 of one rule pack: groups of outlets walked through time, on as many processes as asked."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from farsight.backtest.basis import Basis
from farsight.backtest.history import History
from farsight.backtest.items import Item, ItemCount, count_items, table_of
from farsight.backtest.walk import Found, Span, walk
from services.chassis.pb.detect.v1 import detect_pb2
from services.detect.packs.pack import Pack
from services.detect.packs.timeline import BEGINNING, Timeline

#: Outlets replayed together: what live judging takes in one go, and what bounds the memory.
GROUP = 64
#: Told after each group: outlets done, outlets in all.
Tell = Callable[[int, int], None]
Packed = list[tuple[bytes, tuple[Item, ...]]]


@dataclass(frozen=True)
class Replay:
    """回测结果 of one pack: findings as they stand at the end of the span, and their items."""

    pack: Pack
    span: Span
    outlet_ids: frozenset[str]
    findings: tuple[detect_pb2.Finding, ...]
    items: tuple[Item, ...]
    basis: Basis

    @property
    def outlets(self) -> int:
        """How many outlets were replayed."""
        return len(self.outlet_ids)

    @property
    def counts(self) -> list[ItemCount]:
        """事项计数 by county and trigger."""
        return count_items(self.items, table_of(self.pack))


def replay(
    pack: Pack,
    history: History,
    span: Span,
    *,
    division: str = "",
    jobs: int = 1,
    tell: Tell = lambda _done, _all: None,
) -> Replay:
    """回测 of a pack over a span of days, for the outlets of a jurisdiction (empty = all).

    The same input gives the same result, whatever the number of processes. Raises InputRejected
    for data that cannot be read, or where the jurisdiction has no outlet.
    """
    basis = Basis(Timeline([(BEGINNING, pack)]), history)
    outlets = basis.outlets(division)
    groups = [outlets[at : at + GROUP] for at in range(0, len(outlets), GROUP)]
    found: list[Found] = []
    done = 0
    for group, part in zip(groups, _groups(basis, groups, span, jobs), strict=True):
        found += part
        done += len(group)
        tell(done, len(outlets))
    found.sort(key=_order)
    return Replay(
        pack=pack,
        span=span,
        outlet_ids=frozenset(outlets),
        findings=tuple(one.finding for one in found),
        items=tuple(item for one in found for item in one.items),
        basis=basis,
    )


def _order(found: Found) -> tuple[str, int, str, str]:
    one = found.finding
    return one.outlet_id, one.start.seconds, one.rule_id, one.finding_id


def _groups(
    basis: Basis, groups: Sequence[Sequence[str]], span: Span, jobs: int
) -> Iterator[list[Found]]:
    if jobs <= 1 or len(groups) <= 1:
        yield from (walk(basis, group, span) for group in groups)
        return
    # Forked processes inherit what is known as it is: nothing is read or sent twice.
    pool = ProcessPoolExecutor(
        jobs, mp_context=get_context("fork"), initializer=_inherit, initargs=(basis, span)
    )
    with pool:
        for packed in pool.map(_one_group, groups):
            yield [Found(detect_pb2.Finding.FromString(body), items) for body, items in packed]


_inherited: list[tuple[Basis, Span]] = []


def _inherit(basis: Basis, span: Span) -> None:
    _inherited.append((basis, span))


def _one_group(group: Sequence[str]) -> Packed:
    basis, span = _inherited[-1]
    found = walk(basis, group, span)
    return [(one.finding.SerializeToString(deterministic=True), one.items) for one in found]
