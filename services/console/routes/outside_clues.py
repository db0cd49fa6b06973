"""外部线索研判: ranked places with their candidates, the grid's picture, townships by rank."""

import asyncio
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from services.chassis.errors import InputRejected, RuleViolated
from services.chassis.pb.detect.v1 import outside_clue_pb2 as pb
from services.console.pages import render
from services.console.views import outside_clues as views
from services.console.views.outside_map import CLASSES, SIDE, around, grid_map
from services.console.web import CheckedForm, SignedIn, Visitor

router = APIRouter()

REFUSED = (InputRejected, RuleViolated)
PAGE_SIZE = 200
DAYS = (1, 3, 7)
#: Ranked cells listed under the picture.
LISTED = 12


class Filter(BaseModel):
    """What the person asked for."""

    kind: str = ""
    state: str = "open"
    division: str = ""
    pollutant: str = ""
    days: int = 3

    def query(self, **changed: object) -> str:
        """Write the filter as the query of an address."""
        values = {**self.model_dump(exclude_defaults=True), **changed}
        return urlencode({key: value for key, value in values.items() if value})


Asked = Annotated[Filter, Query()]


@router.get("/outside/clues")
async def clues(found: SignedIn, asked: Asked) -> Response:
    """Show the clues, best first."""
    request = pb.ListOutsideCluesRequest(
        state=views.STATES.get(asked.state, 0),  # type: ignore[arg-type]
        kind=views.KINDS.get(asked.kind, 0),  # type: ignore[arg-type]
        division=asked.division,
        page_size=PAGE_SIZE,
    )
    answer, directory = await asyncio.gather(
        found.call(found.doors.outside_clues.ListOutsideClues, request),
        found.house.directories.get(found.session.user_name, found.call),
    )
    return await render(
        found,
        "outside_clues.html",
        asked=asked,
        clues=answer.clues,
        views=views,
        directory=directory,
    )


@router.get("/outside/clues/{clue_id}")
async def clue(found: SignedIn, clue_id: str) -> Response:
    """Show one clue with its surroundings."""
    return await clue_page(found, clue_id)


async def clue_page(
    found: Visitor, clue_id: str, *, refusal: str = "", status: int = 200
) -> Response:
    """Write the page; after a refusal with its reason. Raises NotFound."""
    answer, directory = await asyncio.gather(
        found.call(
            found.doors.outside_clues.GetOutsideClue, pb.GetOutsideClueRequest(clue_id=clue_id)
        ),
        found.house.directories.get(found.session.user_name, found.call),
    )
    one = answer.clue
    plants = [
        (each, known.longitude, known.latitude)
        for each in one.candidates
        if (known := directory.enterprises.get(each.credit_code)) is not None
    ]
    return await render(
        found,
        "outside_clue.html",
        status=status,
        clue=one,
        picture=around(one, plants),
        views=views,
        refusal=refusal,
        directory=directory,
    )


@router.post("/outside/clues/{clue_id}")
async def decide(found: SignedIn, form: CheckedForm, clue_id: str) -> Response:
    """Keep what the person found; a refusal is shown on the page."""
    revision = str(form.get("revision", ""))
    request = pb.DecideOutsideClueRequest(
        clue_id=clue_id,
        verdict=views.VERDICTS.get(str(form.get("verdict", "")), 0),  # type: ignore[arg-type]
        reason=str(form.get("reason", "")),
        revision=int(revision) if revision.isdecimal() else 0,
    )
    try:
        await found.call(found.doors.outside_clues.DecideOutsideClue, request)
    except REFUSED as error:
        return await clue_page(found, clue_id, refusal=error.message, status=422)
    await found.notice(found.t("clues.decided"))
    return RedirectResponse(f"/outside/clues/{clue_id}", 303)


@router.get("/outside/map")
async def outside_map(found: SignedIn, asked: Asked) -> Response:
    """Show the grid of a city."""
    request = pb.GetOutsideMapRequest(division=asked.division, pollutant=asked.pollutant)
    answer, directory = await asyncio.gather(
        found.call(found.doors.outside_clues.GetOutsideMap, request),
        found.house.directories.get(found.session.user_name, found.call),
    )
    return await render(
        found,
        "outside_map.html",
        asked=asked,
        answer=answer,
        picture=grid_map(answer),
        side=SIDE,
        classes=CLASSES,
        listed=sorted(answer.cells, key=lambda one: one.rank)[:LISTED],
        directory=directory,
    )


@router.get("/outside/townships")
async def townships(found: SignedIn, asked: Asked) -> Response:
    """Show the townships, worst first."""
    request = pb.RankTownshipsRequest(division=asked.division, days=max(1, min(asked.days, 20)))
    answer, directory = await asyncio.gather(
        found.call(found.doors.outside_clues.RankTownships, request),
        found.house.directories.get(found.session.user_name, found.call),
    )
    return await render(
        found,
        "outside_townships.html",
        asked=asked,
        answer=answer,
        days=DAYS,
        bar_width=views.bar_width,
        worst=max((one.index for one in answer.townships if one.rank), default=1.0),
        directory=directory,
    )
