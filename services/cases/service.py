"""The nameko service `cases`: events in, clocks due, papers for the referral."""

from __future__ import annotations

from nameko.timer import timer
from sqlalchemy.orm import Session

from services.cases import registry_copy, rules, store, wire
from services.cases.app import handle_due
from services.cases.app.handle_clue import handle_clue
from services.cases.app.handle_finding import handle_finding
from services.cases.app.handle_notice_outcome import handle_notice_outcome
from services.cases.app.handle_referral import handle_referral
from services.cases.app.people_certificates import CERTIFICATE, remind_of_certificate
from services.cases.app.people_changed import PEOPLE
from services.cases.app.people_timers import arm_all, note_people, people_due, sweep_all
from services.cases.app.reckon_clocks import (
    CALENDAR,
    reckon_clocks,
    sweep_calendar,
    watch_calendar,
)
from services.cases.app.save_step import BREACH, ESCALATE, WARN
from services.cases.app.trigger_tables import handle_pack
from services.chassis.bus.entrypoints import on_event
from services.chassis.clock import utc_now
from services.chassis.errors import Unavailable
from services.chassis.log import get_logger
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from services.chassis.pb.detect.v1 import detect_pb2, pack_pb2
from services.chassis.pb.notify.v1 import notify_pb2
from services.chassis.pb.referral.v1 import referral_pb2
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.providers import DatabaseProvider, OutboxRelay
from services.chassis.replica import apply_records, fill_kind_when_empty, fill_when_empty
from services.chassis.rpc import RpcClient, rpc
from services.chassis.tables import DueRow
from services.chassis.timers import on_due

log = get_logger(__name__)


class Service:
    """办案: supervision orders, cases and their clocks."""

    name = "cases"
    db = DatabaseProvider()
    outbox = OutboxRelay()
    registry = RpcClient("registry")

    @on_event(registry_pb2.RecordsChanged)
    def records_changed(self, session: Session, event: registry_pb2.RecordsChanged) -> None:
        """Keep the copy of the registry; who left or is away keeps no matter."""
        apply_records(session, event.records, registry_copy.KINDS)
        note_people(session, event.records, utc_now())

    @on_event(detect_pb2.FindingChanged)
    def finding_changed(self, session: Session, event: detect_pb2.FindingChanged) -> None:
        """疑似问题 to order."""
        handle_finding(session, event.finding, utc_now())

    @on_event(detect_pb2.ClueChanged)
    def clue_changed(self, session: Session, event: detect_pb2.ClueChanged) -> None:
        """线索 to case."""
        handle_clue(session, event.clue, utc_now())

    @on_event(pack_pb2.PackActivated)
    def pack_activated(self, session: Session, event: pack_pb2.PackActivated) -> None:
        """触发规则表 of a rule pack; one that does not read is refused and set aside."""
        handle_pack(session, event)

    @on_event(notify_pb2.NoticeOutcome)
    def notice_outcome(self, session: Session, event: notify_pb2.NoticeOutcome) -> None:
        """A notice that failed is part of the record."""
        handle_notice_outcome(session, event, utc_now())

    @on_event(referral_pb2.ReferralChanged)
    def referral_changed(self, session: Session, event: referral_pb2.ReferralChanged) -> None:
        """移送 back to the case."""
        handle_referral(session, event.referral, utc_now())

    @on_due(WARN)
    def clock_warn(self, session: Session, row: DueRow) -> None:
        """A clock ends soon."""
        handle_due.warn(session, row.payload, utc_now())

    @on_due(BREACH)
    def clock_breach(self, session: Session, row: DueRow) -> None:
        """A clock ran out."""
        handle_due.breach(session, row.payload, utc_now())

    @on_due(ESCALATE)
    def clock_escalate(self, session: Session, row: DueRow) -> None:
        """A breach is still undone."""
        handle_due.escalate(session, row.payload, utc_now())

    @on_due(PEOPLE)
    def people_changed(self, session: Session, row: DueRow) -> None:
        """Officers or absences changed: their matters go to others."""
        moved = people_due(session, row, utc_now())
        if moved:
            log.info("matters_rehomed", moved=moved)

    @on_due(CERTIFICATE)
    def certificate_due(self, session: Session, row: DueRow) -> None:
        """A certificate ends soon or has ended."""
        remind_of_certificate(session, row.payload, utc_now())

    @timer(interval=60, eager=True)  # type: ignore[untyped-decorator]
    def rehome_matters(self) -> None:
        """A day began or ended: who is away today keeps no matter."""
        moved = sweep_all(self.db, utc_now())
        if moved:
            log.info("matters_rehomed", moved=moved)

    @timer(interval=3600, eager=True)  # type: ignore[untyped-decorator]
    def remind_of_certificates(self) -> None:
        """Certificates that end within the next days."""
        with self.db.transaction() as session:
            arm_all(session, utc_now())

    @timer(interval=3600, eager=True)  # type: ignore[untyped-decorator]
    def reckon_provisional(self) -> None:
        """A new release may know holidays that running clocks were guessed without."""
        with self.db.transaction() as session:
            watch_calendar(session, utc_now())
        with self.db.transaction() as session:
            moved = reckon_clocks(session, utc_now())
        if moved:
            log.info("clocks_reckoned_again", moved=moved)

    @on_due(CALENDAR)
    def clock_calendar(self, session: Session, row: DueRow) -> None:
        """Another calendar than the last time: every open end in days is computed again."""
        moved = sweep_calendar(session, row.key, row.payload, utc_now())
        if moved:
            log.info("clocks_reckoned_again", moved=moved)

    @timer(interval=10, eager=True)  # type: ignore[untyped-decorator]
    def fill_registry_copy(self) -> None:
        """A service that starts without a copy asks for it; one that has a copy asks nothing."""
        try:
            with self.db.transaction() as session:
                fill_when_empty(session, self.registry, registry_copy.KINDS)
                # Documents name divisions; a copy of earlier days has none of them.
                fill_kind_when_empty(session, self.registry, registry_pb2.RECORD_KIND_DIVISION)
        except Unavailable:
            log.info("registry_not_ready")

    @rpc(pb.CasePapersRequest)
    def case_papers(self, request: pb.CasePapersRequest) -> pb.CasePapersResponse:
        """All papers of a case for the referral bundle, with the digest of its last line."""
        with self.db.transaction() as session:
            matter = store.load(session, request.matter_id)
        message = wire.full_message(matter, rules.life_cycle(matter.kind))
        root = matter.events[-1].digest if matter.events else b""
        return pb.CasePapersResponse(matter=message, timeline_root_sm3=root)
