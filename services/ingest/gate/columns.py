"""Frames and values to one columnar `ReadingBatch` (HJ 212 uploads and pushed readings alike)."""

import uuid
from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from services.chassis.pb.ingest.v1 import ingest_pb2 as pb
from services.ingest.hj212.messages import FactorValues

KIND_OF_CN = {
    "2011": pb.READING_KIND_REALTIME,
    "2051": pb.READING_KIND_MINUTE,
    "2061": pb.READING_KIND_HOUR,
    "2031": pb.READING_KIND_DAY,
}
CN_OF_KIND = {kind: cn for cn, kind in KIND_OF_CN.items()}
# Furnace temperature of 2025; what is pushed or asked for as minute data is 2051 all the same.
KIND_OF_CN["2111"] = pb.READING_KIND_MINUTE

OnSafe = Callable[[], object]
Kind: TypeAlias = "pb.ReadingKind.ValueType"  # a name of the stubs, not of the module
AsReported = tuple[str, str, float, str]  # factor; code, scale and unit as they were received


class BatchBuilder:
    """A batch of one partition while it is gathered."""

    def __init__(self, partition: int, gate_id: str) -> None:
        self._partition = partition
        self._gate_id = gate_id
        self._frames: list[pb.Frame] = []
        self._series: dict[tuple[str, Kind, AsReported], int] = {}
        self._series_index: list[int] = []
        self._frame_index: list[int] = []
        self._times: list[int] = []
        self._values: list[FactorValues] = []
        self.on_safe: list[OnSafe] = []

    def __len__(self) -> int:
        return len(self._frames)

    def add(self, frame: pb.Frame, values: Sequence[FactorValues], on_safe: OnSafe | None) -> None:
        """Put a frame with its values in; `on_safe` is called once the bus has the batch."""
        number = len(self._frames)
        self._frames.append(frame)
        if on_safe is not None:
            self.on_safe.append(on_safe)
        if not values:
            return
        kind = KIND_OF_CN[frame.cn]
        series, outlet_id = self._series, frame.outlet_id
        for factor in values:
            form = (
                factor.code,
                factor.reported_code,
                factor.reported_scale,
                factor.reported_unit,
            )
            place = series.setdefault((outlet_id, kind, form), len(series))
            self._series_index.append(place)
        self._frame_index += [number] * len(values)
        self._times += [frame.data_time_s] * len(values)
        self._values += values

    def seal(self) -> pb.ReadingBatch:
        """The finished batch with a fresh id."""
        values = self._values
        return pb.ReadingBatch(
            batch_id=str(uuid.uuid4()),
            partition=self._partition,
            gate_id=self._gate_id,
            frames=self._frames,
            series=[
                pb.Series(
                    outlet_id=outlet,
                    factor=factor,
                    kind=kind,
                    reported_code=code,
                    reported_scale=scale if code or unit else 0.0,
                    reported_unit=unit,
                )
                for outlet, kind, (factor, code, scale, unit) in self._series
            ],
            series_index=np.array(self._series_index, "<u4").tobytes(),
            frame_index=np.array(self._frame_index, "<u4").tobytes(),
            time_s=np.array(self._times, "<i8").tobytes(),
            value=np.array([v.value for v in values], "<f8").tobytes(),
            min=np.array([v.min for v in values], "<f8").tobytes(),
            max=np.array([v.max for v in values], "<f8").tobytes(),
            cou=np.array([v.cou for v in values], "<f8").tobytes(),
            converted=np.array([v.converted for v in values], "<f8").tobytes(),
            flag=bytes(ord(v.flag) if v.flag else 0 for v in values),
            odd_values=[
                pb.OddValue(row=row, field=field, text=text[:64])
                for row, v in enumerate(values)
                if v.odd
                for field, text in v.odd.items()
            ],
        )
