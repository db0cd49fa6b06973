"""短信网关 The port to an SMS gateway: submit parts, hear answers and receipts.

SMPP 3.4 stands behind it (`smpp`); CMPP, SGIP and SMGP take the same place. A gateway is one
session of one account; it never blocks longer than it is told to.
"""

from dataclasses import dataclass
from typing import Protocol


class GatewayLost(Exception):
    """The session is over; what was not answered may or may not have been taken."""


@dataclass(frozen=True, slots=True)
class Part:
    """One SMS on its way. `submission_id` names it in the database."""

    submission_id: int
    phone: str
    octets: bytes
    concatenated: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """The gateway's answer to a part. `status` 0 = taken; `throttled` = come back later."""

    submission_id: int
    status: int
    message_id: str
    throttled: bool


@dataclass(frozen=True, slots=True)
class Receipt:
    """状态报告 What became of a part. `reference` is ours (0 = not echoed); `token` answers it."""

    token: int
    message_id: str
    state: str
    phone: str
    reference: int


class Gateway(Protocol):
    """One bound session."""

    def submit(self, part: Part) -> None:
        """Send one part; the answer comes by `poll`. Raises GatewayLost."""

    def poll(self, wait_s: float) -> Answer | Receipt | None:
        """The next answer or receipt; None after `wait_s` without one. Raises GatewayLost."""

    def acknowledge(self, receipt: Receipt) -> None:
        """Tell the gateway that a receipt is kept; only after the commit. Raises GatewayLost."""

    def close(self) -> None:
        """End the session; never raises."""
