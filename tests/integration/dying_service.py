"""A service for test_chassis_bus.py that dies while it starts, as a bad extension would make it."""

import os

os.environ["PSYCOPG_WAIT_FUNC"] = "wait_selector"
import eventlet

eventlet.monkey_patch()

from nameko.extensions import DependencyProvider

from services.chassis import nameko_runner


class Dies(DependencyProvider):
    """One thread fails, another never comes to an end of its start."""

    def start(self):
        """Never return; the container is killed meanwhile."""
        self.container.spawn_managed_thread(lambda: 1 / 0)
        while True:
            eventlet.sleep(1)


class Service:
    """Called notify so that the topology knows its queues."""

    name = "notify"
    dies = Dies()


nameko_runner.DRAIN_S = 1
nameko_runner.run_class(Service)
