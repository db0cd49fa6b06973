"""装载报告: what became of each file, shown while it runs, at the end, and as JSON."""

import json
import sys
import time
from dataclasses import asdict, dataclass, field

FAULTS_KEPT = 1000
"""Faults of a file that are kept for the report; further ones are counted."""
_TELL_EVERY_S = 2.0


@dataclass(frozen=True)
class Problem:
    """Why a row was not taken: line (of Parquet: row), column, a word and a sentence."""

    line: int
    column: str
    reason: str
    detail: str


@dataclass
class FileReport:
    """One file. Items are readings or outside things; `skipped` ones were safe from before."""

    file: str
    items: int = 0
    skipped: int = 0
    safe: int = 0
    refused: int = 0
    new: int = 0
    duplicate: int = 0
    deviating: int = 0
    faults: int = 0
    problems: list[Problem] = field(default_factory=list)

    def problem(self, line: int, column: str, reason: str, detail: str) -> None:
        """Note why a row was not taken."""
        self.faults += 1
        if len(self.problems) < FAULTS_KEPT:
            self.problems.append(Problem(line, column, reason, detail))

    @property
    def unsettled(self) -> int:
        """Things that are safe and of which the store has not told yet what they are."""
        return max(0, self.safe - self.new - self.duplicate - self.deviating)


class Progress:
    """Tells on the standard error stream how far a file is, every two seconds."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._begun = self._told = time.monotonic()

    def tell(self, report: FileReport) -> None:
        """Say how far it is, when it is time to."""
        now = time.monotonic()
        if self._quiet or now - self._told < _TELL_EVERY_S:
            return
        self._told = now
        done = report.safe + report.refused
        rate = done / (now - self._begun)
        line = f"{report.file}: {done} answered, {report.refused} refused, {rate:.0f}/s"
        print(f"load: {line}", file=sys.stderr, flush=True)


def show(reports: list[FileReport], *, dry_run: bool, as_json: bool, most: int) -> None:
    """Print what became of the files; at most `most` problems each."""
    if as_json:
        found = [asdict(one) | {"unsettled": one.unsettled} for one in reports]
        for one in found:
            one["problems"] = one["problems"][:most]
        print(json.dumps({"dry_run": dry_run, "files": found}, ensure_ascii=False, indent=1))
        return
    for report in reports:
        for problem in report.problems[:most]:
            where = f"line {problem.line}, {problem.column or 'row'}"
            print(f"{report.file}: {where}: {problem.reason}: {problem.detail}")
        if report.faults > most:
            print(f"{report.file}: {report.faults - most} more problems (--problems)")
        print(f"{report.file}: {_sentence(report, dry_run=dry_run)}")


def _sentence(report: FileReport, *, dry_run: bool) -> str:
    if dry_run:
        return f"{report.items} items, {report.safe} would be taken, {report.faults} problems"
    words = [
        f"{report.items} items",
        f"{report.new} new",
        f"{report.duplicate} duplicate",
        f"{report.deviating} deviating" if report.deviating else "",
        f"{report.refused} refused",
        f"{report.faults - report.refused} unreadable" if report.faults > report.refused else "",
        f"{report.skipped} were safe from before" if report.skipped else "",
        f"{report.unsettled} safe, not settled yet" if report.unsettled else "",
    ]
    return ", ".join(word for word in words if word)
