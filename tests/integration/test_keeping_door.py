"""Who may see heads, proofs and the state of the keeping."""

from collections.abc import Callable
from pathlib import Path

import pytest

from services.chassis.errors import FarsightError, Forbidden, NotFound
from services.chassis.identity import Actor, Role
from services.chassis.merkle import consistency_holds, inclusion_holds, leaf_hash
from services.chassis.pb.ingest.v1 import ledger_pb2 as pb
from services.chassis.pb.registry.v1 import registry_pb2
from services.chassis.replica import apply_records
from services.ingest import ledger_door
from services.ingest.app.sign_heads import head_over_all
from tests.integration.keeping_bench import notary
from tests.integration.settling_bench import Bench

PART = 7
OPERATOR = Actor("op", Role.OPERATOR, division="000000")
OFFICER = Actor("o", Role.OFFICER, division="130402")
NEIGHBOUR = Actor("n", Role.OFFICER, division="130403")
POLICE = Actor("p", Role.POLICE, division="130400")


@pytest.fixture
def bench(migrated_db: Callable[..., str], tmp_path: Path) -> Bench:
    """A bench whose outlet lies in one county; five entries and two heads."""
    made = Bench(migrated_db("ingest"), tmp_path / "archive")
    outlet = registry_pb2.Outlet(outlet_id=made.outlet, division="130402", credit_code="X")
    record = registry_pb2.Record(
        kind=registry_pb2.RECORD_KIND_OUTLET, key=made.outlet, revision=1, outlet=outlet
    )
    with made.database.transaction() as session:
        apply_records(session, [record], frozenset({int(registry_pb2.RECORD_KIND_OUTLET)}))
    for count in (2, 3):
        made.run(*((made.frame(), []) for _ in range(count)), part=PART)
        head_over_all(notary(made))
    return made


@pytest.fixture
def ask(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    """Call a method of the door as somebody."""
    door = ledger_door.LedgerDoor(bench.database)

    def call(actor: Actor, method: str, request: object) -> object:
        monkeypatch.setattr(ledger_door, "actor_of", lambda _: actor)
        return getattr(door, method)(request, None)

    return call


def refusal(ask: Callable[..., object], actor: Actor, method: str, request: object) -> type:
    """The error that somebody gets."""
    with pytest.raises(FarsightError) as raised:
        ask(actor, method, request)
    return raised.type


def test_everybody_may_compare_heads(ask):
    """Police with a bundle can ask whether the log only grew since."""
    heads = ask(POLICE, "ListHeads", pb.ListHeadsRequest()).heads
    newest = ask(POLICE, "GetHead", pb.GetHeadRequest()).head
    request = pb.GetConsistencyProofRequest(partition=PART, first=heads[-2].number)
    found = ask(POLICE, "GetConsistencyProof", request)
    (old,) = [one for one in found.first.partitions if one.partition == PART]
    (new,) = [one for one in found.second.partitions if one.partition == PART]

    assert newest == heads[-1] == found.second
    assert (new.size - old.size, newest.clock[0].synchronised) == (3, True)
    assert consistency_holds(old.size, old.root_sm3, new.size, new.root_sm3, found.proof)


def test_an_entry_is_shown_to_whom_its_outlet_belongs(ask):
    """The county, the operator; not the neighbour, who learns nothing of it."""
    head = ask(OPERATOR, "GetHead", pb.GetHeadRequest()).head
    (tree,) = [one for one in head.partitions if one.partition == PART]
    request = pb.GetInclusionProofRequest(partition=PART, leaf=tree.size - 1)

    for actor in (OFFICER, OPERATOR):
        found = ask(actor, "GetInclusionProof", request)
        leaf = leaf_hash(found.entry)
        assert inclusion_holds(leaf, found.leaf, tree.size, found.proof, tree.root_sm3)
    assert refusal(ask, NEIGHBOUR, "GetInclusionProof", request) is NotFound
    assert refusal(ask, POLICE, "GetInclusionProof", request) is NotFound


def test_the_state_of_the_keeping_is_the_operator_s(ask):
    """Head and clock; nobody else's business."""
    answer = ask(OPERATOR, "GetKeeping", pb.GetKeepingRequest())

    assert (answer.clock_synchronised, list(answer.imbalances)) == (True, [])
    assert refusal(ask, OFFICER, "GetKeeping", pb.GetKeepingRequest()) is Forbidden
