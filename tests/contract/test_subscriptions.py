"""The bus's table of subscriptions is exactly what the services handle."""

import importlib
import inspect

import pytest
from nameko.extensions import ENTRYPOINT_EXTENSIONS_ATTR

from services.chassis.bus.entrypoints import EventEntrypoint, PartitionEntrypoint
from services.chassis.bus.topology import READING_GROUPS, SUBSCRIPTIONS

SERVICES = ("registry", "ingest", "detect", "cases", "referral", "notify")


def entrypoints(service: str) -> list[object]:
    """Give the entrypoints on a service class, as nameko finds them."""
    cls = importlib.import_module(f"services.{service}.service").Service
    return [
        entrypoint
        for _, method in inspect.getmembers(cls, inspect.isfunction)
        for entrypoint in getattr(method, ENTRYPOINT_EXTENSIONS_ATTR, ())
    ]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_handles_what_its_queue_is_bound_to(service):
    """A binding without a handler would fill the dead letters; a handler without one is idle."""
    handled = {one.type_name for one in entrypoints(service) if isinstance(one, EventEntrypoint)}

    assert handled == set(SUBSCRIPTIONS.get(service, ()))


@pytest.mark.parametrize("service", SERVICES)
def test_only_the_reading_groups_read_partitions(service):
    """The gate declares queues for these two; a third would get nothing."""
    reads = any(isinstance(one, PartitionEntrypoint) for one in entrypoints(service))

    assert reads == (service in READING_GROUPS)
