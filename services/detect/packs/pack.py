"""规则包: one version of everything that judging rests on beside the data. Pure values."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from services.detect.domain.rule import RuleBook
from services.detect.judgement.parameters import (
    AmountRule,
    FurnaceRule,
    LegalRow,
    MarkKind,
    OutletFacts,
    PoolRule,
    PowerRule,
    RateRule,
    StandardLimit,
    ValidityRule,
    WarningRule,
)
from services.detect.screening.budget import Dial
from services.detect.screening.evidence import Family, Share
from services.detect.screening.rates import RatePoint


@dataclass(frozen=True, eq=False)
class Pack:
    """规则包 as it judges. Two packs are the same when their files are."""

    id: str
    version: str
    title: str
    sha256: bytes
    files: Mapping[str, bytes]
    book: RuleBook
    validity: tuple[ValidityRule, ...]
    marks: tuple[MarkKind, ...]
    pools: tuple[PoolRule, ...]
    furnaces: tuple[FurnaceRule, ...]
    warnings: tuple[WarningRule, ...]
    amounts: tuple[AmountRule, ...]
    rates: tuple[RateRule, ...]
    power: tuple[PowerRule, ...]
    standards: tuple[StandardLimit, ...]
    legal: tuple[LegalRow, ...]
    test_rates: tuple[RatePoint, ...]
    """误报率 of the tests for falsified data."""
    test_families: tuple[Family, ...]
    """信息类别 of those tests."""
    test_shares: tuple[Share, ...]
    """告警份额 of tests that may use more or less of the dial than others."""
    dials: tuple[Dial, ...]
    """告警尺度, exactly one."""
    triggers: str
    """`triggers.yaml` as text, for cases; empty = cases judge by their own."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pack) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)

    @property
    def name(self) -> str:
        """As people write it: base@2026-11-22."""
        return f"{self.id}@{self.version}"

    @property
    def dial(self) -> Dial:
        """告警尺度 of the tests for falsified data."""
        return self.dials[0]

    @cached_property
    def standards_of(self) -> Mapping[str, tuple[StandardLimit, ...]]:
        """Rows of limits.csv by factor."""
        found: dict[str, list[StandardLimit]] = {}
        for row in self.standards:
            for factor in row.scope.factors:
                found.setdefault(factor, []).append(row)
        return {factor: tuple(rows) for factor, rows in found.items()}

    @cached_property
    def names_outlets(self) -> bool:
        """Whether a row of limits.csv is for single outlets; else outlets of a kind share rows."""
        return any(row.scope.outlets for row in self.standards)

    def has_industry_standard(self, facts: OutletFacts) -> bool:
        """Whether an industry standard covers the source, whatever the factor (domain.md C)."""
        return any(row.rank == "industry" and row.scope.has(facts) for row in self.standards)


def digest(files: Mapping[str, bytes]) -> bytes:
    """SHA-256 over the files by name: 32 bytes. Lengths stand between, so that no two sets meet.

    >>> digest({"a": b"bc"}) == digest({"ab": b"c"})
    False
    """
    whole = hashlib.sha256()
    for name in sorted(files):
        for part in (name.encode(), files[name]):
            whole.update(len(part).to_bytes(8, "big") + part)
    return whole.digest()
