"""筛查报告: one page with its pictures inside, Chinese and English, the same for the same data."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from farsight.screen.detections import score_of
from farsight.screen.episodes import Episode, episodes_of, once
from farsight.screen.folder import time_text
from farsight.screen.names import screen_name
from farsight.screen.overview import overview
from farsight.screen.run import Screened
from services.chassis.picture.drawing import Drawing
from services.chassis.picture.svg import svg
from services.detect.domain.rule import RuleBook
from services.detect.domain.words import number
from services.detect.screening.drawing import drawing_of
from services.detect.screening.panel import Panel
from services.detect.screening.run import needs_days
from services.detect.screening.sentences import sentences
from services.detect.screening.sign import Sign

#: Episodes with a picture, and signs of an episode that are spelled out.
PICTURES, SIGNS = 200, 5
_SHORT_LIST = 40
_TEMPLATES = Path(__file__).parent / "templates"


def page(screened: Screened, name: str) -> bytes:
    """筛查报告 of a folder or file called `name`, UTF-8."""
    template = _environment().get_template("report.html")
    return template.render(r=_document(screened, name)).encode()


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def _document(screened: Screened, name: str) -> dict[str, Any]:
    episodes = episodes_of(screened)
    return {
        "name": name,
        "span": _span([found.panel for found in screened.found]),
        "pack": screened.pack,
        "stations": sum(len(found.panel.rows_of) for found in screened.found),
        "series": sum(len(found.panel.keys) for found in screened.found),
        "years": number(screened.station_years, 3),
        "dial": number(screened.per_station_year, 3),
        "struck": len({one.station for one in episodes}),
        "clues": sum(one.is_clue for one in episodes),
        "notes": screened.table.notes,
        "failed": [(screen_name(test), error) for test, error in screened.failed.items()],
        "unmeasured": [screen_name(test) for test in screened.unmeasured],
        "overview": _overview(episodes, screened) if episodes else "",
        "episodes": [
            _episode(one, screened.basis.book, pictured=at < PICTURES)
            for at, one in enumerate(episodes)
        ],
        "tests": _tests(screened, episodes),
        "short": [
            (screen_name(one.test), _series_list(one.series)) for one in screened.not_evaluated
        ],
    }


def _span(panels: Sequence[Panel]) -> str:
    begin = min(time_text(panel, int(panel.first.min()))[:10] for panel in panels)
    return f"{begin} – {max(time_text(panel, int(panel.end.max()) - 1)[:10] for panel in panels)}"


def _overview(episodes: Sequence[Episode], screened: Screened) -> str:
    book = screened.basis.book
    seen = {book.versions(sign.test)[-1].family for one in episodes for sign in one.signs}
    names = {family: (screened.basis.families.name_zh(family), family) for family in sorted(seen)}
    return overview(episodes, book, names)


def _episode(one: Episode, book: RuleBook, *, pictured: bool) -> dict[str, Any]:
    once_zh, once_en = once(one.rate)
    tests = [
        {**vars(screen_name(test)), "family": book.versions(test)[-1].family} for test in one.tests
    ]
    return {
        "station": one.station,
        "enterprise": one.panel.enterprise[one.head.row],
        "factors": [book.factor(factor).name_zh for factor in one.factors],
        "tests": tests,
        "start": one.start_text,
        "end": one.end_text,
        "raised": one.raised_text,
        "clue": one.is_clue,
        "once": f"{once_zh} {once_en}",
        "once_zh": once_zh,
        "once_en": once_en,
        "strength": round(min(max(20 + 20 * score_of(one.head), 6), 100)),
        "signs": [_sign(one.panel, sign, book) for sign in one.signs[:SIGNS]],
        "more": max(0, len(one.signs) - SIGNS),
        "picture": svg(drawing_for(one, book)).decode() if pictured else "",
    }


def drawing_for(one: Episode, book: RuleBook, *, alone: bool = False) -> Drawing:
    """图形内容 of an episode; `alone` with title and sentences, for a picture outside a page."""
    factors = [book.factor(key.factor) for key in one.panel.keys]
    mine = [key.outlet_id == one.station for key in one.panel.keys]
    names = [
        factor.name_zh if own else f"{key.outlet_id} {factor.name_zh}"
        for factor, own, key in zip(factors, mine, one.panel.keys, strict=True)
    ]
    head = one.head.signs[0]
    said = sentences(one.panel, head, book)
    title = f"{screen_name(head.test).name_zh}  {one.station}  {names[head.row]}"
    return drawing_of(
        one.panel,
        one.head.signs,
        names,
        title=title if alone else "",
        units=[factor.unit for factor in factors],
        captions=(said.seen, said.silenced_by) if alone else (),
    )


def _sign(panel: Panel, sign: Sign, book: RuleBook) -> dict[str, str]:
    said, name = sentences(panel, sign, book), screen_name(sign.test)
    factor = panel.keys[sign.row].factor
    span = f"{time_text(panel, sign.begin)[:16]} to {time_text(panel, sign.end)[:16]}"
    shows = _english((("shows", sign.value), ("expected", sign.expected)))
    rule = book.versions(sign.test)[-1]
    unit = f" {rule.statistic_unit}" if rule.statistic_unit else ""
    silent = _english((("from", sign.silent_at),))
    return {
        "name_zh": name.name_zh,
        "name_en": name.name_en,
        "family": rule.family,
        "seen": said.seen,
        "silenced_by": said.silenced_by,
        "seen_en": f"{factor}, {span}: {number(sign.statistic, 4)}{unit} ({rule.statistic})"
        + (f"; {shows}." if shows else "."),
        "silenced_en": f"{silent} on." if silent else "see the Chinese sentence.",
    }


def _english(pairs: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{word} {number(value, 4)}" for word, value in pairs if value == value)  # noqa: PLR0124 - not NaN


def _tests(screened: Screened, episodes: Sequence[Episode]) -> list[dict[str, Any]]:
    book, families = screened.basis.book, screened.basis.families
    short = {one.test: one for one in screened.not_evaluated}
    rows = []
    for test in screened.seconds:
        mine = [one for one in episodes if test in one.tests]
        rule = book.versions(test)[-1]
        rows.append({
            **vars(screen_name(test)),
            "family": rule.family,
            "family_zh": families.name_zh(rule.family),
            "alarms": len(mine),
            "stations": len({one.station for one in mine}),
            "needs": number(needs_days(rule), 3),
            "short": len(short[test].series) if test in short else 0,
        })  # fmt: skip
    return sorted(rows, key=lambda row: (row["family"], -row["alarms"], row["test"]))


def _series_list(series: Sequence[tuple[str, str]]) -> str:
    shown = "、".join(f"{station} {factor}" for station, factor in series[:_SHORT_LIST])
    more = len(series) - _SHORT_LIST
    return f"{shown} … (+{more})" if more > 0 else shown
