"""档案 for a page: divisions, plants and outlets of one person's jurisdiction, by their codes.

Read through the registry's door as that person and kept for half a minute per person, since every
page needs the names. Nobody is given another person's copy.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from services.chassis.errors import Forbidden
from services.chassis.pb.registry.v1 import registry_pb2 as pb
from services.console.doors import Caller

PAGE_SIZE = 500
#: A province has a few thousand plants; more than this belongs to the search, not to one page.
MAX_PAGES = 20
LIFE_S = 30.0


@dataclass
class Directory:
    """Registry records of one jurisdiction."""

    divisions: dict[str, pb.Division] = field(default_factory=dict)
    enterprises: dict[str, pb.Enterprise] = field(default_factory=dict)
    outlets: dict[str, pb.Outlet] = field(default_factory=dict)

    def division_name(self, code: str) -> str:
        """Give a division's name, or its code."""
        return self.divisions[code].name if code in self.divisions else code

    def enterprise_name(self, credit_code: str) -> str:
        """Give a plant's name, or its code."""
        known = self.enterprises.get(credit_code)
        return known.name if known else credit_code

    def outlet_name(self, outlet_id: str) -> str:
        """Give "plant outlet" for people, or the id."""
        outlet = self.outlets.get(outlet_id)
        if outlet is None:
            return outlet_id
        return f"{self.enterprise_name(outlet.credit_code)} {outlet.name}"

    def division_names(self) -> dict[str, str]:
        """Code to name."""
        return {code: division.name for code, division in self.divisions.items()}


async def list_records(
    call: Caller,
    kind: "pb.RecordKind.ValueType",
    *,
    division: str = "",
    credit_code: str = "",
    search: str = "",
) -> list[pb.Record]:
    """Read all records of a kind that the person may see, page by page."""
    found: list[pb.Record] = []
    token = ""
    for _ in range(MAX_PAGES):
        answer = await call(
            call.doors.registry.ListRecords,
            pb.ListRecordsRequest(
                kind=kind,
                division=division,
                credit_code=credit_code,
                search=search,
                page_size=PAGE_SIZE,
                page_token=token,
            ),
        )
        found.extend(record for record in answer.records if not record.deleted)
        token = answer.next_page_token
        if not token:
            break
    return found


async def read_directory(call: Caller) -> Directory:
    """Read the directory of one person; a role without registry rights gets an empty one."""
    try:
        divisions, enterprises, outlets = await asyncio.gather(
            list_records(call, pb.RECORD_KIND_DIVISION),
            list_records(call, pb.RECORD_KIND_ENTERPRISE),
            list_records(call, pb.RECORD_KIND_OUTLET),
        )
    except Forbidden:
        return Directory()
    return Directory(
        {record.key: record.division for record in divisions},
        {record.key: record.enterprise for record in enterprises},
        {record.key: record.outlet for record in outlets},
    )


class DirectoryCache:
    """Directories by person."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[float, Directory]] = {}

    async def get(self, person: str, call: Caller) -> Directory:
        """Give the directory of `person`, at most half a minute old."""
        now = self._clock()
        kept = self._kept.get(person)
        if kept is not None and now - kept[0] < LIFE_S:
            return kept[1]
        directory = await read_directory(call)
        self._kept = {who: one for who, one in self._kept.items() if now - one[0] < LIFE_S}
        self._kept[person] = (now, directory)
        return directory
