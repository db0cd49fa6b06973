"""The nameko service `referral`: opens referrals, freezes their evidence, minds their clocks."""

from nameko.timer import timer
from sqlalchemy.orm import Session

from services.chassis.bus.entrypoints import on_event
from services.chassis.clock import utc_now
from services.chassis.errors import Unavailable
from services.chassis.log import get_logger
from services.chassis.pb.cases.v1.cases_pb2 import ReferralRequested
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.providers import DatabaseProvider, OutboxRelay
from services.chassis.replica import apply_records, fill_when_empty
from services.chassis.rpc import RpcClient
from services.chassis.signing import load_or_create
from services.chassis.tables import DueRow
from services.chassis.timers import on_due
from services.referral.app.freeze_bundle import Desk, freeze_bundle
from services.referral.app.open_referral import FREEZE, open_referral
from services.referral.app.record_step import CLOCK, breach_clock
from services.referral.registry_copy import KINDS
from services.referral.settings import ReferralSettings

log = get_logger(__name__)


class Service:
    """行刑衔接."""

    name = "referral"
    db = DatabaseProvider()
    outbox = OutboxRelay()
    registry = RpcClient("registry")
    ingest = RpcClient("ingest", timeout_s=120)
    cases = RpcClient("cases")

    @on_event(registry_pb2.RecordsChanged)
    def records_changed(self, session: Session, event: registry_pb2.RecordsChanged) -> None:
        """Keep the copy of plants, people and agencies."""
        apply_records(session, event.records, KINDS)

    @on_event(ReferralRequested)
    def referral_requested(self, session: Session, event: ReferralRequested) -> None:
        """Open the referral of an approved case."""
        open_referral(session, event, utc_now())

    @on_due(FREEZE)
    def freeze_due(self, session: Session, row: DueRow) -> None:
        """Freeze the evidence; tried again later while a service is away."""
        settings = ReferralSettings.from_env()
        desk = Desk(
            ingest=self.ingest,
            cases=self.cases,
            signer=load_or_create(settings.keys, "referral_sm2"),
            signer_name=settings.signer_name,
            folder=settings.bundles,
        )
        freeze_bundle(session, row.key, desk, utc_now())

    @on_due(CLOCK)
    def clock_due(self, session: Session, row: DueRow) -> None:
        """Note a clock that ran out."""
        breach_clock(session, row.key, utc_now())

    @timer(interval=60, eager=True)  # type: ignore[untyped-decorator] # nameko has no types
    def fill_copy(self) -> None:
        """Ask the registry for everything while the copy is empty."""
        try:
            with self.db.transaction() as session:
                fill_when_empty(session, self.registry, KINDS)
        except Unavailable as error:
            log.info("registry_away", error=str(error))
