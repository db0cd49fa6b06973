"""Reads the data files of the service into domain values, once a process."""

import csv
from datetime import timedelta
from functools import cache
from importlib import resources

from services.ingest.domain.completeness import DAY, HOUR, MINUTE, REALTIME, Rules


@cache
def completeness_rules() -> Rules:
    """Terms of completeness and rate. Raises KeyError when a row is missing."""
    text = (resources.files("services.ingest") / "data" / "completeness.csv").read_text("utf-8")
    rows = {row["key"]: int(row["value"]) for row in csv.DictReader(text.splitlines())}
    names = {REALTIME: "realtime", MINUTE: "minute", HOUR: "hour", DAY: "day"}
    return Rules(
        grace={kind: timedelta(seconds=rows[f"grace_{name}"]) for kind, name in names.items()},
        publish_after=timedelta(seconds=rows["publish_after"]),
        free_hours=rows["free_hours"],
    )
