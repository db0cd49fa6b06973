"""台账核查: every entry, head and old seal against each other, without the stored tiles.

Leaves are made again from the rows, trees from the leaves, and each signed root must come out on
the way. What the raw archive holds is the rebuild's business (`farsight rebuild --check`).
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from services.chassis import sm
from services.chassis.db import Database
from services.chassis.errors import NotFound
from services.ingest import ledger_store, log_store
from services.ingest.app.prove_entries import text_of
from services.ingest.domain.head import SignedHead
from services.ingest.domain.leaf import entry_leaf
from services.ingest.domain.ledger import Seal, chain_hash
from services.ingest.domain.merkle import Frontier

#: Entries of one step.
CHUNK = 5_000
#: Problems that are named.
NAMED = 20

Progress = Callable[[int, int, int], None]  # partition, entries done, entries in all


@dataclass
class LogReport:
    """What was checked, by which keys heads are signed (SM3 hex), and what is wrong."""

    heads: int = 0
    entries: int = 0
    seals: int = 0
    keys: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)

    def blame(self, problem: str) -> None:
        """Note a problem."""
        if len(self.problems) < NAMED:
            self.problems.append(problem)


def check_log(database: Database, progress: Progress) -> LogReport:
    """Check everything that is signed."""
    report = LogReport()
    with database.transaction() as session:
        heads = list(_heads(session, report))
        seals = ledger_store.seals(session)
    if not heads:
        return report
    for part, size in sorted(heads[-1].sizes.items()):
        of_part = [seal for seal in seals if seal.part == part]
        leaves = _leaves(database, report, part, size, progress)
        done = _check_part(report, part, _Expected(part, heads, of_part), leaves)
        if done != size:
            report.blame(f"partition {part} ends at leaf {done} of {size}")
    return report


class _Expected:
    """The roots that must come out at certain sizes of one partition."""

    def __init__(self, part: int, heads: list[SignedHead], seals: list[Seal]) -> None:
        self.seals = {seal.first_leaf: seal for seal in seals}
        self.roots: dict[int, list[tuple[int, bytes]]] = {}
        for head in heads:
            for one in json.loads(head.text)["partitions"]:
                if one["partition"] == part:
                    root = bytes.fromhex(one["root_sm3"])
                    self.roots.setdefault(one["size"], []).append((head.number, root))


def _heads(session: Session, report: LogReport) -> Iterator[SignedHead]:
    """Every head; blames a gap, a broken chain and a signature that does not hold."""
    previous = b""
    while found := log_store.heads(session, report.heads, CHUNK):
        for head in found:
            report.heads += 1
            said = json.loads(head.text)
            if head.number != report.heads or said["number"] != head.number:
                report.blame(f"head {report.heads} is missing")
                report.heads = head.number
            elif said["previous_sm3"] != previous.hex():
                report.blame(f"head {head.number} does not follow the one before")
            digest = sm.message_digest(head.text, head.public_key)
            if not sm.signature_holds(digest, head.signature, head.public_key):
                report.blame(f"the signature of head {head.number} does not hold")
            report.keys.add(sm.fingerprint(head.public_key))
            previous = head.sm3
            yield head


def _check_part(
    report: LogReport, part: int, expected: _Expected, leaves: Iterable[tuple[int, bytes]]
) -> int:
    """Hold the roots that must come out against those that do; gives the number of leaves."""
    tree, sealing, seal, chain = Frontier(), Frontier(), expected.seals.get(0), b""
    for number, leaf in leaves:
        if number in expected.seals:
            seal, sealing = expected.seals[number], Frontier()
        tree.append(leaf)
        sealing.append(leaf)
        for head, root in expected.roots.get(tree.size, ()):
            if tree.root() != root:
                report.blame(f"head {head}: another root of partition {part} at {tree.size}")
        if seal is not None and sealing.size == seal.size:
            chain = chain_hash(chain, seal.root)
            report.seals += 1
            if (sealing.root(), chain) != (seal.root, seal.chain):
                report.blame(f"seal {seal.seal_id} does not cover what it sealed")
            seal = None
    return tree.size


def _leaves(
    database: Database, report: LogReport, part: int, size: int, progress: Progress
) -> Iterator[tuple[int, bytes]]:
    """Leaves made from the rows, in order; blames a hole and an entry that was changed."""
    done = 0
    while done < size:
        with database.transaction() as session:
            rows = log_store.entries_between(session, part, done, min(size, done + CHUNK))
        for row in rows:
            if row.leaf != done:
                report.blame(f"leaf {done} of partition {part} is missing")
                return
            try:
                yield row.leaf, entry_leaf(row.entry_version, row.sm3, text_of(row))
            except NotFound as error:
                report.blame(error.message)
                yield row.leaf, bytes(row.leaf_sm3 or b"")
            done += 1
            report.entries += 1
        if not rows:
            return
        progress(part, done, size)
