"""演示历史: what the demo province's loggers would have sent, straight from the lab model."""

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np

from farsight.backtest.history import CONFIRMED, Label, empty_columns
from farsight.lab.model.cheats import silent
from farsight.lab.province import DemoLogger, demo_loggers
from farsight.lab.seed import records_of
from farsight.lab.simulate import DEFAULT_SEED
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.detect.domain.grid import HOUR, Grid
from services.detect.domain.series_key import SeriesKey
from services.detect.judgement.marks import MarkRevision
from services.detect.kernels.series import Floats
from services.detect.windows.partition_windows import Columns

_TABLES = ("divisions", "enterprises", "outlets", "limits")


class DemoHistory:
    """演示省 up to an anchor hour, from which the stories of scenarios.csv count backwards."""

    def __init__(self, anchor_hour: int, seed: int = DEFAULT_SEED) -> None:
        self.name = f"demo province, seed {seed}"
        self.marks: dict[str, Sequence[MarkRevision]] = {}
        self._loggers = {
            logger.model.who.outlet_id: logger for logger in demo_loggers(anchor_hour, seed)
        }

    @cached_property
    def records(self) -> list[pb.Record]:
        """档案 of the province's files."""
        return [record for table in _TABLES for record in records_of(table)]

    @cached_property
    def labels(self) -> list[Label]:
        """The stories themselves: here the truth is known."""
        return [
            Label(outlet_id, factor, "", cheat.start, cheat.end, CONFIRMED)
            for outlet_id, logger in sorted(self._loggers.items())
            for cheat in logger.model.cheats
            for factor in cheat.factors or ("",)
        ]

    def columns(self, outlet_id: str, first_hour: int, end_hour: int) -> Columns:
        """Hour values as the wire carries them, with the digits that the instrument shows."""
        logger = self._loggers.get(outlet_id)
        if logger is None or end_hour <= first_hour:
            return empty_columns()
        return _columns(outlet_id, logger, first_hour, end_hour)


def _columns(outlet_id: str, logger: DemoLogger, first_hour: int, end_hour: int) -> Columns:
    block = logger.model.block(first_hour, end_hour - first_hour)
    sent = ~silent(logger.model.cheats, block.hours)
    factors = logger.model.factors
    series: list[tuple[Grid, SeriesKey]] = [(HOUR, SeriesKey(outlet_id, f)) for f in factors]
    count = int(sent.sum())
    value, converted, flag = (np.empty((count, len(factors))) for _ in range(3))
    for at, factor in enumerate(factors):
        value[:, at] = list(_shown(block.mean[factor][sent], logger.model.decimals(factor)))
        own = block.converted.get(factor)
        converted[:, at] = np.nan if own is None else own[sent]
        flag[:, at] = [ord(letter) for letter in block.flag[factor][sent].tolist()]
    return Columns(
        series,
        np.tile(np.arange(len(factors), dtype=np.int64), count),
        np.repeat(block.hours[sent] * 3600, len(factors)),
        value.ravel(),
        converted.ravel(),
        flag.ravel().astype(np.uint8),
    )


def _shown(values: Floats, digits: int) -> Iterator[float]:
    """Numbers as their text on the wire reads."""
    return (float(f"{value:.{digits}f}") for value in values.tolist())
