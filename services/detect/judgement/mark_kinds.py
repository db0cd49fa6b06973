"""标记种类: which row of the pack a mark is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.detect.judgement.parameters import MarkKind, OutletFacts
from services.detect.judgement.periods import day_of

if TYPE_CHECKING:
    from services.detect.judgement.marks import MarkRevision

#: 治理工况 and 生产工况; every other family speaks of monitoring devices (interface V1.6).
CONDITION_FAMILIES = (6, 7)
PROCESS_FAMILY = 5  # 监测设备维护(工况参数)


def kind_of(
    piece: "MarkRevision", kinds: Sequence[MarkKind], facts: OutletFacts
) -> MarkKind | None:
    """标记种类 of a mark by the row that names most of it, then the narrowest, then the latest.

    A row of a working condition names its condition; None = the pack does not know the mark.
    """
    day = day_of(piece.start_s // 3600)
    fitting = [
        kind
        for kind in kinds
        if kind.family in {0, piece.family}
        and kind.subtype in {0, piece.subtype}
        and kind.condition in {"", piece.condition}
        and (kind.condition or piece.family not in CONDITION_FAMILIES)
        and kind.scope.has(facts)
        and kind.since <= day
        and (kind.until is None or day < kind.until)
    ]
    return max(
        fitting,
        key=lambda kind: (
            bool(kind.condition), bool(kind.subtype), bool(kind.family),
            kind.scope.narrowness, kind.since, kind.key,
        ),
        default=None,
    )  # fmt: skip
