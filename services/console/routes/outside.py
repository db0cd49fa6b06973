"""外部线索: marks, meters, grid and stations, events, complaints and spots as one list."""

import asyncio
from datetime import timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from services.chassis.clock import to_timestamp, utc_now
from services.chassis.pb.ingest.v1 import outside_pb2 as pb
from services.console.language import word
from services.console.pages import render
from services.console.views.outside import KINDS, TONES, line_of
from services.console.web import SignedIn

router = APIRouter()

PAGE_SIZE = 50
DAYS = (1, 7, 30)


class Filter(BaseModel):
    """What the person asked for; `days` 0 = of all times."""

    kind: str = ""
    days: int = 7
    outlet_id: str = ""
    versions: bool = False
    page: str = ""

    def query(self, **changed: object) -> str:
        """Write the filter as the query of an address."""
        values = {**self.model_dump(), **changed}
        return urlencode({key: value for key, value in values.items() if value or key == "days"})


Asked = Annotated[Filter, Query()]


@router.get("/outside")
async def outside(found: SignedIn, asked: Asked) -> Response:
    """Show the list, newest first."""
    request = pb.ListOutsideRequest(
        kinds=[KINDS[asked.kind][0]] if asked.kind in KINDS else [],
        outlet_id=asked.outlet_id,
        with_versions=asked.versions,
        page_size=PAGE_SIZE,
        page_token=asked.page,
    )
    if asked.days > 0:
        days = min(asked.days, 3650)
        request.start.CopyFrom(to_timestamp(utc_now() - timedelta(days=days)))
    answer, directory = await asyncio.gather(
        found.call(found.doors.outside.ListOutside, request),
        found.house.directories.get(found.session.user_name, found.call),
    )
    return await render(
        found,
        "outside.html",
        asked=asked,
        lines=[
            line_of(record, lambda group, key: word(found.language, group, key), found.language)
            for record in answer.records
        ],
        next_page=answer.next_page_token,
        kinds=[kind for kind, (_, action) in KINDS.items() if found.may(action)],
        days=DAYS,
        tones=TONES,
        directory=directory,
    )
