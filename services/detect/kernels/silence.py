"""数据中断: how long nothing has arrived."""

import numpy as np

from services.detect.kernels.series import Bools, Ints


def silence(present: Bools) -> Ints:
    """数据中断时长: slots since the last presence, for every cell of (outlet x time).

    Formula: t - max{s <= t : present(s)}; 0 where present.
    Units: slots of the grid (hours on the hour grid).
    Missing data: absence is what is measured; there is no mask.
    Edges: -1 before the first presence of a row, because an outlet that never sent cannot fall
    silent (that is a matter of the registry).
    Clause: MEP order 19 (2012) art 8 (fault report in 12 h, normal in 5 working days); Regulation
    on monitoring (order 820) art 23.
    Fails: one failed analyser of several stays unseen while the others send; that is `missing`.

    >>> silence(np.array([[False, True, False, False, True]])).tolist()
    [[-1, 0, 1, 2, 0]]
    """
    slots = np.arange(present.shape[1], dtype=np.int64)
    last = np.maximum.accumulate(np.where(present, slots, -1), axis=1)
    return np.where(last < 0, -1, slots - last)
