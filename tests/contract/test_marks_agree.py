"""生效标记: ingest, which shows what counts, and detect, which judges by it, say the same."""

import datetime as dt

from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.clock import from_unix
from services.detect.judgement.marks import Decision, MarkRevision, Status, counting
from services.detect.judgement.periods import first_hour
from services.ingest.domain import marks as ingest
from services.ingest.domain import outside

FIRST = dt.date(2026, 11, 20)
BEGIN_S = first_hour(FIRST) * 3600
DAYS = 4
WORDS = {Status.ACTIVE: "active", Status.REJECTED: "rejected", Status.WITHDRAWN: "withdrawn"}
VERDICTS = {Decision.NONE: "", Decision.ACCEPTED: "accepted", Decision.REFUSED: "refused"}

told = st.lists(
    st.tuples(
        st.integers(0, 90), st.integers(1, 60), st.sampled_from(list(Status)),
        st.integers(0, 140), st.sampled_from(list(Decision)),
    ),
    min_size=1, max_size=5,
)  # fmt: skip


def of_detect(number, start, length, status, received, decision):
    """A revision as detect keeps it; times are hours from the first midnight."""
    return MarkRevision(
        "o", "m", number, 7, 0, "mswi_ql", "", (), BEGIN_S + start * 3600,
        BEGIN_S + (start + length) * 3600, status, BEGIN_S + received * 3600, decision,
    )  # fmt: skip


def of_ingest(one):
    """The same as ingest keeps it."""
    mark = outside.MarkRevision(
        outlet_id=one.outlet_id, mark_id=one.mark_id, revision=one.revision, family=one.family,
        subtype=one.subtype, condition=one.condition, facility=one.facility, factors=one.factors,
        start_at=from_unix(one.start_s), end_at=from_unix(one.end_s), reason="", proof_ids=(),
        status=WORDS[Status(one.status)], made_by="", made_at=None, rule_version="",
        manual_values=(),
    )  # fmt: skip
    decision = "" if mark.status == "rejected" else VERDICTS[Decision(one.decision)]
    return ingest.Kept(mark, from_unix(one.received_at_s), decision)


@settings(deadline=None)
@given(told)
def test_both_count_the_same_revision_on_every_frozen_day(entries):
    """For any revisions, arrivals and decisions a mark has the same hours on a day."""
    revisions = [of_detect(number, *entry) for number, entry in enumerate(entries, 1)]
    pieces = counting(revisions, FIRST + dt.timedelta(days=DAYS))

    for day in (FIRST + dt.timedelta(days=n) for n in range(DAYS)):
        midnight = first_hour(day) * 3600
        kept = ingest.counting([of_ingest(one) for one in revisions], day, ingest.MarkTerms())
        said = ingest.said(kept, day)

        found = [
            (one.revision, max(one.start_s, midnight), min(one.end_s, midnight + 86_400))
            for one in pieces
            if one.start_s < midnight + 86_400 and one.end_s > midnight
        ]
        expected = (
            [(kept.mark.revision, int(said[5].timestamp()), int(said[6].timestamp()))]
            if kept is not None and said is not None
            else []
        )
        assert found == expected
