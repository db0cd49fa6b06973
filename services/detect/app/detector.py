"""The state of one detect process: the partitions it has mapped, and what it knows."""

import datetime as dt
import math
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from services.chassis.db import Database
from services.detect.app.knowledge import Knowledge
from services.detect.app.stored_readings import HourMemory
from services.detect.app.sweep_plan import Sweep
from services.detect.screening.prints import PartitionPrints
from services.detect.windows.partition_windows import PartitionWindows


@dataclass
class Partition:
    """A partition this process has taken."""

    number: int
    windows: PartitionWindows
    fresh: bool
    """True where files were missing, until lost values have come back from ingest."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    claimed: bool = False
    looked: dict[str, int] = field(default_factory=dict)
    """Silent hours that the last look has reported, by outlet."""
    taken_at: float = field(default_factory=time.monotonic)
    arrived: dict[str, float] = field(default_factory=dict)
    """When a value of each outlet last came, whatever hour it was of."""
    last_batch_at: float = 0.0
    received_at_s: float = 0.0
    received: dict[str, float] = field(default_factory=dict)
    """The gate's clock at the newest frame of each outlet that this process took."""
    frozen_until: dt.date | None = None
    """The frozen day up to which `unjudged` was looked up."""
    unjudged: dict[str, dt.date] = field(default_factory=dict)
    """Outlets with frozen days that have no judgement yet, with the first of them."""
    behind: set[str] = field(default_factory=set)
    """Those of `unjudged` that wait for several days: findings are judged over all of them."""
    memory: HourMemory = field(default_factory=HourMemory)
    sweep: Sweep | None = None
    """The screening that goes on."""
    looked_at: float = field(default_factory=time.monotonic)
    """When the fast tests last looked at running days."""
    screened: dict[str, int] = field(default_factory=dict)
    """Hour slot until which they looked at each outlet."""


class Detector:
    """Partitions by number, mapped when the first batch comes."""

    def __init__(self, database: Database, folder: Path, owner: str, *, partitions: int) -> None:
        self.database = database
        self.owner = owner
        self.partitions = partitions
        self.known = Knowledge()
        self.has_marks = False
        """Whether marks are known to be in our tables, so that nobody has to be asked."""
        self.radar_at = -math.inf
        """When the collusion radar last had nothing to do."""
        self.prints: dict[int, PartitionPrints] = {}
        """Fingerprints of the last night, by partition (`meet_copies`)."""
        self._folder = folder
        self._partitions: dict[int, Partition] = {}

    def partition(self, number: int) -> Partition:
        """Take a partition: map its files, again where another process had it meanwhile."""
        taken = self._partitions.get(number)
        if taken is None:
            windows = PartitionWindows(self._folder / f"p{number}")
            taken = Partition(number, windows, fresh=windows.lost)
            taken.last_batch_at = time.monotonic()
            self._partitions[number] = taken
        elif taken.windows.changed_elsewhere():
            taken.windows.reload()
        return taken

    def close(self) -> None:
        """Write all rings out."""
        for partition in self._partitions.values():
            partition.windows.close()
