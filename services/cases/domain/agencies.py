"""执法主体: which authority a document is of, its number's short name, and where one complains.

A city's branch office acts in its own name since the Eco-environment Code (art 53); before that day
the city's bureau was the subject, and the same county's papers bore the city's name and number.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.chassis.identity import jurisdiction_prefix

_SUFFIXES = (
    "自治县",
    "自治州",
    "自治旗",
    "林区",
    "矿区",
    "地区",
    "省",
    "市",
    "区",
    "县",
    "旗",
    "盟",
)
_KNOWN = frozenset(
    {"name", "short", "agency", "zone_of", "reconsideration", "court", "account", "address"}
    | {"phone", "postcode", "police", "government"}
)


@dataclass(frozen=True)
class Agency:
    """An authority as its documents name it. `short` is the name inside its numbers.

    `reconsideration` are who decides on an application for review (ARL 2023 art 24).
    """

    division: str
    name: str
    short: str
    reconsideration: str
    court: str
    police: str
    account: str
    address: str = ""
    phone: str = ""
    postcode: str = ""


@dataclass(frozen=True)
class AgencyTable:
    """机关名称表 of `data/papers/agencies.yaml`."""

    version: str
    rows: Mapping[str, Mapping[str, str]]
    branch_acts_from: dt.date
    default: Mapping[str, str]

    def agency(self, division: str, day: dt.date, names: Mapping[str, str] | None = None) -> Agency:
        """Who signs for a division on a day. `names` are divisions that the table lacks.

        Raises `LookupError` that names a division without a name.
        """
        code = division
        if _level(code) == "county" and day < self.branch_acts_from:
            code = self._above(code)
        row = self.rows.get(code, {})
        return Agency(
            division=code,
            name=row.get("agency") or self._agency_name(code, names or {}),
            short=row.get("short") or _short(self._name(code, names or {})),
            reconsideration=row.get("reconsideration") or self._review(code, names or {}),
            court=row.get("court") or self._organ(code, "人民法院", names or {}),
            police=row.get("police") or self._police(code, names or {}),
            **{key: row.get(key, self.default.get(key, "")) for key in _PLAIN},
        )

    def shorts(self, names: Mapping[str, str] | None = None) -> frozenset[str]:
        """Every short name that is one of ours."""
        own = {row.get("short") or _short(row["name"]) for row in self.rows.values()}
        return frozenset(own | {_short(name) for name in (names or {}).values()})

    def _name(self, code: str, names: Mapping[str, str]) -> str:
        name = self.rows.get(code, {}).get("name") or names.get(code, "")
        if not name:
            raise LookupError(code)
        return name

    def _above(self, code: str) -> str:
        return self.rows.get(code, {}).get("zone_of") or code[:4] + "00"

    def _agency_name(self, code: str, names: Mapping[str, str]) -> str:
        name = self._name(code, names)
        if _level(code) == "province":
            return name + ("生态环境局" if name.endswith("市") else "生态环境厅")
        if _level(code) == "city":
            return f"{name}生态环境局"
        return f"{self._name(self._above(code), names)}生态环境局{name}分局"

    def _review(self, code: str, names: Mapping[str, str]) -> str:
        """本级人民政府; of a branch office also that of its own place (ARL 2023 art 24)."""
        if _level(code) != "county":
            return f"{self._name(code, names)}人民政府"
        above = self._name(self._above(code), names)
        return f"{above}人民政府或者{self._full(code, names)}人民政府"

    def _organ(self, code: str, suffix: str, names: Mapping[str, str]) -> str:
        grade = {"province": "高级", "city": "中级"}.get(_level(code), "")
        return self._full(code, names) + grade + suffix

    def _police(self, code: str, names: Mapping[str, str]) -> str:
        name = self._full(code, names)
        if _level(code) == "province":
            return f"{name}公安厅"
        if name.endswith("区") and _level(code) == "county":
            city = self._name(self._above(code), names)
            return f"{city}公安局{_short(self._name(code, names))}分局"
        return f"{name}公安局"

    def _full(self, code: str, names: Mapping[str, str]) -> str:
        """A county with its city before it; a county-level city stands alone."""
        name = self._name(code, names)
        if _level(code) != "county" or name.endswith("市"):
            return name
        return self._name(self._above(code), names) + name if name.endswith("区") else name


_PLAIN = ("account", "address", "phone", "postcode")


def _level(code: str) -> str:
    return {2: "province", 4: "city"}.get(len(jurisdiction_prefix(code)), "county")


def _short(name: str) -> str:
    """翁牛特 of 翁牛特旗: what a number bears where the table says nothing else."""
    suffix = next((one for one in _SUFFIXES if name.endswith(one) and len(name) > len(one)), "")
    return name.removesuffix(suffix)


def read_agencies(document: Mapping[str, Any]) -> AgencyTable:
    """The table from its document. `ValueError` names a row that is wrong."""
    rows: dict[str, Mapping[str, str]] = {}
    for row in document["divisions"]:
        code = str(row["division"])
        values = {key: value for key, value in row.items() if key != "division"}
        if unknown := set(values) - _KNOWN:
            raise ValueError(f"{code}: unknown {sorted(unknown)}")
        if code in rows:
            raise ValueError(f"{code} stands twice")
        rows[code] = values
    shorts: dict[str, str] = {}
    for code, row in rows.items():
        short = row.get("short") or _short(row["name"])
        if short in shorts:
            raise ValueError(f"{code} and {shorts[short]} have the same short name {short}")
        shorts[short] = code
    start = dt.date.fromisoformat(str(document["branch_acts_from"]))
    return AgencyTable(document["version"], rows, start, document["default"])
