"""nameko half of `due`: a timer that handles due rows of one kind."""

import functools
from collections.abc import Callable
from datetime import datetime
from typing import Any

from nameko.timer import timer

from services.chassis.clock import utc_now
from services.chassis.due import handle_one

#: Most rows one look handles, so that other kinds get their turn.
BURST = 200


def on_due(
    kind: str, *, interval_s: float = 1.0, now: Callable[[], datetime] = utc_now
) -> Callable[[Callable[..., None]], Any]:
    """Handle due rows of a kind: `def method(self, session, row)`; needs a `db` on the service."""

    def decorate(method: Callable[..., None]) -> Any:
        @functools.wraps(method)
        def look(self: Any) -> None:
            for _ in range(BURST):
                if not handle_one(self.db, kind, now(), functools.partial(method, self)):
                    return

        del look.__dict__["__wrapped__"]
        return timer(interval=interval_s)(look)

    return decorate
