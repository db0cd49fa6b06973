"""通知请求 What notify is asked to tell, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.notify.domain.routing import Wanted


@dataclass(frozen=True, slots=True)
class Notice:
    """通知请求 Somebody has to be told something; `cause_id` is unique per cause."""

    cause_id: str
    template: str
    parameters: Mapping[str, str]
    wanted: Sequence[Wanted]
    level: int
    event_time: datetime
    matter_id: str
    division: str
    outlet_id: str
    correlation_id: str

    @property
    def item_key(self) -> str:
        """What the text is about, for the storm rule."""
        about = [self.parameters.get(name, "") for name in ("item", "action")]
        return ":".join([self.template, *about, self.outlet_id or self.matter_id])
