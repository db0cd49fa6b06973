"""提案: the first person's part: a pack, a day from which on it judges, a difference report."""

import datetime as dt
import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from services.chassis.clock import BEIJING
from services.chassis.errors import Conflict, InputRejected, NotFound, RuleViolated
from services.chassis.identity import Actor, Role
from services.chassis.log import get_logger
from services.chassis.outbox import record_event
from services.detect.packs import store, wire
from services.detect.packs.load import load_pack, shipped_pack
from services.detect.packs.pack import Pack
from services.detect.packs.timeline import BEGINNING

log = get_logger(__name__)

#: Who stands for a release of Farsight: an account cannot have this name.
RELEASE = Actor("farsight:release", Role.OPERATOR, name="千里眼")
MAX_REPORT = 20_000_000


@dataclass(frozen=True)
class Wish:
    """What the proposer asks for beside the pack."""

    applies_from: str
    reason: str
    report: bytes


def record_shipped(session: Session, now: dt.datetime) -> None:
    """首次启用: the shipped pack is the first activation; a newer one of a release is offered.

    Called at every start, by any process. An offer waits like a proposal without a report: nothing
    changes until somebody brings one and another person approves.
    """
    store.lock(session)
    shipped, known = shipped_pack(), store.activations(session)
    kept = store.keep_pack(session, shipped, now)
    if kept.sha256 != shipped.sha256:
        log.warning("shipped_pack_changed_without_a_version", pack=shipped.name)
    elif not known:
        row = _first(shipped, now)
        session.add(row)
        session.flush()
        if shipped.triggers:
            record_event(session, wire.activated(session, kept))
    elif not _mentioned(session, shipped):
        today = now.astimezone(BEIJING).date()
        session.add(_proposal(shipped, today, "新版本随软件发布", RELEASE, now))
        log.info("shipped_pack_offered", pack=shipped.name)


def _first(shipped: Pack, now: dt.datetime) -> store.ActivationRow:
    return store.ActivationRow(
        proposal_id="", pack_id=shipped.id, version=shipped.version, sha256=shipped.sha256,
        applies_from=BEGINNING, proposed_by=RELEASE.user_id,
        approved_by=RELEASE.user_id, activated_at=now,
        reason="首次启动时启用随软件发布的基本规则包",
    )  # fmt: skip


def _mentioned(session: Session, pack: Pack) -> bool:
    """Whether a pack was activated or proposed before."""
    for table in (store.ActivationRow, store.ProposalRow):
        same = (table.pack_id == pack.id) & (table.version == pack.version)
        if session.scalar(select(table.pack_id).where(same).limit(1)) is not None:
            return True
    return False


def propose_pack(
    session: Session, actor: Actor, files: Mapping[str, bytes], wish: Wish, now: dt.datetime
) -> str:
    """Keep a pack and propose it; gives the proposal's id.

    Raises InputRejected for a pack, day, reason or report that is none, Conflict where other files
    are kept under the same id and version.
    """
    pack = load_pack(files)
    kept = store.keep_pack(session, pack, now)
    if kept.sha256 != pack.sha256:
        raise Conflict(f"{pack.name} is kept with other files; give the pack a new version")
    return _propose(session, actor, pack, wish, now)


def roll_back(
    session: Session, actor: Actor, name: tuple[str, str], wish: Wish, now: dt.datetime
) -> str:
    """回退: propose a pack (id, version) that is kept already. Raises NotFound where none is."""
    kept = store.pack_row(session, *name)
    if kept is None:
        raise NotFound(f"no pack {name[0]}@{name[1]} is kept here")
    return _propose(session, actor, store.pack_of(kept), wish, now)


def attach_report(
    session: Session, actor: Actor, proposal_id: str, report: bytes, now: dt.datetime
) -> None:
    """差异报告: what would have been judged otherwise. Raises NotFound, Conflict, InputRejected."""
    told = store.told(session, proposal_id)
    if told is None:
        raise NotFound("no such proposal")
    if told.decision is not None:
        raise Conflict("the proposal was decided already")
    session.add(_report(told.proposal, told.pack.sha256, actor, report, now))


def _propose(session: Session, actor: Actor, pack: Pack, wish: Wish, now: dt.datetime) -> str:
    day = day_of(wish.applies_from)
    if not wish.reason.strip():
        raise InputRejected("a proposal needs a reason", field="reason")
    row = _proposal(pack, day, wish.reason.strip(), actor, now)
    session.add(row)
    session.flush()
    if wish.report:
        session.add(_report(row, pack.sha256, actor, wish.report, now))
    return row.proposal_id


def _proposal(
    pack: Pack, day: dt.date, reason: str, actor: Actor, now: dt.datetime
) -> store.ProposalRow:
    return store.ProposalRow(
        proposal_id=str(uuid.uuid4()), pack_id=pack.id, version=pack.version, applies_from=day,
        reason=reason, proposed_by=actor.user_id, proposed_by_name=actor.name, proposed_at=now,
        offered=actor == RELEASE,
    )  # fmt: skip


def _report(
    proposal: store.ProposalRow, pack_sha256: bytes, actor: Actor, report: bytes, now: dt.datetime
) -> store.ReportRow:
    _check_report(report, pack_sha256)
    return store.ReportRow(
        proposal_id=proposal.proposal_id, sha256=hashlib.sha256(report).digest(), body=report,
        brought_by=actor.user_id, brought_at=now,
    )  # fmt: skip


def _check_report(report: bytes, pack_sha256: bytes) -> None:
    """Refuse what is no report, and a report about another pack."""
    if not 0 < len(report) <= MAX_REPORT:
        raise InputRejected(f"a report has 1 to {MAX_REPORT} bytes", field="report")
    try:
        told = json.loads(report)
    except (ValueError, RecursionError) as error:
        raise InputRejected(f"the report is no JSON: {error}", field="report") from error
    new = told.get("new") if isinstance(told, dict) else None
    if not isinstance(new, dict) or "sha256" not in new:
        what = "it does not say which pack it is about (new.sha256)"
        raise InputRejected(f"the report is none of `farsight backtest`: {what}", field="report")
    if new["sha256"] != pack_sha256.hex():
        what = f"it is about the pack {new['sha256']}, proposed is {pack_sha256.hex()}"
        raise InputRejected(f"a report about another pack: {what}", field="report")


def day_of(text: str) -> dt.date:
    """A Beijing day of data. Raises InputRejected, RuleViolated for one before all data."""
    try:
        day = dt.date.fromisoformat(text)
    except ValueError as error:
        raise InputRejected(f"no ISO day: {text!r}", field="applies_from") from error
    if day <= BEGINNING:
        raise RuleViolated("no data is that old", field="applies_from")
    return day
