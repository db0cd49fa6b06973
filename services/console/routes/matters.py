"""待办: matters by deadline, with filters and a CSV export."""

import csv
import io
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from services.chassis.pb.cases.v1 import cases_pb2 as cases
from services.console.directory import Directory
from services.console.language import word
from services.console.pages import due_action, level_key, render
from services.console.views.kinds import KIND_KEYS, KINDS
from services.console.views.moments import in_beijing
from services.console.web import SignedIn, Visitor

router = APIRouter()

PAGE_SIZE = 50
#: A spreadsheet of more rows than this is a job for the gRPC API.
EXPORT_ROWS = 5000
LEVELS = {
    "warning": cases.LEVEL_WARNING,
    "dispatch": cases.LEVEL_DISPATCH,
    "supervision": cases.LEVEL_SUPERVISION,
}


class Filter(BaseModel):
    """What the person asked for; empty = everything of the own jurisdiction."""

    kind: str = ""
    level: str = ""
    state: str = "open"
    division: str = ""
    search: str = ""
    mine: bool = False
    outlet_id: str = ""
    page: str = ""

    def request(self, page_size: int, page_token: str) -> cases.ListMattersRequest:
        """Write the question to the cases door."""
        return cases.ListMattersRequest(
            division=self.division,
            kind=KINDS.get(self.kind, cases.MATTER_KIND_UNSPECIFIED),
            level=LEVELS.get(self.level, cases.LEVEL_UNSPECIFIED),
            state="" if self.state == "all" else self.state,
            search=self.search.strip(),
            outlet_id=self.outlet_id,
            mine=self.mine,
            page_size=page_size,
            page_token=page_token,
        )

    def query(self, **changed: object) -> str:
        """Write the filter as the query of an address."""
        values = {**self.model_dump(), **changed}
        return urlencode({key: value for key, value in values.items() if value})


Asked = Annotated[Filter, Query()]


@router.get("/matters")
async def matters(found: SignedIn, asked: Asked) -> Response:
    """Show the queue."""
    answer = await found.call(found.doors.cases.ListMatters, asked.request(PAGE_SIZE, asked.page))
    directory = await found.house.directories.get(found.session.user_name, found.call)
    return await render(
        found,
        "matters.html",
        asked=asked,
        matters=answer.matters,
        total=answer.total,
        next_page=answer.next_page_token,
        directory=directory,
        kinds=list(KINDS),
        kind_keys=KIND_KEYS,
        levels=list(LEVELS),
    )


@router.get("/matters.csv")
async def matters_csv(found: SignedIn, asked: Asked) -> Response:
    """Give a plant its queue as CSV; officers have the whole of theirs at `/work/queue.csv`."""
    rows = await all_matters(found, asked)
    directory = await found.house.directories.get(found.session.user_name, found.call)
    text = io.StringIO()
    writer = csv.writer(text)
    t = found.t
    writer.writerow([t(f"queue.{column}") for column in COLUMNS])
    for matter in rows:
        writer.writerow([safe_cell(cell) for cell in csv_row(found, directory, matter)])
    return Response(
        "\ufeff" + text.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="matters.csv"'},
    )


COLUMNS = (
    "number", "level", "plant", "credit_code", "division", "title", "state",
    "assignee", "due_what", "due_at", "opened_at", "closed_at",
)  # fmt: skip


async def all_matters(found: Visitor, asked: Filter) -> list[cases.Matter]:
    """Read all pages of the filtered queue, up to the export's limit."""
    rows: list[cases.Matter] = []
    token = ""
    while len(rows) < EXPORT_ROWS:
        answer = await found.call(found.doors.cases.ListMatters, asked.request(500, token))
        rows.extend(answer.matters)
        token = answer.next_page_token
        if not token:
            break
    return rows


def csv_row(found: Visitor, directory: Directory, matter: cases.Matter) -> list[str]:
    """Write one matter as cells, in the order of `COLUMNS`."""
    return [
        matter.number,
        word(found.language, "level", level_key(matter.level)),
        matter.enterprise_name,
        matter.credit_code,
        directory.division_name(matter.division),
        matter.title,
        matter.state_name,
        matter.assignee_name,
        due_action(matter),
        in_beijing(matter.next_due_at),
        in_beijing(matter.opened_at),
        in_beijing(matter.closed_at),
    ]


def safe_cell(text: str) -> str:
    """Keep a spreadsheet from running a cell as a formula (names come from outside)."""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
