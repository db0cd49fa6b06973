"""热点网格: cells of 3 km ranked by how often and how far they stand out, and their sub-cells."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from services.detect.kernels.series import Bools, Floats, Ints
from services.detect.outside import cells
from services.detect.outside.records import Series
from services.detect.outside.rule import OutsideRule
from services.detect.outside.series_matrix import SeriesMatrix, matrices, nanmedian, robust_scatter
from services.detect.outside.sign import MOST_SOURCES, OutsideSign, Wind
from services.detect.outside.winds import Winds
from services.detect.outside.words import compass, plain, pollutant_of, span, unit_text

#: A cell's scatter is never taken to be less than this share of the median: coarse products.
_LEAST_SCATTER = 0.05


@dataclass(frozen=True)
class HotCell:
    """热点网格 of one pollutant in the window; not every ranked cell is hot."""

    cell: str
    pollutant: str
    product: str
    unit: str
    division: str
    rank: int  # from 1, by score
    score: float  # persistence x mean excess of its hot periods
    persistence: float  # share of its known periods in which it was hot
    periods: int  # known ones
    mean: float
    usual: float  # mean of the periods' medians over all cells
    hot: bool
    begin_s: int  # of the first hot period; 0 = never hot
    end_s: int
    wind: Wind
    sub_cell: str  # hottest one by stations or sub-cell values; empty = not known
    sub_value: float


def hot_cells(series: tuple[Series, ...], winds: Winds, rule: OutsideRule) -> list[HotCell]:
    """热点网格: each product's cells, best rank first.

    In each period a cell is hot when it is among the `hot_cell_share` highest of all cells known
    then *and* beyond their median by `hot_z` robust scatters: a haze that lies on all cells makes
    none hot. Persistence p = hot periods / known periods; excess e = mean over hot periods of
    (v - median) / median; score = p x e. A cell counts as hot when p is at least
    `min_persistence`: were the hot cells drawn anew each period, p would be `hot_cell_share`.
    Missing periods are left out, a cell with fewer than `min_known` of them is not ranked.
    Fails for a product of a few cells, and where a whole town is worse than its country: then
    the town's cells are hot, which is what is asked, and no plant's doing.
    """
    found: list[HotCell] = []
    for matrix in matrices((one for one in series if _is_cell(one)), "grid"):
        if len(matrix.series) >= rule.min_cells and len(matrix.start_s) >= rule.min_periods:
            found += _ranked(matrix, series, winds, rule)
    return found


def _is_cell(one: Series) -> bool:
    return one.kind == "grid" and not cells.is_sub_cell(one.subject)


def hot_periods(value: Floats, rule: OutsideRule) -> tuple[Bools, Floats]:
    """热点时段: which cells are hot in which column, and each column's median.

    >>> from services.detect.outside.rule import shipped_rule
    >>> column = np.array([[10.0], [11], [12], [10], [11], [12], [10], [11], [60], [np.nan]])
    >>> hot_periods(column, shipped_rule())[0].ravel().nonzero()[0].tolist()
    [8]
    """
    usual = nanmedian(value, 0)
    scatter = np.maximum(robust_scatter(value, 0), _LEAST_SCATTER * np.abs(usual))
    known = np.isfinite(value)
    count = known.sum(axis=0)
    most = np.maximum(1, np.floor(rule.hot_cell_share * count))
    order = np.argsort(np.where(known, -value, np.inf), axis=0, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(len(value))[:, None], axis=0)
    with np.errstate(invalid="ignore"):
        beyond = value - usual > rule.hot_z * np.maximum(scatter, 1e-12)
    return known & beyond & (rank < most) & (count >= rule.min_cells), usual


def _ranked(
    matrix: SeriesMatrix, series: tuple[Series, ...], winds: Winds, rule: OutsideRule
) -> list[HotCell]:
    hot, usual = hot_periods(matrix.value, rule)
    known = np.isfinite(matrix.value)
    periods, times = known.sum(axis=1), hot.sum(axis=1)
    persistence = times / np.maximum(periods, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        excess = np.where(hot, (matrix.value - usual) / np.maximum(np.abs(usual), 1e-12), 0.0)
    score = persistence * excess.sum(axis=1) / np.maximum(times, 1)
    enough = periods >= rule.min_known * len(matrix.start_s)
    order = [row for row in np.lexsort((np.arange(len(score)), -score)) if enough[row]]
    found = []
    for rank, row in enumerate(order, 1):
        found.append(_cell(matrix, int(row), rank, hot, usual, rule))
        found[-1] = replace(found[-1], persistence=float(persistence[row]), score=float(score[row]))
    return [_whole(one, matrix, hot, series, winds, rule) for one in found]


def _cell(  # noqa: PLR0917 - what a ranked cell is made of
    matrix: SeriesMatrix, row: int, rank: int, hot: Bools, usual: Floats, rule: OutsideRule
) -> HotCell:
    one, known = matrix.series[row], np.isfinite(matrix.value[row])
    columns = hot[row].nonzero()[0]
    return HotCell(
        cell=one.subject, pollutant=one.pollutant, product=one.product, unit=one.unit,
        division=one.division, rank=rank, score=0.0, persistence=0.0, periods=int(known.sum()),
        mean=float(matrix.value[row][known].mean()), usual=float(usual[known].mean()),
        hot=bool(len(columns) >= rule.min_persistence * known.sum() and len(columns) > 0),
        begin_s=int(matrix.start_s[columns[0]]) if len(columns) else 0,
        end_s=matrix.end_s(int(columns[-1])) if len(columns) else 0,
        wind=Wind(), sub_cell="", sub_value=np.nan,
    )  # fmt: skip


def _whole(  # noqa: PLR0917 - what a hot cell is told with
    one: HotCell, matrix: SeriesMatrix, hot: Bools, series: tuple[Series, ...], winds: Winds,
    rule: OutsideRule,
) -> HotCell:  # fmt: skip
    """Add wind and sub-cell; only hot cells are worth it."""
    del rule
    if not one.hot:
        return one
    row = next(at for at, s in enumerate(matrix.series) if s.subject == one.cell)
    starts = matrix.start_s[hot[row]]
    hours = np.concatenate([np.arange(s, s + matrix.first.length_s, 3600) for s in starts])
    sub_cell, value = _hottest_inside(one, series, starts, matrix.first.length_s)
    wind = winds.over(cells.centre_of(one.cell), hours)
    return replace(one, wind=wind, sub_cell=sub_cell, sub_value=value)


def _hottest_inside(
    one: HotCell, series: tuple[Series, ...], starts: Ints,
    length_s: int,
) -> tuple[str, float]:  # fmt: skip
    """Sub-cell with the highest mean in the hot periods, by sub-cell values or micro-stations."""
    means: dict[str, list[float]] = {}
    for other in series:
        if other.pollutant != one.pollutant or other.kind not in ("grid", "micro"):
            continue
        is_grid = other.kind == "grid"
        name = other.subject if is_grid else cells.sub_cell_of(other.point)
        if not name.startswith(f"{one.cell}-"):
            continue
        place = np.searchsorted(starts, other.start_s, side="right") - 1
        inside = (place >= 0) & (other.start_s < starts[np.maximum(place, 0)] + length_s)
        inside &= np.isfinite(other.value)
        if inside.any():
            means.setdefault(name, []).append(float(other.value[inside].mean()))
    if not means:
        return "", np.nan
    value, name = max((sum(m) / len(m), name) for name, m in means.items())
    return name, value


def hot_grid_signs(found: list[HotCell]) -> Iterator[OutsideSign]:
    """热点网格 as signs: one an unbroken area of hot cells of a pollutant and product.

    A plume covers several cells: an area is placed at its best ranked cell, the source is one.
    """
    groups: dict[tuple[str, str], list[HotCell]] = {}
    for one in found:
        if one.hot:
            groups.setdefault((one.product, one.pollutant), []).append(one)
    for group in groups.values():
        for area in areas(group):
            yield _sign(area)


def areas(hot: list[HotCell]) -> list[list[HotCell]]:
    """连片 of hot cells that touch at a side or corner, best first, each in order of rank."""
    found: list[list[HotCell]] = []
    for one in sorted(hot, key=lambda cell: cell.rank):
        touching = [area for area in found if any(_touch(one, other) for other in area)]
        joined = [one, *(cell for area in touching for cell in area)]
        found = [area for area in found if area not in touching]
        found.append(sorted(joined, key=lambda cell: cell.rank))
    return sorted(found, key=lambda area: area[0].rank)


def _touch(one: HotCell, other: HotCell) -> bool:
    apart = np.subtract(cells.centre_of(one.cell), cells.centre_of(other.cell))
    return bool(np.abs(apart).max() <= cells.CELL_M)


def _sign(area: list[HotCell]) -> OutsideSign:
    one, what = area[0], pollutant_of(area[0].pollutant)
    begin_s, end_s = min(c.begin_s for c in area), max(c.end_s for c in area)
    where, unit = one.sub_cell or one.cell, unit_text(one.unit)
    blown = f"，主导风来自{compass(one.wind.from_deg)}" if one.wind.known else ""
    finer = f"，其中500米子网格{one.sub_cell}最高（{plain(one.sub_value)}）" if one.sub_cell else ""
    wide = f"，连片{len(area)}个网格" if len(area) > 1 else ""
    return OutsideSign(
        key=f"hot_grid|{one.product}|{one.pollutant}|{one.cell}", kind="hot_grid",
        begin_s=begin_s, end_s=end_s, division=one.division, medium=what.medium,
        strength=min(1.0, one.persistence),
        seen=(
            f"{span(begin_s, end_s)}，网格{one.cell}的{what.name}在{one.periods}个时段中"
            f"有{one.persistence:.0%}为热点，均值{plain(one.mean)}{unit}，"
            f"其他网格一般为{plain(one.usual)}{unit}，排名第{one.rank}{wide}{finer}{blown}"
        ),
        silenced_by="热点时段占比低于判定线，或其他网格同样高",
        point=cells.centre_of(where), radius_m=cells.radius_of(where), pollutant=one.pollutant,
        value=one.mean, expected=one.usual, unit=one.unit, wind=one.wind,
        sources=tuple(f"{c.product}|{c.cell}|{c.pollutant}" for c in area)[:MOST_SOURCES],
    )  # fmt: skip
