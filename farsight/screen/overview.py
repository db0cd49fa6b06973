"""总览图: which station has alarms when, one row a station, one colour a kind of evidence."""

from collections.abc import Sequence

from farsight.screen.episodes import Episode
from services.chassis.picture.parts import FONT, INK, LINE, QUIET, line, rect, text, time_ticks
from services.chassis.picture.svg import WIDTH
from services.detect.domain.rule import RuleBook

COLOURS = {
    "scatter": "#3d9a88",
    "copy": "#4f7fd6",
    "level": "#e08a35",
    "chemistry": "#8d63c4",
    "process": "#6ea84b",
    "timing": "#d0ae1f",
    "device": "#c25b70",
}
_OTHER = "#7f8b90"
_LABEL, _ROW, _TOP, _ROOM = 150, 15, 40, 12
#: Stations drawn; the table lists all.
MOST = 60


def overview(episodes: Sequence[Episode], book: RuleBook, names: dict[str, tuple[str, str]]) -> str:
    """总览图 of the strongest stations. `names`: each family in Chinese and English."""
    stations = list(dict.fromkeys(one.station for one in episodes))[:MOST]
    begin = min(one.panel.start_s for one in episodes)
    end = max(one.panel.start_s + one.panel.cells * one.panel.step_min * 60 for one in episodes)
    scale = (WIDTH - _LABEL - _ROOM) / (end - begin)
    height = _TOP + _ROW * len(stations) + 14
    parts = [_legend(names)]
    for at_s, words in time_ticks(begin, end, 12):
        x = _LABEL + (at_s - begin) * scale
        parts.append(line([(x, _TOP - 4), (x, height - 12)], LINE, ' stroke-width="0.7"'))
        parts.append(text(x, _TOP - 8, words, at="middle"))
    for at, station in enumerate(stations):
        y = _TOP + at * _ROW
        parts.append(text(_LABEL - 8, y + 10.5, station[:22], at="end", fill=INK))
        parts.append(line([(_LABEL, y + 13), (WIDTH - _ROOM, y + 13)], LINE, ' stroke-width="0.5"'))
        mine = [one for one in episodes if one.station == station]
        for one in mine[::-1]:
            parts += _bars(one, book, (begin, scale), y)
    frame = f'class="overview" viewBox="0 0 {WIDTH} {height}" role="img" font-family="{FONT}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {frame}>{"".join(parts)}</svg>'


def _bars(one: Episode, book: RuleBook, scale: tuple[int, float], y: float) -> list[str]:
    """Windows of an episode's signs, the leading one on top."""
    begin, per_second = scale
    step_s = one.panel.step_min * 60
    parts = []
    for sign in one.signs[::-1]:
        family = book.versions(sign.test)[-1].family
        start = one.panel.start_s + sign.begin * step_s
        width = max((sign.end - sign.begin) * step_s * per_second, 3.0)
        x = _LABEL + (start - begin) * per_second
        parts.append(rect(x, y + 3, width, 9, COLOURS.get(family, _OTHER)))
    return parts


def _legend(names: dict[str, tuple[str, str]]) -> str:
    parts, x = [], float(_LABEL)
    for family, (zh, en) in names.items():
        parts.append(rect(x, 5, 10, 10, COLOURS.get(family, _OTHER)))
        parts.append(text(x + 15, 14, f"{zh} {en}", fill=QUIET))
        x += 34 + 11 * len(zh) + 6.2 * len(en)
    return "".join(parts)
