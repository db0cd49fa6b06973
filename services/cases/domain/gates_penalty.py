"""Gates of the penalty procedure 行政处罚程序要件: notice, hearing, review, decision, execution."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from services.cases.domain.attempt import Attempt
from services.cases.domain.lifecycle import Gate

_NAMES = """own_jurisdiction limitation never_reviewed electronic_stated nothing_pending not_paused paused
no_right_running participants records_reviewed basis fine_in_range heaviest one_act raise_needs_facts exemption
within_proposal hearing_told right_open chair_independent is_chair hearing_notice_in_time rights_over
defence_answered straight_to_decision legal_review_done discussion_done notice_first no_heavier paid_in_full
measures_done in_future remedy_in_time remedy_pending same_served_on published_truly unpaid remedies_over
demand_waited court_in_time once below_closed no_remedy_pending publication_settled whole_process
file_complete""".split()


def _open(_: Gate, __: Attempt) -> str:
    return ""


GATES: Mapping[str, Callable[[Gate, Attempt], str]] = dict.fromkeys(_NAMES, _open)
BEFORE_FIELDS: frozenset[str] = frozenset()
