"""nameko dependency: the detector, one a process."""

import os
import socket
import uuid
from typing import Any

from nameko import config
from nameko.extensions import DependencyProvider

from services.chassis.clock import utc_now
from services.chassis.db import database_from_env
from services.detect.app.detector import Detector
from services.detect.app.propose_pack import record_shipped
from services.detect.packs.load import shipped_pack
from services.detect.settings import DetectSettings


class DetectorProvider(DependencyProvider):  # type: ignore[misc]
    """nameko dependency `detector`."""

    def setup(self) -> None:
        """Read the rules (a broken one ends the process here) and open the database."""
        shipped_pack()
        self.database = database_from_env(self.container.service_name)
        self.settings = DetectSettings.from_env()
        owner = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.detector = Detector(
            self.database,
            self.settings.folder,
            owner,
            partitions=int(config["FARSIGHT_PARTITIONS"]),
        )

    def start(self) -> None:
        """Note the shipped rule pack: the first activation, or an offer."""
        with self.database.transaction() as session:
            record_shipped(session, utc_now())

    def stop(self) -> None:
        """Write the rings and close the pool."""
        self.detector.close()
        self.database.engine.dispose()

    def get_dependency(self, worker_ctx: Any) -> Detector:
        """Give the detector."""
        del worker_ctx
        return self.detector
