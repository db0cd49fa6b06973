"""The running platform: one with the demo province for all tests, and fresh ones to break."""

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.platform import RunningPlatform, start_platform


@pytest.fixture(scope="session")
def seeded_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningPlatform]:
    """A platform with the demo province and no demo actors, shared by the session."""
    platform = start_platform(tmp_path_factory.mktemp("platform") / "data")
    try:
        platform.seed()
        yield platform
    finally:
        platform.stop()


@pytest.fixture
def fresh_platforms(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[str], RunningPlatform]]:
    """Make platforms of one's own, each with the demo province; all end with the test."""
    made: list[RunningPlatform] = []

    def make(name: str) -> RunningPlatform:
        platform = start_platform(tmp_path_factory.mktemp(name) / "data")
        made.append(platform)
        platform.seed()
        return platform

    try:
        yield make
    finally:
        for platform in made:
            platform.stop()
