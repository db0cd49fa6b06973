"""The TLS filter: bytes to bytes, without a socket."""

import ssl
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.chassis.errors import InputRejected
from services.ingest.gate.settings import GateSettings, TlsSettings
from services.ingest.gate.tls import TlsFault, TlsFilter, server_context
from tests.certificates import certificate


@pytest.fixture(scope="module")
def server(tmp_path_factory) -> TlsSettings:
    """A listener that asks for the certificate of one device."""
    folder = tmp_path_factory.mktemp("tls")
    certificate(folder, "gate")
    certificate(folder, "device")
    pem, ca = folder / "gate.pem", folder / "device.pem"
    return TlsSettings(("127.0.0.1", 0), pem, pem, ca, "optional")


class Client:
    """The other end, over memory buffers too."""

    def __init__(self, shown: Path | None = None) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if shown is not None:
            context.load_cert_chain(shown)
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing)

    def shake(self, gate: TlsFilter, piece: int = 100_000) -> None:
        """Shake hands, the client's bytes in pieces."""
        for _ in range(4):
            with suppress(ssl.SSLWantReadError):
                self.tls.do_handshake()
            data = self.outgoing.read()
            for start in range(0, len(data), piece):
                assert gate.receive(data[start : start + piece]) == b""
            self.incoming.write(gate.to_send())


def test_bytes_come_through_however_they_are_cut(server: TlsSettings):
    """One byte at a time, and everything at once."""
    for piece in (1, 100_000):
        gate, client = TlsFilter(server_context(server)), Client(server.client_ca)
        client.shake(gate, piece)
        client.tls.write(b"##0087QN=1" * 5000)
        data = client.outgoing.read()
        heard = b"".join(
            gate.receive(data[start : start + piece]) for start in range(0, len(data), piece)
        )
        client.incoming.write(gate.send(b"9014"))

        assert heard == b"##0087QN=1" * 5000
        assert client.tls.read() == b"9014"
        assert len(gate.certificate) == 64


def test_a_reply_after_goodbye_is_a_fault_and_no_crash(server: TlsSettings):
    """The answer is ready when the logger has gone: its 9014 goes nowhere, the gate goes on."""
    gate, client = TlsFilter(server_context(server)), Client()
    client.shake(gate)
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.unwrap()
    assert gate.receive(client.outgoing.read()) == b""
    gate.close()

    with pytest.raises(TlsFault):
        gate.send(b"9014")
    assert gate.certificate == ""


@given(st.binary(min_size=1, max_size=400))
def test_garbage_is_a_named_fault_or_a_wait(data: bytes):
    """Whatever comes first, nothing but TlsFault leaves the filter."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with suppress(TlsFault):
        assert TlsFilter(context).receive(data) == b""


@pytest.mark.parametrize(
    ("env", "named"),
    [
        ({"FARSIGHT_HJ212_TLS_BIND": "0.0.0.0:1"}, "FARSIGHT_HJ212_TLS_CERT"),
        ({"FARSIGHT_HJ212_TLS_BIND": "x"}, "FARSIGHT_HJ212_TLS_BIND"),
        (
            {"FARSIGHT_HJ212_TLS_BIND": "0.0.0.0:1", "FARSIGHT_HJ212_TLS_CLIENT": "required"},
            "FARSIGHT_HJ212_TLS_CLIENT_CA",
        ),
        ({"FARSIGHT_HJ212_PROXY": "10.0.0.1/8"}, "FARSIGHT_HJ212_PROXY"),
    ],
)
def test_settings_that_do_not_fit_are_named(env: dict[str, str], named: str):
    """A gate with half a TLS door must not start as if it had none."""
    with pytest.raises(InputRejected, match=named):
        GateSettings.from_env(env)


def test_files_that_are_not_there_are_named(tmp_path: Path):
    """The message says which settings to look at."""
    missing = tmp_path / "no.pem"
    settings = TlsSettings(("127.0.0.1", 0), missing, missing, None, "none")

    with pytest.raises(InputRejected, match="FARSIGHT_HJ212_TLS_CERT"):
        server_context(settings)
