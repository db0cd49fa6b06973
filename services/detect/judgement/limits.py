"""限值选用: of permit, standards, overlays and policy values, the ones that judge. Pure."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from services.detect.domain.block import Limit
from services.detect.judgement.model import LimitGrid
from services.detect.judgement.parameters import OutletFacts
from services.detect.kernels.series import Floats, Ints

if TYPE_CHECKING:
    from services.detect.packs.pack import Pack


def resolve_limits(
    own: Sequence[Limit], pack: "Pack", facts: OutletFacts, factor: str
) -> tuple[Limit, ...]:
    """限值选用 for one outlet and factor (domain.md C).

    `own` are the registry's limits of the series (permit, local, emergency, policy). The result
    holds, for each averaging, hour and water temperature, at most one limit that carries a penalty
    and at most one policy value that only warns; each with `basis` and `why`.
    """
    raise NotImplementedError


def limit_grid(
    rows: Sequence[Sequence[Limit]], start: Ints, days: int, water_temperature: Floats
) -> LimitGrid:
    """Limits of S rows, as `resolve_limits` gives them, over D days from each row's midnight.

    `start` (S,): hour slot of a Beijing midnight; `water_temperature` (S, D): daily mean in degC,
    NaN = unknown: then the limit of cold water counts, the more lenient one.
    """
    raise NotImplementedError


def benchmark_share(discharge_m3_per_t: float, benchmark_m3_per_t: float) -> float:
    """基准排水量换算: by how much concentrations are converted up, never below 1 (GB 3544-2008).

    Both volumes in m3 per tonne of product; not known (0 or NaN) = 1.

    >>> benchmark_share(30.0, 20.0), benchmark_share(10.0, 20.0)
    (1.5, 1.0)
    """
    if not (discharge_m3_per_t > 0.0 and benchmark_m3_per_t > 0.0):
        return 1.0
    return max(1.0, discharge_m3_per_t / benchmark_m3_per_t)
