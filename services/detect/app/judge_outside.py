"""Looks at one city's records from outside: clues continued, begun and closed, and its maps."""

from datetime import timedelta

from sqlalchemy.orm import Session

from services.chassis.db import Database
from services.detect import outside_store as store
from services.detect.app.draw_maps import draw_maps
from services.detect.app.outside_desk import OutsideDesk
from services.detect.app.save_outside import save_outside
from services.detect.outside.look import look
from services.detect.outside.records import Records
from services.detect.outside_wire import series_of, single_of

_DAY_S = 86_400
#: A push comes in parts: a city is looked at when nothing came for a moment.
QUIET = timedelta(seconds=3)
#: And now and then by itself: findings of plants and orders change too.
AGAIN = timedelta(minutes=10)


def judge_next_city(
    database: Database, desk: OutsideDesk, quiet: timedelta = QUIET, again: timedelta = AGAIN
) -> int | None:
    """Look at a city that is due; gives the number of changed clues, None where none is due."""
    with database.transaction() as session:
        row = store.take_due(session, quiet, again)
        if row is None:
            return None
        desk.refresh(session)
        return judge_city(session, desk, row.city, row.newest_s)


def judge_city(session: Session, desk: OutsideDesk, city: str, newest_s: int) -> int:
    """外部线索研判 of a city as of its newest record; gives the number of changed clues."""
    records = read_records(session, desk, city, newest_s)
    found = look(records, desk.rule)
    changed = save_outside(session, desk, city, records, found)
    draw_maps(session, desk, city, records)
    store.forget_before(session, city, newest_s - int(desk.rule.keep_days * _DAY_S))
    return changed


def read_records(session: Session, desk: OutsideDesk, city: str, newest_s: int) -> Records:
    """外部记录 of a city: the window before its newest record, and what serves as history."""
    rule = desk.rule
    begin_s, end_s = newest_s - int(rule.window_days * _DAY_S), newest_s + 1
    history_s = begin_s - int(rule.window_days * _DAY_S)
    series = series_of(store.days_between(session, city, history_s, end_s), history_s, end_s)
    keep_s = newest_s - int(rule.keep_days * _DAY_S)
    single = single_of(store.items_since(session, city, keep_s))
    points = [one.point for one in series]
    points += [one.point for group in single.values() for one in group]
    plants = desk.plants(session, city, points, begin_s)
    return Records(
        begin_s=begin_s,
        end_s=end_s,
        series=series,
        events=tuple(single["event"]),
        complaints=tuple(single["complaint"]),
        spots=tuple(single["spot"]),
        fingerprints=tuple(single["fingerprint"]),
        orders=desk.orders(plants),
        plants=plants,
    )
