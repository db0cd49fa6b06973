"""A service on the chassis for test_chassis_bus.py: writes what it handled, fails when told to."""

import os
import sys

os.environ["PSYCOPG_WAIT_FUNC"] = "wait_selector"
import eventlet

eventlet.monkey_patch()

from sqlalchemy import text

from services.chassis.bus.entrypoints import consume_partition, on_event
from services.chassis.errors import InputRejected
from services.chassis.inbox import first_time
from services.chassis.nameko_runner import configure_nameko, run_class
from services.chassis.outbox import record_event
from services.chassis.pb.cases.v1.cases_pb2 import (
    CasePapersRequest,
    CasePapersResponse,
    NoticeRequested,
)
from services.chassis.pb.ingest.v1.ingest_pb2 import ReadingBatch
from services.chassis.pb.notify.v1.notify_pb2 import NoticeOutcome
from services.chassis.pb.registry.v1.registry_pb2 import RecordsChanged
from services.chassis.providers import DatabaseProvider, OutboxRelay
from services.chassis.replica import apply_records
from services.chassis.rpc import rpc
from services.chassis.settings import ChassisSettings
from services.chassis.timers import on_due


def write(session, kind, key):
    session.execute(text("INSERT INTO seen (kind, key) VALUES (:k, :v)"), {"k": kind, "v": key})


class Service:
    """Called notify or ingest so that the topology knows its queues."""

    name = sys.argv[1]
    db = DatabaseProvider()
    outbox = OutboxRelay()

    @on_due("wake", interval_s=0.2)
    def wake(self, session, row):
        write(session, "due", row.key)

    @rpc(CasePapersRequest)
    def echo(self, request):
        if request.matter_id == "bad":
            raise InputRejected("bad matter")
        answer = CasePapersResponse()
        answer.matter.matter_id = request.matter_id
        return answer


if Service.name == "notify":

    @on_event(NoticeRequested)
    def notice(self, session, event):
        write(session, "notice", event.cause_id)
        if event.template == "poison":
            raise InputRejected("poison")
        if event.template == "once":
            tries = session.connection().exec_driver_sql("SELECT nextval('tries')").scalar()
            if tries < 2:
                raise OSError("first time it fails")
        record_event(session, NoticeOutcome(cause_id=event.cause_id))

    @on_event(RecordsChanged)
    def records(self, session, event):
        apply_records(session, event.records)

    Service.notice, Service.records = notice, records
else:

    @consume_partition(ReadingBatch)
    def batch(self, batch, envelope):
        with self.db.transaction() as session:
            if first_time(session, envelope.queue, batch.batch_id):
                write(session, envelope.queue, batch.batch_id)

    Service.batch = batch

if __name__ == "__main__":
    configure_nameko(ChassisSettings.from_env())
    run_class(Service)
