"""疑似问题归并: what was judged becomes findings that grow and close and are never raised twice."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from services.detect.domain.hits import NO_HITS, Hits, dense_enough, episodes, merged
from services.detect.domain.judge import LOW_VARIANCE, SILENCE, FindingKey
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

    @property
    def begin(self) -> int:
        """First hour of the condition."""
        return int(self.hits["begin"].min()) if len(self.hits) else 0

    @property
    def end(self) -> int:
        """Hour after the last hit."""
        return int(self.hits["end"].max()) if len(self.hits) else 0


def reconcile(
    key: FindingKey, kept: Iterable[Kept], hits: Hits, span: tuple[int, int], rule: Rule
) -> list[Kept]:
    """疑似问题归并: the findings of one key that change, with their next revision.

    `kept` are the findings that stand near or in the judged `span` of hours; `hits` replace theirs
    from its start on, and its end tells which conditions may still go on.
    A finding none of whose hits are left (a value was corrected, a limit withdrawn) closes empty.
    """
    standing = sorted(kept, key=lambda k: (k.begin, k.finding_id))
    old = np.sort(np.concatenate([NO_HITS, *(k.hits for k in standing)]), order="slot")
    since, until = span
    union = merged(old, hits, since)
    changed = []
    for episode in _episodes(union, rule):
        mine = _owner(key, standing, episode)
        if mine in standing:
            standing.remove(mine)
        now = replace(
            mine,
            hits=episode,
            open=_is_open(episode, until, rule),
            confidential=mine.confidential or rule.confidential,
        )
        changed.append((mine, now))
    changed.extend((gone, replace(gone, hits=NO_HITS, open=False)) for gone in standing)
    return [
        replace(now, revision=before.revision + 1)
        for before, now in changed
        if before.revision == 0 or not _same(before, now)
    ]


def _same(a: Kept, b: Kept) -> bool:
    """Whether a reader would see no difference; confidentiality is settled with the clues."""
    return a.open == b.open and a.hits.tobytes() == b.hits.tobytes()


def _episodes(union: Hits, rule: Rule) -> list[Hits]:
    """Spans that the rule raises."""
    if rule.id == SILENCE:
        return episodes(union, -1)  # two gaps are two findings, however close
    found = episodes(union, rule.hours("merge_within_h"))
    if rule.id == LOW_VARIANCE:
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
