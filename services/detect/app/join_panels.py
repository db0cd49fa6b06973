"""合并数据块: outlets of several partitions of one process in one panel."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from sqlalchemy.orm import Session

from services.detect import judgement_store
from services.detect.app.detector import Detector, Partition
from services.detect.app.knowledge import gather
from services.detect.app.screen_panel import Span, screen_panel
from services.detect.screening.panel import Panel


def joined_panel(detector: Detector, partitions: Iterable[Partition], span: Span) -> Panel | None:
    """One panel of the outlets of a span, whatever partition each is in; None without data.

    Takes each partition's lock in turn, so the caller must hold none.
    """
    wanted, panels = set(span.outlets), []
    for partition in partitions:
        mine = sorted(wanted & set(partition.windows.index.outlets()))
        if mine:
            with partition.lock, detector.database.transaction() as session:
                panels.append(_panel_of(session, detector, partition, replace(span, outlets=mine)))
    return _joined([panel for panel in panels if panel is not None])


def _panel_of(
    session: Session, detector: Detector, partition: Partition, span: Span
) -> Panel | None:
    since: Mapping[str, int] = dict.fromkeys(span.outlets, span.since)
    known = gather(
        session, partition.windows, detector.known, since,
        frozen_until=judgement_store.frozen_until(session), stored=None,
    ).known  # fmt: skip
    return screen_panel(partition.windows, detector.known.directory, known, span)


def _joined(panels: Sequence[Panel]) -> Panel | None:
    """Panels of the same hours under each other; without checks, which copies have none of."""
    if not panels:
        return None
    since = [panel.judged_since() for panel in panels]
    return replace(
        panels[0],
        keys=[key for panel in panels for key in panel.keys],
        value=np.concatenate([panel.value for panel in panels]),
        flag=np.concatenate([panel.flag for panel in panels]),
        marked=np.concatenate([panel.marked for panel in panels]),
        limit=np.concatenate([panel.limit for panel in panels]),
        enterprise=[one for panel in panels for one in panel.enterprise],
        operator=[one for panel in panels for one in panel.operator],
        line=[one for panel in panels for one in panel.line],
        since=np.concatenate(since),
        checks=(),
        parameters=(),
    )
