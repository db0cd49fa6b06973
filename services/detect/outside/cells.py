"""网格编号: cells of 3 km and their 36 sub-cells of 500 m, by the plane of `positions`."""

import math
import re

from services.detect.outside.positions import Point

CELL_M, SUB_M, SIDE = 3000.0, 500.0, 6
_NAME = re.compile(r"G3-(-?\d+)-(-?\d+)(?:-([0-5])([0-5]))?")


def cell_of(point: Point) -> str:
    """网格 a point lies in; empty for nowhere.

    >>> cell_of(Point(804_717.0, 3_964_913.0)), cell_of(Point(-1.0, 2.0))
    ('G3-268-1321', 'G3--1-0')
    """
    if not math.isfinite(point.x + point.y):
        return ""
    return f"G3-{math.floor(point.x / CELL_M)}-{math.floor(point.y / CELL_M)}"


def sub_cell_of(point: Point) -> str:
    """500 m 子网格 a point lies in: row from the south, column from the west, 0 to 5.

    >>> sub_cell_of(Point(804_717.0, 3_964_913.0))
    'G3-268-1321-31'
    """
    if not math.isfinite(point.x + point.y):
        return ""
    row, column = math.floor(point.y % CELL_M / SUB_M), math.floor(point.x % CELL_M / SUB_M)
    return f"{cell_of(point)}-{min(row, SIDE - 1)}{min(column, SIDE - 1)}"


def centre_of(cell: str) -> Point:
    """网格中心 of a cell or sub-cell. Raises ValueError for a name that is none.

    >>> centre_of("G3-268-1321"), sub_cell_of(centre_of("G3-268-1321-31"))
    (Point(x=805500.0, y=3964500.0), 'G3-268-1321-31')
    """
    found = _NAME.fullmatch(cell)
    if found is None:
        raise ValueError(cell)
    x, y = int(found[1]) * CELL_M, int(found[2]) * CELL_M
    if found[3] is None:
        return Point(x + CELL_M / 2, y + CELL_M / 2)
    return Point(x + (int(found[4]) + 0.5) * SUB_M, y + (int(found[3]) + 0.5) * SUB_M)


def is_sub_cell(cell: str) -> bool:
    """Whether a name is that of a sub-cell."""
    found = _NAME.fullmatch(cell)
    return found is not None and found[3] is not None


def radius_of(cell: str) -> float:
    """网格半径: half the diagonal in metres."""
    return (SUB_M if is_sub_cell(cell) else CELL_M) / math.sqrt(2.0)
