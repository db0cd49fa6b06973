"""docs/clocks.md says what the clock table says."""

import pytest

from services.cases.rules import clock_table
from tools import draw_clocks


def test_the_page_is_drawn_from_the_table_of_today():
    """Out of date? `python -m tools.draw_clocks`."""
    page = draw_clocks.PAGE.read_text("utf-8")

    assert draw_clocks.drawn(page) == page


def test_every_row_is_on_the_page_with_its_article():
    """Each key and version once, in the order of the table."""
    rows = [line for line in draw_clocks.tables() if line.startswith("| `")]

    assert [row.split("`")[1] for row in rows] == [clock.key for clock in clock_table()]
    assert all(c.article_zh in row for c, row in zip(clock_table(), rows, strict=True))


def test_a_page_without_the_markers_is_refused():
    """Rather than a page that nobody draws any more."""
    with pytest.raises(ValueError, match="markers"):
        draw_clocks.drawn("# Clocks")
