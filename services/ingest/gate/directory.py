"""The gate's copy of the registry: which MN may send, and whose outlet it is.

Records carry a revision that grows over the whole registry, so a snapshot and the events that
arrive meanwhile may be applied in any order and any number of times.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv4Network, IPv6Network, ip_network

from services.chassis.log import get_logger
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.ingest.hj212.policy import LoggerPolicy
from services.ingest.hj212.version import Version

log = get_logger(__name__)

_NO_POLICY = LoggerPolicy()
KINDS = (pb.RECORD_KIND_LOGGER, pb.RECORD_KIND_OUTLET)


@dataclass(frozen=True, slots=True)
class LoggerEntry:
    """数采仪 as the gate needs it."""

    mn: str
    outlet_id: str
    password: str
    st: str
    enabled: bool
    networks: tuple[IPv4Network | IPv6Network, ...] = ()  # it may connect from; empty = any
    certificate: str = ""  # SHA-256 of its TLS certificate, hex; empty = none is asked for
    hardware_id: str = ""  # i23005 of HJ 212-2025
    cadence_s: int = 0  # the longer of its real-time and minute intervals; 0 = not known
    policy: LoggerPolicy = _NO_POLICY


@dataclass(frozen=True, slots=True)
class OutletEntry:
    """排放口 as the gate needs it."""

    outlet_id: str
    division: str
    credit_code: str


class Directory:
    """Loggers by MN and outlets by id."""

    def __init__(self) -> None:
        self.revision = 0  # highest seen; a later snapshot starts after it
        self._revisions: dict[tuple[int, str], int] = {}
        self._loggers: dict[str, LoggerEntry] = {}
        self._outlets: dict[str, OutletEntry] = {}
        self._mn_of: dict[str, str] = {}
        self._by_hardware: dict[str, str] = {}
        self._learned: dict[str, LoggerPolicy] = {}  # until the logger's next record
        self._next_passwords: dict[str, str] = {}  # likewise

    def __len__(self) -> int:
        return len(self._loggers)

    def logger(self, mn: str) -> LoggerEntry | None:
        """The logger with this MN, or None."""
        return self._loggers.get(mn)

    def policy_of(self, mn: str) -> LoggerPolicy:
        """What is allowed to a logger while its bytes are read, with what was learned of it."""
        learned = self._learned.get(mn)
        if learned is not None:
            return learned
        entry = self._loggers.get(mn)
        return entry.policy if entry is not None else _NO_POLICY

    def learn_version(self, mn: str, version: Version) -> None:
        """The logger spoke this version; one that the registry pins stays."""
        entry = self._loggers.get(mn)
        if entry is not None and entry.policy.version is None:
            self._learned[mn] = replace(self.policy_of(mn), version=version)

    def learn_key(self, mn: str, key: bytes) -> None:
        """The registry made a new SM4 key for the logger; its record follows."""
        policy = self.policy_of(mn)
        if key not in policy.keys:
            self._learned[mn] = replace(policy, keys=(key, *policy.keys[:1]))

    def expect_password(self, mn: str, password: str) -> None:
        """An order sets another PW (1072): it counts too, until the logger's record changes.

        The logger uses it before the registry has heard of it, and its frames must not be refused.
        """
        if mn in self._loggers and password:
            self._next_passwords[mn] = password

    def next_password(self, mn: str) -> str:
        """The PW that an order under way sets, or an empty text."""
        return self._next_passwords.get(mn, "")

    def by_hardware(self, hardware_id: str) -> LoggerEntry | None:
        """The logger with this device id (i23005), or None."""
        return self._loggers.get(self._by_hardware.get(hardware_id, ""))

    def outlet(self, outlet_id: str) -> OutletEntry | None:
        """The outlet, or None."""
        return self._outlets.get(outlet_id)

    def mn_of(self, outlet_id: str) -> str:
        """The MN that pushed readings of an outlet are stored under."""
        return self._mn_of.get(outlet_id, f"push:{outlet_id}")

    def apply(self, records: Iterable[pb.Record]) -> int:
        """Take over newer records; gives how many changed something here."""
        return sum(self._apply(record) for record in records)

    def _apply(self, record: pb.Record) -> bool:
        self.revision = max(self.revision, record.revision)
        if record.kind not in KINDS:
            return False
        place = (record.kind, record.key)
        if record.revision <= self._revisions.get(place, -1):
            return False
        self._revisions[place] = record.revision
        if record.kind == pb.RECORD_KIND_LOGGER:
            self._apply_logger(record)
        else:
            self._apply_outlet(record)
        return True

    def _apply_logger(self, record: pb.Record) -> None:
        before = self._loggers.pop(record.key, None)
        self._learned.pop(record.key, None)
        self._next_passwords.pop(record.key, None)
        if before is not None:
            if self._mn_of.get(before.outlet_id) == record.key:
                del self._mn_of[before.outlet_id]
            if self._by_hardware.get(before.hardware_id) == record.key:
                del self._by_hardware[before.hardware_id]
        if record.deleted:
            return
        entry = self._loggers[record.key] = entry_of(record.logger)
        self._mn_of[entry.outlet_id] = entry.mn
        if entry.hardware_id:
            self._by_hardware[entry.hardware_id] = entry.mn

    def _apply_outlet(self, record: pb.Record) -> None:
        if record.deleted:
            self._outlets.pop(record.key, None)
            return
        outlet = record.outlet
        self._outlets[record.key] = OutletEntry(
            outlet.outlet_id, outlet.division, outlet.credit_code
        )


def entry_of(logger: pb.Logger) -> LoggerEntry:
    """A registry's record as the gate needs it.

    An address block or key that cannot be read is logged: the block then allows nobody, and a
    frame under the key is refused, which is seen; ignoring it would let everybody in.
    """
    return LoggerEntry(
        logger.mn,
        logger.outlet_id,
        logger.password,
        logger.st,
        logger.enabled,
        networks=tuple(_network(text, logger.mn) for text in logger.addresses),
        certificate=logger.certificate_sha256.lower(),
        hardware_id=logger.hardware_id,
        cadence_s=max(logger.realtime_interval_s, logger.minute_interval_min * 60),
        policy=LoggerPolicy(
            repairs_off=frozenset(logger.repairs_off),
            keys=tuple(
                bytes.fromhex(key)
                for key in (logger.sm4_key, logger.sm4_key_before)
                if _is_key(key, logger.mn)
            ),
            version=Version(logger.version) if logger.version in set(Version) else None,
        ),
    )


def _network(text: str, mn: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        log.warning("address_unreadable", mn=mn, address=text)
        return ip_network("255.255.255.255/32")


def _is_key(text: str, mn: str) -> bool:
    """Thirty-two hex characters (SM4 has 16 bytes); empty is no key and no fault."""
    if len(text) == 32 and all(sign in "0123456789abcdefABCDEF" for sign in text):
        return True
    if text:
        log.warning("key_unreadable", mn=mn)
    return False
