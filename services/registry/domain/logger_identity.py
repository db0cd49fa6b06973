"""数采仪身份: what a logger is known by on the wire, and what stays when a sync leaves it out."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

from services.registry.domain.records import Body, Contact, Fault, Leave, Logger, Officer

VERSIONS = (0, 2005, 2017, 2025)
"""HJ 212 by year of issue; 0 = learned from the logger's frames."""

REPAIRS = (
    "length",
    "length_unpadded",
    "length_in_characters",
    "tail_missing",
    "tail_lf",
    "crc_lower_case",
    "crc_unpadded",
    "area_not_closed",
)
"""Repairs of frames that can be switched off: the names the gate puts on a repaired frame."""

KEPT_WHEN_EMPTY: dict[type[Body], tuple[str, ...]] = {
    Logger: ("password", "hardware_id", "sm4_key", "sm4_key_before", "sm4_key_since"),
    Officer: ("phone", "person_id"),
    Leave: ("reason",),
    Contact: ("phone",),
}
"""Fields that a sender may not see, or that the platform learned: an empty one says nothing."""

CLEAR = "-"
"""Written into one of those fields, it empties it."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_SM4_KEY = re.compile(r"[0-9a-f]{32}")
_HARDWARE = re.compile(r"[!-~]{1,64}")


def completed(body: Body, known: Body | None) -> Body:
    """Return a record as it is to be kept: what the sender may not see and left out stays.

    A partner can thus send back what it read. A new key pushes the one before it down, so that
    frames still under way are read (HJ 212-2025 6.4.3).
    """
    names = KEPT_WHEN_EMPTY.get(type(body))
    if names is None:
        return body
    if isinstance(body, Logger):
        body = _with_times(body, known if isinstance(known, Logger) else Logger("", ""))
    given: dict[str, Any] = {name: getattr(body, name) for name in names}
    for name, value in given.items():
        given[name] = "" if value == CLEAR else value or getattr(known, name, "")
    return replace(body, **given)


def _with_times(body: Logger, before: Logger) -> Logger:
    """Push the key before a new one down; say in UTC since when, or that it is not known."""
    if body.sm4_key not in ("", CLEAR, before.sm4_key) and not body.sm4_key_before:
        since = body.sm4_key_since or CLEAR
        body = replace(body, sm4_key_before=before.sm4_key or CLEAR, sm4_key_since=since)
    return replace(body, sm4_key_since=in_utc(body.sm4_key_since))


def logger_identity_faults(body: Logger) -> list[Fault]:
    """Return what is wrong with addresses, certificate, hardware id, version, repairs and keys."""
    faults = [fault for text in body.addresses if (fault := _address_fault(text))]
    strange = [name for name in body.repairs_off if name not in REPAIRS]
    if strange:
        faults.append(Fault("repairs_off", f"no such repair: {' '.join(strange)}"))
    if body.version not in VERSIONS:
        faults.append(Fault("version", "not 2005, 2017, 2025 or 0 (learned)"))
    if body.certificate_sha256 and not _SHA256.fullmatch(body.certificate_sha256):
        faults.append(Fault("certificate_sha256", "not 64 hex characters in lower case"))
    if body.hardware_id and not _HARDWARE.fullmatch(body.hardware_id):
        faults.append(Fault("hardware_id", "not 1 to 64 visible ASCII characters"))
    # A key is a secret: its field is named, its value never repeated.
    faults += [
        Fault(name, "not 32 hex characters in lower case")
        for name in ("sm4_key", "sm4_key_before")
        if getattr(body, name) and not _SM4_KEY.fullmatch(getattr(body, name))
    ]
    if body.sm4_key_since and not is_time(body.sm4_key_since):
        faults.append(Fault("sm4_key_since", "no ISO time with its offset"))
    return faults


def _address_fault(text: str) -> Fault | None:
    try:
        ip_network(text)
    except ValueError:
        return Fault("addresses", f"{text!r} is no CIDR block, as 10.1.0.0/16 or 2001:db8::/32")
    return None


def in_utc(text: str) -> str:
    """Return an ISO time in UTC; another text as it is, for the check to refuse."""
    return datetime.fromisoformat(text).astimezone(UTC).isoformat() if is_time(text) else text


def is_time(text: str) -> bool:
    """Return whether a text is an ISO time with its offset."""
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
