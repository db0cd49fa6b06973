"""SMPP 3.4 behind the gateway port, by smpplib's codec and bind, with a reading loop of our own.

smpplib's own loop acknowledges receipts by itself and loses bytes when a timeout falls inside a
PDU; here the socket is asked first (`select`), a PDU is then read whole, and a receipt is
acknowledged when the caller says that it is kept. Under eventlet `select` and the socket are
green.
"""

import re
import select
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from smpplib import consts, exceptions, smpp
from smpplib.client import Client

from services.chassis.errors import InputRejected
from services.chassis.log import get_logger
from services.notify.gateway import Answer, GatewayLost, Part, Receipt

log = get_logger(__name__)

#: ESME_RTHROTTLED and ESME_RMSGQFUL: the gateway is busy, the message is not at fault.
_BUSY = frozenset({0x58, 0x14})
_RECEIPT = 0x04
_UDHI = 0x40
_UCS2 = 8
_ENQUIRE_AFTER_S = 15.0
_SILENT_AFTER_S = 45.0
_PDU_TIMEOUT_S = 10.0
#: message_state of SMPP 3.4 5.2.28 in the words of a receipt's text (appendix B).
_STATES = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    8: "REJECTD",
}
_FIELD = re.compile(r"\b(id|stat):(\S+)")


@dataclass(frozen=True, slots=True)
class SmppAccount:
    """Where the gateway is and who we are there."""

    host: str
    port: int
    system_id: str
    password: str
    sender: str

    @property
    def name(self) -> str:
        """The account's name: lease and message ids hang on it."""
        return f"smpp:{self.system_id}@{self.host}:{self.port}"


def parse_uri(uri: str, sender: str) -> SmppAccount:
    """Read smpp://user:password@host:port. Raises InputRejected without showing the password."""
    parts = urlsplit(uri)
    if parts.scheme != "smpp" or not parts.hostname or not parts.port:
        raise InputRejected("FARSIGHT_SMPP_URI must be smpp://user:password@host:port")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return SmppAccount(parts.hostname, parts.port, user, password, sender)


class SmppSession:
    """One transceiver session."""

    def __init__(self, account: SmppAccount) -> None:
        """Connect and bind. Raises GatewayLost."""
        self._account = account
        self._client = Client(
            account.host, account.port, timeout=_PDU_TIMEOUT_S, allow_unknown_opt_params=True
        )
        self._submitted: dict[int, int] = {}
        try:
            self._client.connect()
            self._client.bind_transceiver(
                system_id=account.system_id, password=account.password, interface_version=0x34
            )
        except (exceptions.ConnectionError, exceptions.PDUError, OSError) as error:
            self.close()
            raise GatewayLost(f"bind: {error}") from error
        self._heard = self._enquired = time.monotonic()

    def submit(self, part: Part) -> None:
        """Send submit_sm.

        A gateway that echoes the user_message_reference names a part whose answer was lost.
        """
        pdu = smpp.make_pdu(
            "submit_sm",
            client=self._client,
            source_addr=self._account.sender,
            source_addr_ton=0,
            source_addr_npi=1,
            destination_addr=part.phone,
            dest_addr_ton=0,
            dest_addr_npi=1,
            esm_class=_UDHI if part.concatenated else 0,
            data_coding=_UCS2,
            registered_delivery=1,
            short_message=part.octets,
            user_message_reference=part.submission_id & 0xFFFF,
        )
        self._submitted[pdu.sequence] = part.submission_id
        self._send(pdu)

    def poll(self, wait_s: float) -> Answer | Receipt | None:
        """Read what came; keeps the line alive while nothing does."""
        pdu = self._read(wait_s)
        if pdu is None:
            self._keep_alive()
            return None
        self._heard = time.monotonic()
        if pdu.command == "submit_sm_resp":
            return self._answer(pdu)
        if pdu.command == "deliver_sm" and pdu.esm_class & _RECEIPT:
            return _receipt(pdu)
        self._respond(pdu)
        return None

    def acknowledge(self, receipt: Receipt) -> None:
        """Send deliver_sm_resp."""
        self._reply("deliver_sm_resp", receipt.token)

    def close(self) -> None:
        """Unbind if the line still carries it, then disconnect."""
        try:
            if self._client.state != consts.SMPP_CLIENT_STATE_CLOSED:
                self._client.send_pdu(smpp.make_pdu("unbind", client=self._client))
        except (exceptions.ConnectionError, exceptions.PDUError, OSError):
            log.info("unbind_failed", gateway=self._account.name)
        self._client.state = consts.SMPP_CLIENT_STATE_OPEN  # keeps disconnect() from warning
        self._client.disconnect()

    def _read(self, wait_s: float) -> Any:
        try:
            ready, _, _ = select.select([self._client._socket], [], [], wait_s)  # noqa: SLF001 - smpplib gives no other way to wait
            return self._client.read_pdu() if ready else None
        except (exceptions.ConnectionError, exceptions.PDUError, OSError) as error:
            raise GatewayLost(f"read: {error}") from error

    def _send(self, pdu: Any) -> None:
        try:
            self._client.send_pdu(pdu)
        except (exceptions.ConnectionError, exceptions.PDUError, OSError) as error:
            raise GatewayLost(f"write: {error}") from error

    def _reply(self, command: str, sequence: int) -> None:
        pdu = smpp.make_pdu(command, client=self._client)
        pdu.sequence = sequence
        self._send(pdu)

    def _keep_alive(self) -> None:
        now = time.monotonic()
        if now - self._heard > _SILENT_AFTER_S:
            raise GatewayLost(f"silent for {_SILENT_AFTER_S:.0f} s")
        if now - max(self._heard, self._enquired) > _ENQUIRE_AFTER_S:
            self._enquired = now
            self._send(smpp.make_pdu("enquire_link", client=self._client))

    def _answer(self, pdu: Any) -> Answer | None:
        submission_id = self._submitted.pop(pdu.sequence, None)
        if submission_id is None:
            return None  # an answer to nobody: nothing hangs on it
        message_id = _text(getattr(pdu, "message_id", None))
        return Answer(submission_id, pdu.status, message_id, pdu.status in _BUSY)

    def _respond(self, pdu: Any) -> None:
        """Be polite to what is neither: an up-reply is acknowledged and dropped."""
        if pdu.command == "deliver_sm":
            self._reply("deliver_sm_resp", pdu.sequence)
        elif pdu.command == "enquire_link":
            self._reply("enquire_link_resp", pdu.sequence)
        elif pdu.command == "unbind":
            self._reply("unbind_resp", pdu.sequence)
            raise GatewayLost("the gateway unbound")


def _receipt(pdu: Any) -> Receipt:
    """Read a receipt from its TLVs, else from the text of appendix B; gateways send one or both."""
    fields = dict(_FIELD.findall(_text(pdu.short_message)))
    state = _STATES.get(getattr(pdu, "message_state", None) or 0, "") or fields.get("stat", "")
    message_id = _text(getattr(pdu, "receipted_message_id", None)) or fields.get("id", "")
    return Receipt(
        token=pdu.sequence,
        message_id=message_id,
        state=state,
        phone=_text(pdu.source_addr),
        reference=getattr(pdu, "user_message_reference", None) or 0,
    )


def _text(value: bytes | str | None) -> str:
    if isinstance(value, bytes):
        return value.rstrip(b"\0").decode("latin-1")
    return value or ""
