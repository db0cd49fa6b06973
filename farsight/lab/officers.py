"""`farsight demo-officers`: scripted officers of the demo province at the public gRPC doors.

They do the human checks that the law asks for in one order and in the falsification case, with
accounts that are marked as scripted, and only acts that the API allows them. What is done depends
on the states the API tells and on nothing kept here: a restart neither repeats nor forgets.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from farsight.lab.door_client import SignedInClient, patiently
from farsight.lab.province import read_rows
from farsight.lab.script import Cast, Script, Step, read_cast, read_script
from services.chassis import grpc_host
from services.chassis.clock import BEIJING
from services.chassis.errors import Conflict, FarsightError, Unauthenticated, Unavailable
from services.chassis.pb.cases.v1 import cases_pb2 as cases
from services.chassis.pb.cases.v1 import cases_pb2_grpc as cases_grpc
from services.chassis.pb.referral.v1 import referral_pb2 as referral
from services.chassis.pb.referral.v1 import referral_pb2_grpc as referral_grpc
from services.chassis.probes import Probes
from services.chassis.settings import address

_KINDS = {cases.MATTER_KIND_ORDER: "order", cases.MATTER_KIND_CASE: "case"}
_PAGE = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `farsight demo-officers`."""
    door = os.environ.get("FARSIGHT_GRPC_ADDR", "") or "127.0.0.1:50051"
    add = parser.add_argument
    add("--door", default=door, help="gRPC doors host:port (FARSIGHT_GRPC_ADDR)")
    add("--pause", type=float, default=2.0, help="seconds between looks (%(default)s)")
    add(
        "--rest",
        type=float,
        default=6.0,
        help="seconds a new matter must rest before the first act",
    )
    add("--until-idle", type=float, default=0.0, metavar="S", help="end after S idle seconds")


def run(args: argparse.Namespace) -> int:
    """Act until stopped; 0 done (with --until-idle), 1 when the demo accounts are not there."""
    probes = Probes(address(os.environ, "FARSIGHT_PROBE_BIND", "127.0.0.1:0"))
    cast = read_cast(read_rows("accounts"))
    with grpc_host.client_channel(args.door) as channel:
        passwords = {row["user_name"]: row["password"] for row in read_rows("accounts")}
        users = [*cast.users.values(), *cast.plants.values()]
        clients = {user: SignedInClient(channel, user, passwords[user]) for user in users}
        troupe = Troupe(cast, read_script(), clients, args.rest)
        try:
            patiently(clients[users[0]].sign_in, 120.0)
        except (Unavailable, Unauthenticated) as error:
            print(f"demo-officers: doors at {args.door}: {error}", file=sys.stderr)
            return 1
        probes.ready()
        return _loop(troupe, args.pause, args.until_idle)


def _loop(troupe: "Troupe", pause_s: float, until_idle_s: float) -> int:
    busy_at = time.monotonic()
    while True:
        try:
            acted = troupe.look()
        except Unavailable as error:
            print(f"demo-officers: waiting: {error}", file=sys.stderr, flush=True)
            acted = 0
        now = time.monotonic()
        busy_at = now if acted else busy_at
        if until_idle_s and now - busy_at > until_idle_s:
            return 0
        time.sleep(pause_s)


@dataclass
class Troupe:
    """演示人员: everybody the script plays, with what they have seen so far."""

    cast: Cast
    script: Script
    clients: dict[str, SignedInClient]
    rest_s: float
    _seen: dict[str, tuple[int, float]] = field(default_factory=dict)

    def look(self) -> int:
        """Look at every scripted county once and do one act for each thing; return their number."""
        acted = 0
        for county in self.cast.counties:
            leader = self.clients[self.cast.users[county, "leader"]]
            acted += sum(self._on_matter(matter) for matter in _open_matters(leader))
            acted += sum(self._on_referral(each) for each in _open_referrals(leader))
        return acted

    def _on_matter(self, matter: cases.Matter) -> bool:
        kind = _KINDS.get(matter.kind, "")
        ours = matter.item in self.script.items and self.cast.plays(
            kind, from_order=bool(matter.parent_matter_id), credit_code=matter.credit_code
        )
        step = self.script.step(kind, matter.state) if ours else None
        if step is None or not self._rested(matter, step):
            return False
        user = self.cast.user(step.who, matter.division, matter.credit_code)
        if user is None:
            return False
        client = self.clients[user]
        stub = cases_grpc.CaseServiceStub(client.channel)
        asked = cases.GetMatterRequest(matter_id=matter.matter_id)
        now = client.call(stub.GetMatter, asked).matter
        if step.act not in [each.act for each in now.allowed]:
            return False
        request = cases.ActRequest(
            matter_id=matter.matter_id,
            act=step.act,
            fields=step.filled(self.cast.values(matter.division, _today())),
            reason=step.reason,
            expected_version=now.version,
        )
        return _tried(user, step, matter.number, lambda: client.call(stub.Act, request))

    def _on_referral(self, each: referral.Referral) -> bool:
        step = self.script.step("referral", each.state)
        user = self.cast.user(step.who, each.division, each.credit_code) if step else None
        if step is None or user is None:
            return False
        client = self.clients[user]
        stub = referral_grpc.ReferralServiceStub(client.channel)
        asked = referral.GetReferralRequest(referral_id=each.referral_id)
        now = client.call(stub.GetReferral, asked).referral
        if step.act not in [act.act for act in now.allowed]:
            return False
        request = referral.ReferralServiceActRequest(
            referral_id=each.referral_id,
            act=step.act,
            fields=step.filled(self.cast.values(each.division, _today())),
            reason=step.reason,
            expected_version=now.version,
        )
        return _tried(user, step, each.number, lambda: client.call(stub.Act, request))

    def _rested(self, matter: cases.Matter, step: Step) -> bool:
        """Return whether a new matter has stopped changing: findings may still join it."""
        version, since = self._seen.get(matter.matter_id, (-1, 0.0))
        if version != matter.version:
            version, since = matter.version, time.monotonic()
            self._seen[matter.matter_id] = version, since
        return not step.first or time.monotonic() - since >= self.rest_s


def _open_matters(client: SignedInClient) -> list[cases.Matter]:
    stub = cases_grpc.CaseServiceStub(client.channel)
    found: list[cases.Matter] = []
    token = ""
    while True:
        request = cases.ListMattersRequest(state="open", page_size=_PAGE, page_token=token)
        page = client.call(stub.ListMatters, request)
        found.extend(page.matters)
        token = page.next_page_token
        if not token:
            return found


def _open_referrals(client: SignedInClient) -> list[referral.Referral]:
    stub = referral_grpc.ReferralServiceStub(client.channel)
    request = referral.ListReferralsRequest(state="open", page_size=_PAGE)
    return list(client.call(stub.ListReferrals, request).referrals)


def _tried(user: str, step: Step, number: str, act: Callable[[], object]) -> bool:
    """Do the act; a refusal is told and left to the next look, for the state may have moved on."""
    try:
        act()
    except Unavailable:
        raise
    except Conflict:
        return False
    except FarsightError as error:
        print(f"demo-officers: {user} {step.act} {number}: {error}", file=sys.stderr, flush=True)
        return False
    print(f"demo-officers: {user} {step.act} {number}", flush=True)
    return True


def _today() -> str:
    return datetime.now(BEIJING).date().isoformat()
