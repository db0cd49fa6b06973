"""Who broke the protocol: the peer or us."""


class ProtocolError(Exception):
    """Base of both sides' errors; never raised itself."""


class PeerProtocolError(ProtocolError):
    """The received bytes break HJ 212; `reason` is the word that the balance counts."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class LocalProtocolError(ProtocolError):
    """Our own code asked for something that HJ 212 cannot say."""
