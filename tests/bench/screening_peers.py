"""Times a peer's own functions; runs in the peer's environment, where nothing of ours is.

    python screening_peers.py ioos|saqc series.npy

Prints {function: seconds of all series}, best of three after a first call that compiles.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-not-found,unused-ignore]

WINDOW_S = 86_400
Task = tuple[str, Callable[[np.ndarray], Any]]


def ioos(index: Any) -> Iterator[Task]:
    """Tests of ioos_qc and the matrix profile of stumpy."""
    import stumpy  # type: ignore[import-not-found,unused-ignore]
    from ioos_qc import qartod  # type: ignore[import-not-found,unused-ignore]

    times = index.to_numpy()
    yield (
        "ioos_qc flat_line_test",
        lambda x: qartod.flat_line_test(
            x, times, suspect_threshold=6 * 3600, fail_threshold=12 * 3600, tolerance=1e-9
        ),
    )
    yield (
        "ioos_qc attenuated_signal_test",
        lambda x: qartod.attenuated_signal_test(
            x, times, suspect_threshold=0.5, fail_threshold=0.1, test_period=WINDOW_S, min_obs=6
        ),
    )
    yield (
        "ioos_qc spike_test",
        lambda x: qartod.spike_test(x, suspect_threshold=10, fail_threshold=20),
    )
    yield "stumpy stump", lambda x: stumpy.stump(np.nan_to_num(x, nan=float(np.nanmean(x))), 24)


def saqc(index: Any) -> Iterator[Task]:
    """Tests of SaQC."""
    from saqc import SaQC  # type: ignore[import-not-found,unused-ignore]

    def run(function: str, **arguments: Any) -> Callable[[np.ndarray], Any]:
        return lambda x: getattr(SaQC(pd.Series(x, index, name="x").to_frame()), function)(
            "x", **arguments
        )

    yield "saqc flagConstants", run("flagConstants", thresh=0, window="12h")
    yield "saqc flagByVariance", run("flagByVariance", window="24h", thresh=0.1)
    yield (
        "saqc flagZScore",
        run("flagZScore", method="modified", window="7D", thresh=10, center=False),
    )
    yield "saqc flagUniLOF", run("flagUniLOF", n=20, thresh=3.0)


def seconds(task: Callable[[np.ndarray], Any], series: np.ndarray) -> float:
    """Best of three over all series."""
    task(series[0])
    best = np.inf
    for _ in range(3):
        began = time.perf_counter()
        for row in series:
            task(row)
        best = min(best, time.perf_counter() - began)
    return float(best)


def main(name: str, path: str) -> int:
    """Print what was measured."""
    series = np.load(path)
    index = pd.date_range("2024-01-01", periods=series.shape[1], freq="h")
    tasks = ioos(index) if name == "ioos" else saqc(index)
    print(json.dumps({function: seconds(task, series) for function, task in tasks}))
    return 0


if __name__ == "__main__":
    import warnings

    warnings.filterwarnings("ignore")
    sys.exit(main(sys.argv[1], sys.argv[2]))
