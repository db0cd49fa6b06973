"""反控: somebody asks a logger for something. Stored first; who carries it out finds it there."""

import uuid
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from services.chassis.clock import utc_now
from services.chassis.errors import Conflict, InputRejected, NotFound, RuleViolated
from services.chassis.log import get_logger
from services.chassis.pb.registry.v1 import registry_pb2 as registry
from services.chassis.replica import record_of, records_of
from services.ingest import command_store as store
from services.ingest.command_tables import CommandRow
from services.ingest.domain.commands import DEADLINE, LONGEST_DEADLINE, State, is_control
from services.ingest.hj212.commands import CommandSpec, check_request, spec
from services.ingest.hj212.errors import LocalProtocolError
from services.ingest.hj212.version import Version

log = get_logger(__name__)

CALLBACK = "callback"
#: Longest free text of a request.
LONGEST_TEXT = 500


def find_logger(session: Session, mn: str = "", outlet_id: str = "") -> registry.Logger:
    """Give a logger by its number or its outlet. Raises NotFound, and RuleViolated when it is off.

    The registry's copy has few loggers a service; by outlet they are read through.
    """
    if mn:
        record = record_of(session, registry.RECORD_KIND_LOGGER, mn)
        found = [record.logger] if record is not None else []
    else:
        everyone = records_of(session, registry.RECORD_KIND_LOGGER)
        found = [one.logger for one in everyone if one.logger.outlet_id == outlet_id]
    if not found or (outlet_id and found[0].outlet_id != outlet_id):
        raise NotFound("no such logger", mn=mn, outlet_id=outlet_id)
    return max(found, key=lambda one: one.enabled)


def version_of_logger(session: Session, logger: registry.Logger) -> Version:
    """Give the version a logger speaks: as registered, else as last heard, else 2017.

    2017 is the default because most loggers of 2026 speak it (hj212.md 0).
    """
    heard = store.session_of(session, logger.mn)
    year = logger.version or (heard.version if heard is not None else 0)
    return Version(year) if year in set(Version) else Version.V2017


def request_command(
    session: Session,
    *,
    mn: str = "",
    outlet_id: str = "",
    cn: str,
    parameters: Mapping[str, str],
    requested_by: str,
    requested_name: str = "",
    requested_role: str = "system",
    reason: str = "",
    purpose: str = CALLBACK,
    priority: int = 0,
    request_id: str = "",
    deadline: datetime | None = None,
    now: datetime | None = None,
) -> tuple[CommandRow, bool]:
    """Store a request; gives it, and whether the same request had stored it before.

    `priority` below 0 is background: it gives way to what people ask. `deadline` is when it is too
    late to begin, an hour from now where the caller says nothing. Raises NotFound for an unknown
    logger, InputRejected for what the command table does not allow, RuleViolated for a control
    command without a reason, Conflict when the request id was used for something else.
    """
    moment = now or utc_now()
    logger = find_logger(session, mn, outlet_id)
    pairs, row_spec = checked(session, logger, cn, parameters)
    control = is_control(cn, row_spec.answers, dict(pairs))
    if not logger.enabled:
        raise RuleViolated("the logger is switched off in the registry", missing="enabled")
    if control and not reason.strip():
        raise RuleViolated("what changes something at the site needs a reason", missing="reason")
    if len(reason) > LONGEST_TEXT or len(request_id) > LONGEST_TEXT:
        raise InputRejected(f"reason and request_id have at most {LONGEST_TEXT} characters")
    row = CommandRow(
        command_id=uuid.uuid4(),
        mn=logger.mn,
        outlet_id=logger.outlet_id,
        cn=cn,
        parameters=[list(pair) for pair in pairs],
        control=control,
        purpose=purpose or CALLBACK,
        priority=priority,
        requested_by=requested_by,
        requested_name=requested_name,
        requested_role=requested_role,
        reason=reason.strip(),
        request_id=request_id,
        requested_at=moment,
        deadline=checked_deadline(deadline, moment),
        state=State.QUEUED,
        look_at=moment,
    )
    return keep(session, row)


def checked(
    session: Session, logger: registry.Logger, cn: str, parameters: Mapping[str, str]
) -> tuple[tuple[tuple[str, str], ...], CommandSpec]:
    """Check a request against the command table. Raises InputRejected with name and cause."""
    version = version_of_logger(session, logger)
    try:
        pairs = check_request(cn, version, parameters, logger.st)
        return pairs, spec(cn, version, logger.st)
    except LocalProtocolError as error:
        raise InputRejected(str(error), cn=cn, version=str(int(version))) from error


def checked_deadline(asked: datetime | None, now: datetime) -> datetime:
    """Give the deadline. Raises InputRejected when it is over already or too far away."""
    if asked is None:
        return now + DEADLINE
    if not now < asked <= now + LONGEST_DEADLINE:
        raise InputRejected(f"a deadline lies within {LONGEST_DEADLINE.days} days from now")
    return asked


def keep(session: Session, row: CommandRow) -> tuple[CommandRow, bool]:
    """Store a new command with its first step, or give the one that its request made before."""
    if not store.insert_command(session, row):
        before = store.requested_before(session, row.requested_by, row.request_id)
        if before is None or meaning(before) != meaning(row):
            raise Conflict("this request_id was used for another request")
        return before, True
    kept = store.command(session, str(row.command_id), lock=True)
    step = store.Step("requested", row.requested_at, detail=row.purpose, fields=pairs_of(row))
    store.add_step(session, kept, step)
    log.info(
        "command_requested",
        command_id=str(row.command_id),
        mn=row.mn,
        outlet_id=row.outlet_id,
        cn=row.cn,
        control=row.control,
        purpose=row.purpose,
        user_id=row.requested_by,
        role=row.requested_role,
    )
    return kept, False


def meaning(row: CommandRow) -> tuple[object, ...]:
    """What makes two requests the same one."""
    return (row.mn, row.cn, [tuple(pair) for pair in row.parameters], row.purpose)


def pairs_of(row: CommandRow) -> list[tuple[str, str]]:
    """The parameters as pairs."""
    return [(name, value) for name, value in row.parameters]
