"""`farsight story`: a case from its clue to the court application, with every document as PDF."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from farsight.local.errors import LocalError
from farsight.local.scratch import scratch_database
from farsight.story.script import Script, read_script
from farsight.story.tell import Claim, Teller, Told
from services.cases import paper_store, rules
from services.cases.domain import history
from services.cases.domain.matter import Matter
from services.chassis.clock import beijing
from services.chassis.db import Database
from services.chassis.errors import FarsightError
from services.chassis.migrate import migrate

STORIES = Path(__file__).parent / "data"
_EPILOG = """\
examples:
  farsight story                          tells the paper mill's story into ./story
  farsight story paper_mill -o out        the same into ./out
  farsight story my_case.yaml -o out      a story of your own
The story has its own clock and its own database; the running platform is not touched.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command to argparse."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("story", nargs="?", default="paper_mill", help="a name, or a YAML file")
    parser.add_argument("-o", "--out", type=Path, default=Path("story"), help="folder for PDFs")
    parser.add_argument("--json", action="store_true", help="print one JSON document at the end")


def run(args: argparse.Namespace) -> int:
    """Tell it. 0 done, 1 the law refused a step or a clock is not as claimed, 2 bad usage."""
    path = Path(args.story)
    path = path if path.suffix == ".yaml" else STORIES / f"{args.story}.yaml"
    try:
        script = read_script(path)
    except (OSError, ValueError) as fault:
        known = ", ".join(sorted(one.stem for one in STORIES.glob("*.yaml")))
        print(f"farsight story: {fault}; stories at hand: {known}", file=sys.stderr)
        return 2
    try:
        with scratch_database() as url:
            migrate("cases", url)
            return _tell(Database(url, "cases"), script, args.out, as_json=args.json)
    except LocalError as fault:
        print(f"farsight story: {fault}", file=sys.stderr)
        return 1


def _tell(database: Database, script: Script, out: Path, *, as_json: bool) -> int:
    teller = Teller(database, script)
    try:
        for number, told in enumerate(teller.tell(), start=1):
            if not as_json:
                _say(number, told)
        family, claims = teller.family(), teller.claims()
        papers = _write_papers(database, family, out)
    except FarsightError as fault:
        notes = "; ".join(getattr(fault, "__notes__", []))
        facts = "; ".join(f"{name}: {value}" for name, value in fault.facts.items())
        print(f"farsight story: {notes}: {fault} ({facts})", file=sys.stderr)
        return 1
    finally:
        database.engine.dispose()
    broken = [one.number for one in family if history.first_break(one.matter_id, one.events)]
    if as_json:
        print(json.dumps(_document(family, claims, papers, broken), ensure_ascii=False))
    else:
        _sum_up(family, claims, papers, broken)
    return 0 if all(claim.holds for claim in claims) and not broken else 1


def _say(number: int, told: Told) -> None:
    step, matter = told.step, told.matter
    if step.chapter:
        print(f"\n{step.chapter}")
    line = next((one for one in reversed(matter.events) if one.act == step.act), matter.events[-1])
    state = rules.life_cycle(matter.kind).states[matter.state].zh
    print(f"{number:3} {beijing(step.at):%Y-%m-%d %H:%M} {line.doer.name} {line.act_zh} -> {state}")
    for clock in matter.clocks:
        if clock.open and clock.started_by == line.seq and clock.due_at is not None:
            print(f"      期限 {clock.action_zh}：{clock.derivation[-1].zh}（{clock.source_zh}）")


def _write_papers(database: Database, family: list[Matter], out: Path) -> list[str]:
    """Every document in the order it was made; what an earlier telling left there is replaced."""
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("[0-9][0-9]-*.pdf"):
        old.unlink()
    names: list[str] = []
    with database.transaction() as session:
        kept = paper_store.kept_papers(session, [one.matter_id for one in family])
        for number, one in enumerate(sorted(kept, key=lambda k: k.paper.made_at), start=1):
            label = "-".join(filter(None, (one.paper.title, one.paper.number)))
            name = f"{number:02d}-{label}.pdf".replace("/", "_")
            (out / name).write_bytes(paper_store.pdf_of(session, one.paper.paper_id))
            names.append(name)
    return names


def _sum_up(
    family: list[Matter], claims: list[Claim], papers: list[str], broken: list[str]
) -> None:
    print(f"\n{len(papers)} documents:")
    for name in papers:
        print(f"  {name}")
    print("\nlast days, claimed by the story and computed:")
    for claim in claims:
        mark = "ok   " if claim.holds else "WRONG"
        one = claim.expected
        print(f"  {mark} {one.on:24} {one.clock:16} {one.last_day}  {claim.found}")
    lines = sum(len(one.events) for one in family)
    whole = f"broken: {', '.join(broken)}" if broken else "every chain whole"
    print(f"\n{len(family)} matters, {lines} lines of record, {whole}")


def _document(
    family: list[Matter], claims: list[Claim], papers: list[str], broken: list[str]
) -> dict[str, Any]:
    return {
        "papers": papers,
        "clocks": [
            {
                "on": one.expected.on,
                "clock": one.expected.clock,
                "claimed": one.expected.last_day.isoformat(),
                "computed": one.found.isoformat() if one.found else None,
            }
            for one in claims
        ],
        "matters": [_matter(one) for one in family],
        "broken_chains": broken,
    }


def _matter(one: Matter) -> dict[str, Any]:
    return {
        "number": one.number,
        "kind": one.kind.value,
        "state": one.state,
        "timeline": [
            {
                "seq": event.seq,
                "at": event.at.isoformat(),
                "who": event.doer.name,
                "act": event.act,
                "act_zh": event.act_zh,
                "sm3": event.digest.hex(),
            }
            for event in one.events
        ],
        "clocks": [
            {
                "key": clock.key,
                "state": clock.state.value,
                "due": clock.due_at.isoformat() if clock.due_at else None,
                "derivation": [line.en for line in clock.derivation],
            }
            for clock in one.clocks
        ],
    }
