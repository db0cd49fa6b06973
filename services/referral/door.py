"""The gRPC door of referral: for the sending agency, the police and the procuratorate."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from services.chassis.clock import utc_now
from services.chassis.db import Database
from services.chassis.grpc_host import actor_of
from services.chassis.identity import Actor
from services.chassis.pb.referral.v1 import referral_pb2 as pb
from services.chassis.pb.referral.v1 import referral_pb2_grpc as pb_grpc
from services.chassis.settings import ChassisSettings
from services.referral import store, wire
from services.referral.app.act_on_referral import act_on_referral, allowed_acts
from services.referral.app.find_referrals import list_referrals, visible_referral
from services.referral.app.freeze_bundle import bundle_parts
from services.referral.registry_copy import police_units
from services.referral.store import ReferralRow

SERVICES = ("farsight.referral.v1.ReferralService",)
_CHUNK = 256 * 1024
_MOST = 200


class ReferralDoor(pb_grpc.ReferralServiceServicer):
    """ReferralService."""

    def __init__(self, database: Database, bundles: Path) -> None:
        self._database, self._bundles = database, bundles

    def ListReferrals(  # noqa: N802 - the name of the contract
        self, request: pb.ListReferralsRequest, context: Any
    ) -> pb.ListReferralsResponse:
        """Referrals of the caller's jurisdiction, newest first."""
        size = min(request.page_size or 50, _MOST)
        with self._database.transaction() as session:
            rows = list_referrals(
                session,
                actor_of(context),
                state=request.state,
                matter_id=request.matter_id,
                page=request.page_token,
                size=size + 1,
            )
            shown = [
                wire.referral_message(row, store.clocks(session, row.referral_id))
                for row in rows[:size]
            ]
        more = rows[size - 1].referral_id if len(rows) > size else ""
        return pb.ListReferralsResponse(referrals=shown, next_page_token=more)

    def GetReferral(  # noqa: N802 - the name of the contract
        self, request: pb.GetReferralRequest, context: Any
    ) -> pb.GetReferralResponse:
        """One referral with history, clocks and the acts the caller may do."""
        actor = actor_of(context)
        with self._database.transaction() as session:
            row = visible_referral(session, actor, "referrals.read", request.referral_id)
            return pb.GetReferralResponse(referral=_whole(session, row, actor))

    def Act(  # noqa: N802 - the name of the contract
        self, request: pb.ReferralServiceActRequest, context: Any
    ) -> pb.ReferralServiceActResponse:
        """Take an act; refused with the article and what is missing."""
        actor = actor_of(context)
        with self._database.transaction() as session:
            row = visible_referral(session, actor, "referrals.act", request.referral_id, lock=True)
            act_on_referral(
                session,
                row,
                actor,
                request.act,
                fields=dict(request.fields),
                reason=request.reason,
                expected_version=request.expected_version,
                now=utc_now(),
            )
            return pb.ReferralServiceActResponse(referral=_whole(session, row, actor))

    def DownloadBundle(  # noqa: N802 - the name of the contract
        self, request: pb.DownloadBundleRequest, context: Any
    ) -> Iterator[pb.DownloadBundleResponse]:
        """The signed bundle in pieces."""
        with self._database.transaction() as session:
            row = visible_referral(
                session, actor_of(context), "referrals.read", request.referral_id
            )
            parts = bundle_parts(row, self._bundles, _CHUNK)
        for part in parts:
            yield pb.DownloadBundleResponse(chunk=part)


def _whole(session: Session, row: ReferralRow, actor: Actor) -> pb.Referral:
    others = [
        (unit.agency_id, unit.name)
        for unit in police_units(session)
        if unit.agency_id != row.police_agency_id
    ]
    acts = [wire.allowed_message(act, others) for act in allowed_acts(session, row, actor)]
    clocks = store.clocks(session, row.referral_id)
    return wire.referral_message(row, clocks, store.history(session, row.referral_id), acts)


def register(server: Any, settings: ChassisSettings) -> None:
    """Add the servicer to the door host."""
    database = Database(settings.database_url, "referral")
    door = ReferralDoor(database, settings.data / "bundles")
    pb_grpc.add_ReferralServiceServicer_to_server(door, server)
