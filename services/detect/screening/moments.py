"""动作时刻: when something begins at an outlet: a mark, a gap, a plateau."""

import numpy as np

from services.detect.kernels.series import Bools
from services.detect.kernels.series_profile import series_profile
from services.detect.kernels.value_runs import value_runs
from services.detect.screening.panel import Panel

#: Share of the outlets elsewhere at which something begins: that is the network or the weather.
_COMMON = 0.1


def moments(panel: Panel, outlets: list[str], cell_min: int, plateau_h: float) -> Bools:
    """动作时刻 (outlets x longer cells): marks, gaps and plateaus that begin at any factor.

    A gap counts where the outlet still sends another factor: all gone together is the network,
    which fails at many outlets at once.
    """
    gap = ~panel.received & _between(panel) & _others_sent(panel)
    begins = _first(panel.marked) | _first(gap) | _plateaus(panel, plateau_h)
    times = max(1, cell_min // panel.step_min)
    cells = panel.cells // times * times
    found = np.zeros((len(outlets), panel.cells // times), dtype=bool)
    for at, outlet in enumerate(outlets):
        any_factor = begins[panel.rows_of[outlet], :cells].any(axis=0)
        found[at] = any_factor.reshape(-1, times).any(axis=1)
    return found


def not_common(begins: Bools, group: np.ndarray) -> Bools:
    """Moments without those that many outlets of other groups share."""
    total = begins.sum(axis=0)
    kept = begins.copy()
    for one in np.unique(group):
        mine = group == one
        others = max(int((~mine).sum()), 1)
        kept[np.ix_(mine, total - begins[mine].sum(axis=0) > max(1.0, _COMMON * others))] = False
    return kept


def _first(found: Bools) -> Bools:
    """Where each stretch of True begins; what was so from the first cell on began earlier."""
    before = np.concatenate([np.ones((len(found), 1), dtype=bool), found[:, :-1]], axis=1)
    return np.asarray(found & ~before)


def _between(panel: Panel) -> Bools:
    """Cells between the first and the last number of each row."""
    cells = np.arange(panel.cells)
    return np.asarray((cells >= panel.first[:, None]) & (cells < panel.end[:, None]))


def _others_sent(panel: Panel) -> Bools:
    """Cells in which the outlet of a row sends any number."""
    found = np.zeros(panel.value.shape, dtype=bool)
    for rows in panel.rows_of.values():
        found[rows] = panel.received[rows].any(axis=0)
    return found


def _plateaus(panel: Panel, hours: float) -> Bools:
    found = np.zeros(panel.value.shape, dtype=bool)
    runs = value_runs(panel.series, np.ones(len(panel.keys)), 2)
    # At the detection limit a series rests as long as the weather says.
    floor = series_profile(panel.series).floor
    long = (runs.end - runs.begin >= panel.cells_of(hours, 2)) & (runs.value > floor[runs.row])
    found[runs.row[long], runs.begin[long]] = True
    return found
