"""Whether a frame may come in (准入): the first reason against it, by name."""

from datetime import datetime, timedelta
from hmac import compare_digest
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Protocol

from services.ingest.gate.directory import LoggerEntry
from services.ingest.hj212.session import Received


class Peer(Protocol):
    """Who stands at the other end."""

    address: IPv4Address | IPv6Address | None
    certificate: str


def refusal(
    received: Received,
    logger: LoggerEntry | None,
    peer: Peer,
    now: datetime,
    future: timedelta,
    *,
    peer_known: bool = False,
    next_password: str = "",
) -> str:
    """The reason to refuse, or an empty text.

    A fault of the bytes comes first; then who sends: unknown_mn, disabled, wrong_address,
    wrong_certificate, wrong_password; then what: a DataTime more than `future` ahead of `now` is
    future_time (a clock that runs ahead would otherwise fill hours that have not happened). A
    DataTime in the past is late, not wrong. With `peer_known` address and certificate were looked
    at before, for this connection and this record of the logger. `next_password` counts too: an
    order under way sets it.
    """
    if received.reason:
        return received.reason
    if logger is None:
        return "unknown_mn"
    if not logger.enabled:
        return "disabled"
    if not peer_known:
        reason = stranger(logger, peer)
        if reason:
            return reason
    segment, upload = received.segment, received.upload
    if segment is None:
        return "wrong_password"
    if not same_secret(segment.pw, logger.password) and not (
        next_password and same_secret(segment.pw, next_password)
    ):
        return "wrong_password"
    if upload is not None and upload.data_time - now > future:
        return "future_time"
    return ""


def stranger(logger: LoggerEntry, peer: Peer) -> str:
    """Whether the logger may come from this address and with this certificate; empty = it may.

    Both are asked for where both are registered; a logger with a certificate and changing addresses
    is registered without addresses.
    """
    if logger.networks:
        address = peer.address
        if address is None or not any(address in network for network in logger.networks):
            return "wrong_address"
    if logger.certificate and peer.certificate != logger.certificate:
        return "wrong_certificate"
    return ""


def same_secret(given: str, known: str) -> bool:
    """Whether two passwords are the same, in a time that says nothing about where they differ."""
    return compare_digest(given.encode(), known.encode())


def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """The address of a host as text; an IPv4 address mapped into IPv6 is the IPv4 address."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
