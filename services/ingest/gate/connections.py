"""Which loggers are connected here, on which connection, and how to speak to them.

A `Link` is one logger (MN) on one connection. It begins with the first frame that came in with the
logger's own identity, so a wrong password or address makes none. A connection may carry several
loggers (a concentrator in front of them); a logger may have two connections (the old one half open
after a reconnect, or a second device with the same MN): the one that sent last is answered.
"""

from collections.abc import Callable, Iterator
from typing import Protocol

from services.ingest.gate.directory import Directory, LoggerEntry
from services.ingest.gate.limits import Bucket

PATIENCE = 3  # intervals of a logger's own that may pass without a frame
MnCallback = Callable[[str], None]


class Wire(Protocol):
    """What a link needs of the connection below it."""

    peer: str
    host: str
    certificate: str  # SHA-256 of the client's certificate, hex; empty without TLS
    at: float  # when the bytes in hand were read, seconds of the loop's clock

    def send(self, data: bytes) -> bool:
        """Write; gives False when the connection is gone."""

    def close(self, reason: str) -> None:
        """End the connection after what was written has left."""


class Link:
    """One logger on one connection."""

    __slots__ = (
        "_directory",
        "beat_at",
        "beat_gap_s",
        "bucket",
        "checked",
        "last_at",
        "mn",
        "open",
        "session_id",
        "version",
        "wire",
    )

    def __init__(self, mn: str, wire: Wire, session_id: str, directory: Directory) -> None:
        self.mn = mn
        self.wire = wire
        self.session_id = session_id
        self.version = 0  # 2005 | 2017 | 2025 as its last frame showed, 0 = not known
        self.last_at = 0.0  # last admitted frame, seconds of the loop's clock
        self.open = True
        self.checked: LoggerEntry | None = None  # the record under which the peer was let in
        self.bucket = Bucket()
        self.beat_at = 0.0  # last heartbeat (9015), seconds of the loop's clock; 0 = none yet
        self.beat_gap_s = 0.0  # longest time between two of them; 0 = fewer than two
        self._directory = directory

    @property
    def peer(self) -> str:
        """address:port of the logger."""
        return self.wire.peer

    @property
    def entry(self) -> LoggerEntry | None:
        """The logger as the registry has it now; None when it was deleted meanwhile."""
        return self._directory.logger(self.mn)

    def send(self, data: bytes) -> bool:
        """Write bytes to the logger; gives False when the connection is gone."""
        return self.open and self.wire.send(data)

    def beat(self) -> None:
        """A heartbeat came with the last frame."""
        if self.beat_at:
            self.beat_gap_s = max(self.beat_gap_s, self.last_at - self.beat_at)
        self.beat_at = self.last_at

    def patience_s(self, idle_s: float, heartbeat_s: float) -> float:
        """How long this logger may be silent, seconds.

        Its own cadence three times over, at least `idle_s`; one that sends heartbeats (2025, at an
        interval that our sources do not name) three of its gaps, at least `heartbeat_s`.
        """
        if self.beat_gap_s:
            return max(PATIENCE * self.beat_gap_s, heartbeat_s)
        entry = self.entry
        return max(PATIENCE * (entry.cadence_s if entry else 0), idle_s)


class Connections:
    """Every link of this gate."""

    def __init__(self) -> None:
        self._by_mn: dict[str, list[Link]] = {}  # the one that sent last stands last
        self.on_open: MnCallback = lambda _mn: None  # a logger has a new link
        self.on_last: MnCallback = lambda _mn: None  # its last link ended

    def __len__(self) -> int:
        return len(self._by_mn)

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_mn)

    def by_mn(self, mn: str) -> Link | None:
        """The link over which this logger is spoken to: the one that sent last."""
        links = self._by_mn.get(mn)
        return links[-1] if links else None

    def links(self, mn: str) -> tuple[Link, ...]:
        """Every link of a logger, the one that sent last at the end."""
        return tuple(self._by_mn.get(mn, ()))

    def add(self, link: Link) -> None:
        """A logger's first frame on a connection came in."""
        self._by_mn.setdefault(link.mn, []).append(link)
        self.on_open(link.mn)

    def prefer(self, link: Link) -> Link | None:
        """The link sent last and is the one to speak to; gives the one that was, if another."""
        links = self._by_mn[link.mn]
        other = links[-1]
        if other is link:
            return None
        links.remove(link)
        links.append(link)
        return other

    def remove(self, link: Link) -> None:
        """The connection ended."""
        link.open = False
        links = self._by_mn.get(link.mn)
        if links is None or link not in links:
            return
        links.remove(link)
        if not links:
            del self._by_mn[link.mn]
            self.on_last(link.mn)
