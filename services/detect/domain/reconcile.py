"""疑似问题归并: what was judged becomes findings that grow and close and are never raised twice."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np

from services.detect.domain.finding_inputs import why
from services.detect.domain.hits import NO_HITS, Hits, dense_enough, episodes, merged
from services.detect.domain.judge import SILENCE, FindingKey
from services.detect.domain.rule import Rule

#: Namespace of finding and clue ids: the same span of the same series always has the same id.
NAMESPACE = uuid.UUID("5f0c2d0e-6a8f-5d0b-9a3c-6c1f0e7a21d4")


@dataclass(frozen=True)
class Kept:
    """A finding as it stands."""

    finding_id: str
    revision: int
    key: FindingKey
    hits: Hits
    open: bool
    confidential: bool
    inputs: str = ""
    """What its hits rest on (`finding_inputs`); empty = not known."""
    reason: str = ""
    """变化原因: which inputs changed since the revision before; empty = it only went on."""

    @property
    def begin(self) -> int:
        """First hour of the condition."""
        return int(self.hits["begin"].min()) if len(self.hits) else 0

    @property
    def end(self) -> int:
        """Hour after the last hit."""
        return int(self.hits["end"].max()) if len(self.hits) else 0


@dataclass(frozen=True)
class Look:
    """How the hits of one key were looked for."""

    rule: Rule
    since: int
    until: int
    inputs_of: Callable[[Hits], str]
    """What hits rest on, as it is known now."""


def reconcile(key: FindingKey, kept: Iterable[Kept], hits: Hits, look: Look) -> list[Kept]:
    """疑似问题归并: the findings of one key that change, with their next revision.

    `kept` are the findings that stand near or in the judged hours; `hits` replace theirs from
    `look.since` on, and `look.until` tells which conditions may still go on.
    A finding none of whose hits are left (a value was corrected, a mark accepted, a limit
    withdrawn) closes empty. Whatever changes because an input did carries the reason.
    """
    standing = sorted(kept, key=lambda k: (k.begin, k.finding_id))
    old = np.sort(np.concatenate([NO_HITS, *(k.hits for k in standing)]), order="slot")
    union = merged(old, hits, look.since)
    changed = []
    for episode in _episodes(union, look.rule):
        mine = _owner(key, standing, episode)
        if mine in standing:
            standing.remove(mine)
        now = replace(
            mine,
            hits=episode,
            open=_is_open(episode, look.until, look.rule),
            confidential=mine.confidential or look.rule.confidential,
        )
        changed.append((mine, _with_inputs(mine, now, look)))
    gone = (replace(one, hits=NO_HITS, open=False) for one in standing)
    changed.extend(
        (before, replace(now, reason=_reason(before, union, look)))
        for before, now in zip(standing, gone, strict=True)
    )
    return [
        replace(now, revision=before.revision + 1)
        for before, now in changed
        if before.revision == 0 or not _same(before, now)
    ]


def _with_inputs(before: Kept, now: Kept, look: Look) -> Kept:
    """A finding with what it rests on now, and why it is not what it was.

    Where nothing of it was judged again its inputs are left alone.
    """
    if before.revision and before.end <= look.since and _same(before, now):
        return now
    reason = _reason(before, now.hits, look) if before.revision else ""
    return replace(now, inputs=look.inputs_of(now.hits), reason=reason)


def _reason(before: Kept, union: Hits, look: Look) -> str:
    """Why a finding changes: which inputs of the hits it had are others now."""
    if not before.inputs:
        return ""
    changed = why(before.inputs, look.inputs_of(before.hits))
    if changed or not len(before.hits):
        return changed
    if np.isin(before.hits["slot"], union["slot"]).all():
        return ""
    return _OTHER


#: None of its own inputs changed: another mark took or gave back hours of a pool, or other history.
_OTHER = "同期其他标记、豁免时段用量或历史数据变化"


def _same(a: Kept, b: Kept) -> bool:
    """Whether a reader would see no difference; confidentiality is settled with the clues."""
    rests = not a.inputs or not b.inputs or a.inputs == b.inputs
    return a.open == b.open and a.hits.tobytes() == b.hits.tobytes() and rests


def _episodes(union: Hits, rule: Rule) -> list[Hits]:
    """Spans that the rule raises."""
    if rule.id == SILENCE:
        return episodes(union, -1)  # two gaps are two findings, however close
    found = episodes(union, rule.hours("merge_within_h"))
    if {"hits", "within_h"} <= rule.parameters.keys():
        number, within = rule.hours("hits"), rule.hours("within_h")
        return [e for e in found if dense_enough(e, number, within)]
    return found


def _is_open(episode: Hits, until: int, rule: Rule) -> bool:
    """Whether the condition may still go on at the end of judging."""
    if rule.id == SILENCE:
        return bool(episode["begin"][-1] >= until)
    return bool(until - episode["end"].max() < rule.hours("close_after_h"))


def _owner(key: FindingKey, standing: list[Kept], episode: Hits) -> Kept:
    """The standing finding that an episode continues, or a new one."""
    name = f"{key.outlet_id}|{key.rule_id}|{key.factor}|{int(episode['slot'][0])}"
    finding_id = str(uuid.uuid5(NAMESPACE, name))
    for one in standing:
        if one.finding_id == finding_id or _continues(one, episode):
            return one
    return Kept(finding_id, 0, key, NO_HITS, open=False, confidential=False)


def _continues(standing: Kept, episode: Hits) -> bool:
    """Whether an episode is a standing finding's own: it shares a hit, or, of a gap, an hour.

    A gap that is filled from its old end begins later with each value; it stays the same gap.
    """
    if standing.key.rule_id == SILENCE and len(standing.hits):
        return bool(standing.begin < episode["end"].max() and episode["begin"].min() < standing.end)
    return bool(np.isin(standing.hits["slot"], episode["slot"]).any())
