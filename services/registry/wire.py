"""Domain values to protobuf and back: field names are the same, so one rule serves all kinds."""

import math
from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import Any, cast

from services.chassis.clock import from_timestamp, to_timestamp
from services.chassis.errors import InputRejected
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.registry.domain.accounts import Account
from services.registry.domain.diff import FieldChange, RecordChange
from services.registry.domain.outcome import Outcome
from services.registry.domain.records import CLASSES, Body, Kind
from services.registry.store import RecordRow

_NAN_WHEN_ABSENT = ("lower", "upper")
_TIMES = ("sm4_key_since", "start", "end")
SECRETS = frozenset({"phone", "password", "person_id", "reason", "sm4_key", "sm4_key_before"})
"""Fields that only a caller with `registry.secrets` is shown."""
_MESSAGES: dict[Kind, Any] = {kind: getattr(pb, CLASSES[kind].__name__) for kind in Kind}


def kind_from(number: int) -> Kind:
    """Return the kind. Raises InputRejected for UNSPECIFIED and unknown numbers."""
    try:
        return Kind(number)
    except ValueError:
        raise InputRejected(f"no record kind {number}", field="kind") from None


def kinds_from(complete: pb.CompleteScope) -> frozenset[Kind]:
    """Return the kinds that a stream names completely. Raises InputRejected for an unknown one."""
    return frozenset(map(kind_from, complete.kinds))


def body_from(record: pb.Record) -> Body:
    """Return the record's body as a domain value.

    Raises InputRejected when the body is missing or is not of the record's kind.
    """
    kind = kind_from(record.kind)
    if record.WhichOneof("body") != kind.name.lower():
        raise InputRejected(f"record of kind {kind.name} without its body", field="body")
    message, shape = getattr(record, kind.name.lower()), cast(Any, CLASSES[kind])
    body: Body = shape(**{field.name: _from_wire(message, field) for field in fields(shape)})
    return body


def _from_wire(message: Any, field: Any) -> Any:
    value = getattr(message, field.name)
    if field.name in _TIMES:
        return from_timestamp(value).isoformat() if message.HasField(field.name) else ""
    if field.name in _NAN_WHEN_ABSENT:
        return None if math.isnan(value) else value
    return tuple(value) if field.type == tuple[str, ...] else value


def body_of(row: RecordRow) -> Body:
    """Return a stored record's body as a domain value."""
    shape: Any = CLASSES[Kind(row.kind)]
    lists = [field.name for field in fields(shape) if field.type == tuple[str, ...]]
    body: Body = shape(**{k: tuple(v) if k in lists else v for k, v in row.body.items()})
    return body


def shown(row: RecordRow, *, secrets: bool) -> Body:
    """Return a stored record's body as the caller may see it; hidden fields are empty."""
    body = body_of(row)
    hidden: dict[str, Any] = dict.fromkeys(SECRETS & vars(body).keys(), "")
    return body if secrets else replace(body, **hidden)


def stored(body: Body) -> dict[str, Any]:
    """Return a body as the store keeps it (JSON)."""
    return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(body).items()}


def record_of(row: RecordRow, *, secrets: bool) -> pb.Record:
    """Return a stored record for the wire; phones, passwords and keys only with `secrets`."""
    values: Mapping[str, Any] = {
        name: _to_wire(name, value)
        for name, value in row.body.items()
        if secrets or name not in SECRETS
    }
    kind = Kind(row.kind)
    name = kind.name.lower()
    body = _MESSAGES[kind](**values)
    return pb.Record(
        kind=pb.RecordKind.ValueType(kind.value),
        key=row.key,
        revision=row.revision,
        deleted=row.deleted,
        **{name: body},
    )


def _to_wire(name: str, value: Any) -> Any:
    if name in _TIMES:
        return to_timestamp(datetime.fromisoformat(value)) if value else None
    return math.nan if value is None and name in _NAN_WHEN_ABSENT else value


def account_from(message: pb.Account) -> Account:
    """Return an account to be kept."""
    return Account(**{field.name: getattr(message, field.name) for field in fields(Account)})


def account_message(account: Account) -> pb.Account:
    """Return an account for the wire; the password never leaves."""
    values = asdict(account)
    del values["password"]
    return pb.Account(**values)


def sync_response(outcome: Outcome, *, secrets: bool) -> pb.SyncResponse:
    """Return counts, row errors and differences; who may not see a secret sees that it differs."""
    return pb.SyncResponse(
        created=outcome.created,
        updated=outcome.updated,
        unchanged=outcome.unchanged,
        deleted=outcome.deleted,
        errors=[pb.RowError(**asdict(error)) for error in outcome.errors],
        changes=[_change_message(change, secrets=secrets) for change in outcome.changes],
        changes_left_out=outcome.changes_left_out,
    )


def _change_message(change: RecordChange, *, secrets: bool) -> pb.RecordChange:
    return pb.RecordChange(
        kind=pb.RecordKind.ValueType(change.kind or 0),
        key=change.key,
        change=pb.ChangeKind.ValueType(change.change),
        fields=[_field_message(field, hidden=not secrets) for field in change.fields],
        row=change.row,
    )


def _field_message(field: FieldChange, *, hidden: bool) -> pb.FieldChange:
    texts = [field.before, field.after]
    if hidden and field.field in SECRETS:
        texts = ["***" if text else "" for text in texts]
    return pb.FieldChange(field=field.field, before=texts[0], after=texts[1])
