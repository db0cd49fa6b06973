"""The gRPC door of notify: what was sent, for those who answer for it."""

from typing import Any

from services.chassis.db import Database
from services.chassis.errors import InputRejected
from services.chassis.grpc_host import actor_of
from services.chassis.identity import scope_of
from services.chassis.pb.notify.v1 import notify_pb2 as pb
from services.chassis.pb.notify.v1 import notify_pb2_grpc as pb_grpc
from services.chassis.settings import ChassisSettings
from services.notify.app.list_sendings import list_sendings
from services.notify.wire import sending_of, state_names

SERVICES = ("farsight.notify.v1.NotifyService",)
_MOST = 500


class NotifyDoor(pb_grpc.NotifyServiceServicer):
    """NotifyService."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ListSendings(  # noqa: N802 - the name of the contract
        self, request: pb.ListSendingsRequest, context: Any
    ) -> pb.ListSendingsResponse:
        """Sendings of the caller's jurisdiction, newest first."""
        scope = scope_of(actor_of(context), "sendings.read", request.division)
        size = min(request.page_size or 100, _MOST)
        if request.page_token and not request.page_token.isdigit():
            raise InputRejected("page_token is not one of ours")
        with self._database.transaction() as session:
            rows = list_sendings(
                session,
                scope,
                matter_id=request.matter_id,
                states=state_names(request.state),
                before_id=int(request.page_token) if request.page_token else None,
                size=size + 1,
            )
        more = str(rows[size - 1].sending_id) if len(rows) > size else ""
        return pb.ListSendingsResponse(
            sendings=[sending_of(row) for row in rows[:size]], next_page_token=more
        )


def register(server: Any, settings: ChassisSettings) -> None:
    """Add the servicer to the door host."""
    database = Database(settings.database_url, "notify")
    pb_grpc.add_NotifyServiceServicer_to_server(NotifyDoor(database), server)
