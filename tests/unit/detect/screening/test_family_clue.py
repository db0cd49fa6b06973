"""When findings of different kinds of information become one clue, and when they do not."""

import numpy as np

from services.detect.domain.clue import changed_clues, clues_of
from services.detect.domain.family_clue import WHOLE, with_families
from services.detect.domain.hits import DECISIVE, hits_of
from services.detect.domain.judge import FindingKey
from services.detect.domain.reconcile import Kept
from services.detect.packs.load import shipped_pack
from services.detect.screening.budget import FULL, WEAK, Candidate, Dial, held_back

BOOK = shipped_pack().book
QUIET, STUCK, REPLAY, ABUSE = (
    "low_variance_part_of_day", "constant_value", "exact_replay", "mark_abuse",
)  # fmt: skip


def kept(rule, factor, begin, end, *, basis=0, name=""):
    hits = hits_of(slot=[begin], begin=[begin], end=[end], statistic=[1.0], basis=[basis])
    key = FindingKey("A", rule, factor)
    return Kept(name or f"{rule}-{factor}-{begin}", 1, key, hits, open=True, confidential=True)


def clues(*findings, lines=()):
    sisters = clues_of("A", lines, findings, BOOK.clue_rule)
    return with_families("A", findings, sisters, BOOK)


def test_two_families_near_in_time_are_one_clue_of_the_outlet():
    """Named by the family that the rule words first: the copy, not the quiet signal."""
    (clue,) = clues(kept(QUIET, "a", 100, 130), kept(REPLAY, "b", 150, 170))
    assert (clue.line, clue.pattern, clue.factors) == (WHOLE, "D03", ("a", "b"))
    assert (clue.begin, clue.end, clue.open) == (100, 170, True)


def test_one_family_or_two_far_apart_are_data_quality_findings():
    assert clues(kept(QUIET, "a", 100, 130), kept(QUIET, "b", 100, 130)) == []
    assert clues(kept(QUIET, "a", 100, 130), kept(REPLAY, "b", 155, 170)) == []
    assert clues(kept(QUIET, "a", 100, 130), kept("hourly_exceedance", "a", 100, 130)) == []


def test_what_the_plant_is_told_is_no_part_of_a_confidential_clue():
    """`constant_value` goes to the plant as an order; it takes sister factors to make it secret."""
    assert clues(kept(STUCK, "a", 100, 130), kept(ABUSE, "a", 100, 130)) == []


def test_a_decisive_copy_is_a_clue_alone():
    assert [c.finding_ids for c in clues(kept(REPLAY, "a", 1, 9, basis=DECISIVE))] == [
        ("exact_replay-a-1",)
    ]


def test_a_clue_of_sister_factors_takes_the_other_families_in():
    """One visit, one clue: the line and the pattern stay those of the sisters."""
    quiet = [kept(QUIET, "a", 100, 130), kept(QUIET, "b", 100, 130)]
    (alone,) = clues(*quiet, lines=("a+b",))
    (both,) = clues(*quiet, kept(ABUSE, "c", 140, 150), lines=("a+b",))
    assert (both.clue_id, both.line, both.pattern) == (alone.clue_id, "a+b", "D01")
    assert len(both.finding_ids) == 3
    assert [c.revision for c in changed_clues([alone], [both])] == [1]


def test_a_quiet_county_sees_all_and_a_full_one_its_strongest():
    """Budget by county, strongest first; the others wait with the reason."""
    dial = Dial(2.0, 0.5, 2, "made")
    strong = [Candidate(f"o{n}", "130402", 20.0 + n) for n in range(4)]
    other = Candidate("p", "130403", 15.0)
    weak = Candidate("q", "130403", 1.0)
    assert held_back([*strong, other, weak], 1000, dial) == {"o0": FULL, "o1": FULL, "q": WEAK}
    assert held_back([], 10, dial) == {}


def test_one_moderate_sign_is_enough_at_a_few_outlets_and_not_in_a_province():
    """e-BH: e of 150 passes for 30 judged outlets, and not for 3,000."""
    one = [Candidate("a", "130402", float(np.log(150.0)))]
    dial = Dial(2.0, 0.5, 5, "made")
    assert held_back(one, 30, dial) == {}
    assert held_back(one, 3000, dial) == {"a": WEAK}
