"""Any walk of growing, falling and withdrawn findings keeps the promises of triggers."""

import datetime as dt

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from services.cases import store
from services.cases.app.handle_finding import handle_finding
from services.cases.domain.matter import Kind, Level, Matter
from services.cases.tables import MatterRow
from services.chassis.clock import BEIJING
from services.chassis.pb.cases.v1 import cases_pb2 as pb
from services.chassis.pb.detect.v1 import detect_pb2
from tests.integration.cases_rig import Region, finding, region

NOW = dt.datetime(2026, 11, 2, 10, 30, tzinfo=BEIJING)
LIVE = ("hourly_exceedance", "daily_exceedance", "mswi_low_temperature", "treatment_off")
MONITORED = ("hour_mismatch", "minute_over_limit", "treatment_idle")


class Walk(RuleBasedStateMachine):
    """Findings come, change and go in any order; older revisions come again."""

    place: Region
    walks = 0

    def __init__(self) -> None:
        super().__init__()
        Walk.walks += 1
        self.factor = f"a{Walk.walks:05d}"
        self.findings: list[detect_pb2.Finding] = []
        self.levels: dict[str, Level] = {}

    @rule(which=st.sampled_from(LIVE + MONITORED), count=st.integers(1, 70))
    def a_new_finding(self, which: str, count: int) -> None:
        """Of a rule, so many hours or minutes."""
        one = finding(NOW, rule_id=which, factors=[self.factor], hours=1)
        one.count = one.count_today = one.count_7_days = count
        one.facts.update({"days_in_row": count % 3, "days_in_30": count % 5})
        self.findings.append(one)
        self.place.run(handle_finding, one)

    @rule(at=st.integers(0, 99), count=st.integers(0, 70), fell=st.booleans())
    def a_finding_changes(self, at: int, count: int, fell: bool) -> None:
        """It grows, shrinks or falls away."""
        if self.findings:
            one = self.findings[at % len(self.findings)]
            one.revision += 1
            one.count = one.count_today = one.count_7_days = count
            one.facts.update({"withdrawn": fell})
            self.place.run(handle_finding, one)

    @rule(at=st.integers(0, 99))
    def an_older_revision_comes_again(self, at: int) -> None:
        """The bus repeats; with other numbers, to notice if it counted."""
        if self.findings:
            old = detect_pb2.Finding.FromString(
                self.findings[at % len(self.findings)].SerializeToString()
            )
            old.revision -= 1
            old.count = old.count_today = 99
            self.place.run(handle_finding, old)

    def mine(self) -> list[Matter]:
        """Heads of this walk's matters."""
        with self.place.database.transaction() as session:
            rows = session.scalars(select(MatterRow).where(MatterRow.factors == [self.factor]))
            return [store.head_of(row) for row in rows]

    @invariant()
    def a_level_never_falls(self) -> None:
        """Whatever the finding does afterwards."""
        for matter in self.mine():
            assert matter.level >= self.levels.get(matter.matter_id, Level.WARNING)
            self.levels[matter.matter_id] = matter.level

    @invariant()
    def monitor_opens_nothing(self) -> None:
        """No matter and no notice is about an item that only has monitor rows."""
        assert not {matter.item for matter in self.mine()} & set(MONITORED)

    @invariant()
    def one_item_is_open_once(self) -> None:
        """For an outlet, factors and item."""
        still = [m.item for m in self.mine() if m.closed_at is None and m.kind is Kind.ORDER]
        assert len(still) == len(set(still))


@pytest.fixture
def place(migrated_db):
    """A fresh region."""
    with region(migrated_db("cases"), NOW) as fresh:
        yield fresh


def test_walks_of_findings_keep_the_promises_of_triggers(place: Region):
    """Levels never fall, monitor never opens or tells, one open item; on a real PostgreSQL."""
    walks = settings(
        max_examples=8, stateful_step_count=12, deadline=None, derandomize=True, database=None
    )

    Walk.place = place
    run_state_machine_as_test(Walk, settings=walks)

    items = {matter.item for matter in place.matters()}
    assert items == set(LIVE)
    told = {notice.parameters["item"] for notice in place.sent(pb.NoticeRequested)}
    assert not any("小时值与分钟值不符" in one or "空转" in one for one in told)
