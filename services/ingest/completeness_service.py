"""The part of the ingest service that certifies hours and asks for what is missing."""

from typing import Any

from nameko import config
from nameko.timer import timer
from prometheus_client import Counter

from services.chassis.clock import utc_now
from services.chassis.identity import Scope, jurisdiction_prefix
from services.chassis.log import get_logger
from services.chassis.pb.ingest.v1 import transmission_pb2 as pb
from services.chassis.rpc import rpc
from services.ingest import fill_store
from services.ingest.app.close_hours import close_hours
from services.ingest.app.keep_points import refresh_points
from services.ingest.app.plan_backfill import plan_backfill
from services.ingest.backfill_settings import BackfillSettings
from services.ingest.backlog import Backlog
from services.ingest.rules import completeness_rules
from services.ingest.transmission_answers import answer_rates

log = get_logger(__name__)

CERTIFICATES = Counter("farsight_certificates_total", "Certificates of completeness", ["span"])
HOLES_ASKED = Counter("farsight_backfill_asked_total", "Periods that loggers were asked for")

POINTS_EVERY_S = 10
CLOSE_EVERY_S = 30
FILLS_EVERY_S = 10
PLAN_EVERY_S = 10
#: Certificates that one look counts again; a storm is worked off over several.
FILLS = 5_000
#: Processes start when this module is imported.
STARTED_AT = utc_now()


class CompletenessEntrypoints:
    """传输: mixed into the service class."""

    db: Any
    settling: Any

    @timer(interval=POINTS_EVERY_S, eager=True)  # type: ignore[untyped-decorator] # nameko has no types
    def watch_points(self) -> None:
        """Know whose data are due."""
        with self.db.transaction() as session:
            refresh_points(
                session, int(config["FARSIGHT_PARTITIONS"]), completeness_rules(), utc_now()
            )

    @timer(interval=CLOSE_EVERY_S)  # type: ignore[untyped-decorator]
    def certify_hours(self) -> None:
        """Fix the certificates of hours and days whose grace is over."""
        backlog = Backlog(config["AMQP_URI"])

        def waits(part: int) -> bool:
            return bool(self.settling.guard.stopped) or backlog.waits(part)

        for one in close_hours(self.db, completeness_rules(), utc_now(), STARTED_AT, waits):
            CERTIFICATES.labels(one.span).inc(one.certificates)
            log.info(
                "hour_certified",
                part=one.part,
                span=one.span,
                hour=str(one.hour),
                certificates=one.certificates,
            )

    @timer(interval=FILLS_EVERY_S)  # type: ignore[untyped-decorator]
    def fill_certificates(self) -> None:
        """Count what came after, and the days that marks take out."""
        with self.db.transaction() as session:
            counted = fill_store.count_fills(session, FILLS)
            marks = fill_store.take_marks(session)
        if counted or marks:
            log.info("certificates_filled", certificates=counted, marks=marks)

    @timer(interval=PLAN_EVERY_S)  # type: ignore[untyped-decorator]
    def backfill(self) -> None:
        """Ask loggers that are back for what is missing."""
        settings = BackfillSettings.from_env()
        if not settings.enabled:
            return
        with self.db.transaction() as session:
            asked = plan_backfill(session, settings.pace, utc_now())
        HOLES_ASKED.inc(len(asked))
        for hole in asked:
            log.info("backfill_asked", mn=hole.mn, kind=hole.kind, start=str(hole.start))

    @rpc(pb.ListRatesRequest)
    def rates(self, request: pb.ListRatesRequest) -> pb.ListRatesResponse:
        """Rates for another service; `division` bounds them, empty = everything."""
        scope = Scope(jurisdiction_prefix(request.division))
        with self.db.transaction() as session:
            return answer_rates(session, request, scope, utc_now())
