"""TLS of one connection as a filter of bytes, so that a PROXY header may stand before it.

Python's own TLS transport takes the connection from its first byte; a balancer that announces the
logger and passes TLS through needs the header read first. Python's `ssl` does the protocol here,
over two memory buffers.
"""

import hashlib
import ssl
from contextlib import suppress

from services.chassis.errors import InputRejected
from services.ingest.gate.settings import TlsSettings

_CLIENT = {"none": ssl.CERT_NONE, "optional": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}
_READ = 65536


class TlsFault(Exception):
    """The handshake or a record is wrong; the text is OpenSSL's own short name for it."""


def server_context(settings: TlsSettings) -> ssl.SSLContext:
    """A context for servers, TLS 1.2 or newer. Raises InputRejected for files that do not fit."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a device's own certificate is an anchor
    try:
        context.load_cert_chain(settings.certificate, settings.key)
        if settings.client_ca is not None:
            context.load_verify_locations(settings.client_ca)
    except OSError as error:  # SSLError is one
        raise InputRejected(f"FARSIGHT_HJ212_TLS_CERT, _KEY or _CLIENT_CA: {error}") from error
    context.verify_mode = _CLIENT[settings.client]
    return context


class TlsFilter:
    """Cipher text in, plain text out, and back."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self.established = False
        self.certificate = ""  # SHA-256 of the client's, hex; empty = it showed none

    def receive(self, data: bytes) -> bytes:
        """What the bytes say. Raises TlsFault; `to_send` may hold an alert then."""
        self._incoming.write(data)
        try:
            if not self.established:
                self._object.do_handshake()
                self.established = True
                shown = self._object.getpeercert(binary_form=True)
                self.certificate = hashlib.sha256(shown).hexdigest() if shown else ""
            return self._read()
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLError as error:
            raise TlsFault(error.reason or str(error)) from error

    def send(self, data: bytes) -> bytes:
        """The bytes as they go on the wire. Raises TlsFault after the client said goodbye."""
        try:
            self._object.write(data)
        except ssl.SSLError as error:
            raise TlsFault(error.reason or str(error)) from error
        return self._outgoing.read()

    def to_send(self) -> bytes:
        """What the protocol itself wants to say."""
        return self._outgoing.read()

    def close(self) -> bytes:
        """Goodbye (close_notify), without waiting for the other's."""
        with suppress(ssl.SSLError):
            self._object.unwrap()
        return self._outgoing.read()

    def _read(self) -> bytes:
        parts = []
        with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            while part := self._object.read(_READ):
                parts.append(part)
        return b"".join(parts)
