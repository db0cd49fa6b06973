"""同步跌落: all gases of an outlet near nothing while the plant runs (shared by D09 and D10)."""

from collections.abc import Callable

import numpy as np

from services.detect.domain.rule import Rule
from services.detect.kernels.rare_state import rare_state
from services.detect.kernels.series import Bools, Floats
from services.detect.screening.panel import Panel
from services.detect.screening.roles import Role
from services.detect.screening.sign import Sign
from services.detect.screening.windows import LOADS, past_level, worst

#: Whether oxygen is as the state says, from oxygen of one outlet.
Oxygen = Callable[[Floats], Bools]


def joint_low(panel: Panel, rule: Rule, oxygen: Oxygen, variant: str) -> list[Sign]:
    """Signs of runs in which oxygen is as asked and every gas is far below its own past.

    Running = load, power or flow above `running_share` of its own past mean; low = below
    `low_share` of it. An outlet without such a load is not evaluated: then a stop looks the same.
    """
    outlets = [o for rows in panel.rows_of.values() if (o := _outlet(panel, rows)) is not None]
    if not outlets:
        return []
    used = panel.series.masked
    state, asked = np.zeros((2, len(outlets), panel.cells), dtype=bool)
    for at, (o2, gases, load) in enumerate(outlets):
        lows = used[gases] < rule.number("low_share") * past_level(panel, used[gases])
        runs = used[load] > rule.number("running_share") * past_level(panel, used[[load]])[0]
        known = np.isfinite(used[[o2, *gases]]).all(axis=0)
        asked[at] = known & runs
        state[at] = asked[at] & lows.all(axis=0) & oxygen(used[o2])
    found = rare_state(
        state, asked, panel.per_day,
        least_share=rule.number("least_share"), min_days=rule.hours("min_history_days"),
    )  # fmt: skip
    since = panel.judged_since()[[o2 for o2, _, _ in outlets]]
    now = (np.arange(panel.cells)[None, :] >= since[:, None]) & (found.run > 0)
    signs = []
    for at, cell in worst(np.where(now, found.score, np.nan), rule.number("floor"), panel.per_day):
        o2, gases, load = outlets[at]
        signs.append(
            Sign(
                row=o2,
                end=cell + 1,
                begin=int(cell + 1 - found.run[at, cell]),
                test=rule.id,
                score=float(found.score[at, cell]),
                statistic=float(found.run[at, cell]) / panel.per_hour,
                value=float(used[o2, cell]),
                expected=float(past_level(panel, used[[o2]])[0, cell]),
                others=(*gases, load),
                variant=variant,
            )
        )
    return signs


def _outlet(panel: Panel, rows: list[int]) -> tuple[int, list[int], int] | None:
    """Oxygen, gases and load of an outlet that has all three."""
    by_role = {
        role: [r for r in rows if panel.roles[r] is role]
        for role in (Role.OXYGEN, Role.POLLUTANT, *LOADS)
    }
    load = next((by_role[role][0] for role in LOADS if by_role[role]), None)
    if not by_role[Role.OXYGEN] or not by_role[Role.POLLUTANT] or load is None:
        return None
    return by_role[Role.OXYGEN][0], by_role[Role.POLLUTANT], load
