"""Who is calling and what they may do: actors, short-lived tokens, one policy table.

`can` denies by default. Jurisdiction is the prefix of the division code (GB/T 2260): an officer of
130400 answers for every county 1304xx, never for its neighbour. An enterprise sees itself only.
"""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from services.chassis.clock import utc_now
from services.chassis.errors import Forbidden, NotFound, Unauthenticated
from services.chassis.log import get_logger

log = get_logger(__name__)

ALGORITHM = "Ed25519"
#: Life of a token. The console refreshes it while its session lives.
TOKEN_LIFE = timedelta(minutes=15)


class Role(StrEnum):
    """角色 of an account."""

    OFFICER = "officer"  # 执法人员
    LEADER = "leader"  # 负责人
    ENTERPRISE = "enterprise"  # 企业环保负责人
    POLICE = "police"  # 公安
    PROCURATOR = "procurator"  # 检察
    OPERATOR = "operator"  # 平台运维
    PLATFORM = "platform"  # 省市平台 (machine account)


AUTHORITY = frozenset({Role.OFFICER, Role.LEADER})
AGENCIES = frozenset({Role.POLICE, Role.PROCURATOR})
EVERYONE = frozenset(Role)

#: Action -> roles that may do it inside their own jurisdiction (or, for an enterprise, to itself).
POLICY: Mapping[str, frozenset[Role]] = {
    "registry.read": EVERYONE,
    "registry.write": frozenset({Role.OPERATOR, Role.PLATFORM}),
    "registry.secrets": frozenset({Role.OPERATOR}),
    "readings.read": AUTHORITY | {Role.ENTERPRISE, Role.OPERATOR, Role.PLATFORM},
    "readings.push": frozenset({Role.PLATFORM, Role.OPERATOR}),
    # 反控. Whom a logger was asked for what: the plant sees its own, without people and reasons.
    "commands.read": AUTHORITY | {Role.ENTERPRISE, Role.OPERATOR, Role.PLATFORM},
    # History that a logger keeps is what `readings.read` shows; a plant reads its own at the site.
    "commands.read_data": AUTHORITY | {Role.OPERATOR, Role.PLATFORM},
    # What changes something at a site is an act of supervision: a person answers for it, with a
    # reason; a platform is a machine account and asks an officer.
    "commands.control": AUTHORITY | {Role.OPERATOR},
    "outside.push": frozenset({Role.PLATFORM, Role.OPERATOR}),
    "outside.read": AUTHORITY | {Role.OPERATOR, Role.PLATFORM},
    # A plant sees what it states and what its own meters say, never a clue against it.
    "outside.own": AUTHORITY | {Role.ENTERPRISE, Role.OPERATOR, Role.PLATFORM},
    # 标记: the plant states, the authority decides; an officer never states for a plant.
    "marks.read": AUTHORITY | {Role.ENTERPRISE, Role.OPERATOR, Role.PLATFORM},
    "marks.submit": frozenset({Role.ENTERPRISE, Role.OPERATOR, Role.PLATFORM}),
    "marks.decide": AUTHORITY,
    # A complaint's text may tell who complained (domain.md J): not for who runs the machines.
    "complaints.read": AUTHORITY | {Role.PLATFORM},
    # Heads and consistency proofs hold nobody's data; an entry asks for readings.read besides.
    "ledger.read": EVERYONE,
    "keeping.read": frozenset({Role.OPERATOR}),
    "findings.read": AUTHORITY | {Role.ENTERPRISE, Role.OPERATOR, Role.PLATFORM},
    "judgements.read": AUTHORITY | {Role.ENTERPRISE, Role.OPERATOR, Role.PLATFORM},
    "clues.read": AUTHORITY,
    # 筛查. Neither plants nor those who run instruments may learn what was seen and not said; one
    # person explains signs away, a leader confirms.
    "screening.read": AUTHORITY,
    "screening.suppress": AUTHORITY,
    "screening.confirm": frozenset({Role.LEADER}),
    # Rule packs are law as it is applied: a province decides, by two persons.
    "packs.read": AUTHORITY | {Role.OPERATOR, Role.PLATFORM},
    "packs.propose": frozenset({Role.LEADER, Role.OPERATOR}),
    "packs.approve": frozenset({Role.LEADER, Role.OPERATOR}),
    "orders.read": AUTHORITY | {Role.ENTERPRISE, Role.PLATFORM},
    "orders.act": AUTHORITY | {Role.ENTERPRISE},
    # A platform is a bureau of its own; "list and watch cases" is its door (design.md section 1).
    # A plant sees its own case from the notice on, to state and defend; before that it is
    # confidential, which the service cases checks besides.
    "cases.read": AUTHORITY | {Role.PLATFORM, Role.ENTERPRISE},
    "cases.act": AUTHORITY | {Role.ENTERPRISE},
    # Inspections, orders to correct, seizures, service of papers ...: what a case is made of.
    "measures.read": AUTHORITY | {Role.PLATFORM, Role.ENTERPRISE},
    "measures.act": AUTHORITY | {Role.ENTERPRISE},
    "matters.open": AUTHORITY,
    # Who handles what: an officer sees the own line, a leader the office's and moves matters.
    "people.read": AUTHORITY,
    "people.assign": frozenset({Role.LEADER}),
    # Forms, officers' tracks and drafts of records are the authority's own work; a plant sees the
    # finished record as a paper of the matter.
    "inspections.read": AUTHORITY,
    "inspections.record": AUTHORITY,
    "referrals.read": AUTHORITY | AGENCIES,
    "referrals.act": AUTHORITY | AGENCIES,
    "sendings.read": AUTHORITY | {Role.OPERATOR},
    # What triggers would cost an office is the business of who decides about them.
    "monitor.read": frozenset({Role.LEADER, Role.OPERATOR, Role.PLATFORM}),
    "statistics.read": AUTHORITY | {Role.OPERATOR, Role.PLATFORM},
    # 办理清单 and 值班: lists of one's own jurisdiction as a whole.
    "work.read": AUTHORITY | {Role.PLATFORM},
    # 不作为 is about one's own people: for who leads them and the bureau above.
    "inactivity.read": frozenset({Role.LEADER, Role.PLATFORM}),
    # 全案卷宗 with names and files: for who handles cases.
    "records.export": AUTHORITY,
}


@dataclass(frozen=True)
class Actor:
    """Somebody, or some program, who is signed in."""

    user_id: str
    role: Role
    division: str = ""  # jurisdiction; empty = none
    enterprise_id: str = ""  # credit code, for an enterprise
    name: str = ""
    officer_id: str = ""
    scripted: bool = False  # a demo script acts, and every record says so


def jurisdiction_prefix(division: str) -> str:
    """Give the prefix that all codes of a jurisdiction share: 130000 -> 13, 130400 -> 1304."""
    code = division
    while code.endswith("00"):
        code = code[:-2]
    return code


def covers(division: str, other: str) -> bool:
    """Tell whether the jurisdiction `division` includes the division `other`."""
    return bool(division) and other.startswith(jurisdiction_prefix(division))


def can(actor: Actor, action: str, *, division: str = "", enterprise_id: str = "") -> bool:
    """Decide whether the actor may do `action` to a thing of `division` and `enterprise_id`.

    An unknown action, a role not listed, a foreign jurisdiction or enterprise: no.
    Without a thing (both empty) only the role is asked; lists then filter by `scope_of`.
    """
    if actor.role not in POLICY.get(action, frozenset()):
        return False
    if actor.role == Role.ENTERPRISE:
        return not (division or enterprise_id) or (
            bool(actor.enterprise_id) and enterprise_id == actor.enterprise_id
        )
    return not division or covers(actor.division, division)


def require(actor: Actor, action: str, *, division: str = "", enterprise_id: str = "") -> None:
    """Demand `can`. Raises Forbidden and leaves a line in the audit log."""
    if not can(actor, action, division=division, enterprise_id=enterprise_id):
        log.warning(
            "denied",
            user_id=actor.user_id,
            role=actor.role,
            action=action,
            division=division,
            enterprise_id=enterprise_id,
        )
        raise Forbidden(f"{actor.role} may not {action} here", action=action)


def require_visible(actor: Actor, action: str, *, division: str, enterprise_id: str) -> None:
    """Demand `can` for a thing whose existence is nobody else's business. Raises NotFound."""
    try:
        require(actor, action, division=division, enterprise_id=enterprise_id)
    except Forbidden as error:
        raise NotFound("no such thing in your jurisdiction") from error


@dataclass(frozen=True)
class Scope:
    """What a list is cut down to: a prefix of division codes, and perhaps one enterprise."""

    division_prefix: str
    enterprise_id: str = ""

    def has(self, division: str, enterprise_id: str) -> bool:
        """Tell whether a thing is inside."""
        if self.enterprise_id:
            return enterprise_id == self.enterprise_id
        return division.startswith(self.division_prefix)


def scope_of(actor: Actor, action: str, asked_division: str = "") -> Scope:
    """Give the part of the world the actor may list, narrowed to `asked_division`.

    Raises Forbidden when the role may not do it at all or asks beyond its jurisdiction.
    """
    require(actor, action)
    if actor.role == Role.ENTERPRISE:
        if not actor.enterprise_id:
            raise Forbidden("an enterprise account without an enterprise")
        return Scope("", actor.enterprise_id)
    if not actor.division:
        raise Forbidden("an account without a jurisdiction")
    if asked_division:
        require(actor, action, division=asked_division)
    return Scope(jurisdiction_prefix(asked_division or actor.division))


def create_token_key(path: Path) -> None:
    """Write a fresh Ed25519 key as JWK, readable by the owner only; keeps an existing one."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    key = OKPKey.generate_key("Ed25519", private=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(key.as_dict(private=True)), encoding="utf-8")


class Tokens:
    """Signs and reads the tokens that carry an actor between console, doors and gate."""

    def __init__(self, key_path: Path) -> None:
        self._key = OKPKey.import_key(json.loads(key_path.read_text(encoding="utf-8")))

    def issue(self, actor: Actor, *, now: datetime | None = None) -> tuple[str, datetime]:
        """Sign a token; gives it with the moment it ends."""
        start = now or utc_now()
        end = start + TOKEN_LIFE
        claims = {
            "sub": actor.user_id,
            "role": actor.role.value,
            "div": actor.division,
            "ent": actor.enterprise_id,
            "name": actor.name,
            "off": actor.officer_id,
            "scr": actor.scripted,
            "iat": int(start.timestamp()),
            "exp": int(end.timestamp()),
            "jti": secrets.token_hex(8),
        }
        return jwt.encode({"alg": ALGORITHM}, claims, self._key, algorithms=[ALGORITHM]), end

    def read(self, token: str, *, now: datetime | None = None) -> Actor:
        """Check signature and time. Raises Unauthenticated."""
        try:
            claims = jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
            alive = int(claims["exp"]) > (now or utc_now()).timestamp()
            actor = Actor(
                user_id=claims["sub"],
                role=Role(claims["role"]),
                division=claims["div"],
                enterprise_id=claims["ent"],
                name=claims["name"],
                officer_id=claims["off"],
                scripted=bool(claims["scr"]),
            )
        except (JoseError, KeyError, ValueError) as error:
            raise Unauthenticated("the token is not ours") from error
        if not alive:
            raise Unauthenticated("the token is over; sign in again")
        return actor
