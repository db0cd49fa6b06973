"""What an outsider uses to talk to the running platform: HJ 212 over TCP, gRPC, the handset."""

import json
import socket
import time
import urllib.request
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self, TypeVar

import grpc

from farsight.lab.province import read_rows
from services.chassis.grpc_host import OPTIONS, bearer
from services.chassis.pb.cases.v1 import cases_pb2, cases_pb2_grpc
from services.chassis.pb.detect.v1 import detect_pb2, detect_pb2_grpc
from services.chassis.pb.ingest.v1 import ingest_pb2, ingest_pb2_grpc
from services.chassis.pb.referral.v1 import referral_pb2, referral_pb2_grpc
from services.chassis.pb.registry.v1 import registry_pb2, registry_pb2_grpc
from services.ingest.hj212.encode import encode_upload, request_number

PASSWORD = "farsight-demo"
Found = TypeVar("Found")


def wait_until(check: Callable[[], Found], seconds: float = 60, what: str = "") -> Found:
    """Poll until `check` gives something true; fail with what was awaited."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"not within {seconds} s: {what}")


class LoggerClient:
    """A data logger on one TCP connection."""

    def __init__(self, address: str, mn: str, password: str, st: str) -> None:
        host, _, port = address.rpartition(":")
        self.identity = (mn, password, st)
        self._socket = socket.create_connection((host, int(port)), timeout=20)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def send(self, raw: bytes) -> None:
        self._socket.sendall(raw)

    def hour(self, start: datetime, values: dict[str, dict[str, float | str]]) -> bytes:
        """Encode an hour frame that wants an acknowledgement."""
        mn, password, st = self.identity
        qn = request_number(datetime.now(UTC))
        return encode_upload("2061", mn, password, st, qn, start, values, 5)

    def acknowledged(self, raw: bytes) -> bytes:
        """Send a frame and wait for its 9014."""
        self.send(raw)
        answer = self.receive()
        assert b"CN=9014" in answer, answer
        return answer

    def receive(self, seconds: float = 20) -> bytes:
        """Give what arrives next; empty when nothing does in time or the gate closed."""
        self._socket.settimeout(seconds)
        try:
            return self._socket.recv(4096)
        except TimeoutError:
            return b""


class Person:
    """Somebody signed in at the doors."""

    def __init__(self, grpc_address: str, user: str, password: str = PASSWORD) -> None:
        self._channel = grpc.insecure_channel(grpc_address, options=OPTIONS)
        registry = registry_pb2_grpc.RegistryServiceStub(self._channel)
        request = registry_pb2.SignInRequest(user_name=user, password=password)
        answer = registry.SignIn(request, timeout=30)
        self.account = answer.account
        self.metadata = bearer(answer.token)
        self.cases = cases_pb2_grpc.CaseServiceStub(self._channel)
        self.findings = detect_pb2_grpc.DetectServiceStub(self._channel)
        self.history = ingest_pb2_grpc.HistoryServiceStub(self._channel)
        self.referrals = referral_pb2_grpc.ReferralServiceStub(self._channel)

    def matters(self, **query: Any) -> list[cases_pb2.Matter]:
        request = cases_pb2.ListMattersRequest(page_size=200, **query)
        return list(self.cases.ListMatters(request, metadata=self.metadata, timeout=30).matters)

    def matter(self, matter_id: str) -> cases_pb2.Matter:
        request = cases_pb2.GetMatterRequest(matter_id=matter_id)
        return self.cases.GetMatter(request, metadata=self.metadata, timeout=30).matter

    def act(
        self, matter_id: str, act: str, fields: dict[str, str] | None = None, reason: str = ""
    ) -> cases_pb2.Matter:
        request = cases_pb2.ActRequest(
            matter_id=matter_id, act=act, fields=fields or {}, reason=reason
        )
        return self.cases.Act(request, metadata=self.metadata, timeout=30).matter

    def all_findings(self) -> list[detect_pb2.Finding]:
        """Read every page."""
        found: list[detect_pb2.Finding] = []
        token = ""
        while True:
            request = detect_pb2.ListFindingsRequest(page_size=500, page_token=token)
            page = self.findings.ListFindings(request, metadata=self.metadata, timeout=30)
            found += page.findings
            token = page.next_page_token
            if not token:
                return found

    def referral(self, referral_id: str) -> referral_pb2.Referral:
        request = referral_pb2.GetReferralRequest(referral_id=referral_id)
        return self.referrals.GetReferral(request, metadata=self.metadata, timeout=30).referral

    def act_on_referral(self, referral_id: str, act: str, **fields: str) -> referral_pb2.Referral:
        request = referral_pb2.ReferralServiceActRequest(
            referral_id=referral_id, act=act, fields=fields, reason=fields.pop("reason", "")
        )
        return self.referrals.Act(request, metadata=self.metadata, timeout=60).referral

    def bundle(self, referral_id: str) -> bytes:
        request = referral_pb2.DownloadBundleRequest(referral_id=referral_id)
        chunks = self.referrals.DownloadBundle(request, metadata=self.metadata, timeout=60)
        return b"".join(answer.chunk for answer in chunks)

    def balance(self, outlet_id: str = "") -> ingest_pb2.BalanceRow:
        request = ingest_pb2.GetBalanceRequest(outlet_id=outlet_id)
        request.start.FromDatetime(datetime.now(UTC) - timedelta(days=1))
        request.end.FromDatetime(datetime.now(UTC) + timedelta(hours=1))
        return self.history.GetBalance(request, metadata=self.metadata, timeout=30).total


@dataclass(frozen=True)
class LoggerIdentity:
    """What a demo logger sends in its frames."""

    mn: str
    password: str
    st: str
    outlet_id: str


def demo_identities() -> list[LoggerIdentity]:
    """Give the demo province's loggers."""
    names = ("mn", "password", "st", "outlet_id")
    return [LoggerIdentity(**{name: row[name] for name in names}) for row in read_rows("loggers")]


def logger_of(outlet_id: str) -> LoggerIdentity:
    """Give the logger that serves an outlet."""
    return next(one for one in demo_identities() if one.outlet_id == outlet_id)


def messages(handset_url: str) -> list[dict[str, Any]]:
    """Give the SMS that arrived at the SMS centre."""
    with urllib.request.urlopen(f"{handset_url}/messages.json", timeout=10) as answer:
        found = json.load(answer)
    return found["messages"] if isinstance(found, dict) else found


def hours_back(count: int, *, ending_hours_ago: int = 1) -> Iterable[datetime]:
    """Give the starts of `count` full hours, oldest first, the last `ending_hours_ago` ago."""
    last = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for back in range(count - 1, -1, -1):
        yield last - timedelta(hours=ending_hours_ago + back)
