"""Reads the data files of the service into domain values, once a process."""

import csv
from datetime import timedelta
from functools import cache
from importlib import resources

from services.ingest.domain.completeness import DAY, HOUR, MINUTE, REALTIME, Rules
from services.ingest.domain.mark_kinds import KindOption
from services.ingest.domain.marks import MarkTerms


@cache
def completeness_rules() -> Rules:
    """Terms of completeness and rate. Raises KeyError when a row is missing."""
    rows = {row["key"]: int(row["value"]) for row in _rows("completeness.csv")}
    names = {REALTIME: "realtime", MINUTE: "minute", HOUR: "hour", DAY: "day"}
    return Rules(
        grace={kind: timedelta(seconds=rows[f"grace_{name}"]) for kind, name in names.items()},
        publish_after=timedelta(seconds=rows["publish_after"]),
        free_hours=rows["free_hours"],
    )


@cache
def mark_terms() -> MarkTerms:
    """Terms of marks. Raises KeyError when a row is missing."""
    rows = {row["key"]: int(row["value"]) for row in _rows("marks.csv")}
    return MarkTerms(
        freeze_hour=rows["freeze_hour_beijing"],
        longest=timedelta(days=rows["longest_days"]),
        proof_bytes=rows["proof_bytes"],
        csv_rows=rows["csv_rows"],
    )


@cache
def mark_kinds() -> tuple[KindOption, ...]:
    """The catalogue of marks, device marks first."""
    return tuple(
        KindOption(
            key=row["key"],
            family=int(row["family"]),
            subtype=int(row["subtype"]),
            condition=row["condition"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            meaning_zh=row["meaning_zh"],
            cap_zh=row["cap_zh"],
            industries=tuple(row["industries"].split()),
            processes=tuple(filter(None, row["processes"].split("+"))),
            expects_flags=row["expects_flags"],
            needs_proof=row["needs_proof"] == "yes",
            source=row["source"],
            confidence=row["confidence"],
        )
        for row in _rows("mark_kinds.csv")
    )


def _rows(name: str) -> list[dict[str, str]]:
    text = (resources.files("services.ingest") / "data" / name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))
