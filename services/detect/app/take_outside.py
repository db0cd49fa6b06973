"""Keeps what a batch from outside has for clues, and notes which cities are to be looked at."""

from sqlalchemy.orm import Session

from services.chassis.pb.ingest.v1 import outside_pb2
from services.detect import outside_store as store
from services.detect.outside_wire import taken_of


def take_outside(session: Session, batch: outside_pb2.OutsideBatch) -> int:
    """Keep grid and station values, events, complaints, spots and fingerprints; gives the news.

    In any order and repetition the same is kept.
    """
    taken = taken_of(batch)
    if not taken.newest:
        return 0
    store.lock_cities(session, taken.newest)
    news = store.merge_days(session, taken.days) + store.add_items(session, taken.items)
    if news:
        store.make_due(session, taken.newest)
    return news
