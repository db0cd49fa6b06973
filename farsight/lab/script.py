"""演示脚本: which scripted person does what next. Pure: states and allowed acts in, one act out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

SCRIPT = Path(__file__).parent.parent / "demo" / "script.yaml"


@dataclass(frozen=True)
class Step:
    """One line of the script: in this state this person does this act with these fields."""

    who: str
    act: str
    fields: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
    first: bool = False

    def filled(self, values: Mapping[str, str]) -> dict[str, str]:
        """Return the fields with `{today}` and `{officerN}` replaced."""
        return {name: text.format_map(values) for name, text in self.fields.items()}


@dataclass(frozen=True)
class Script:
    """The whole script: steps by kind (order, case, referral) and state."""

    items: frozenset[str]
    steps: Mapping[tuple[str, str], Step]

    def step(self, kind: str, state: str) -> Step | None:
        """Return what to do about a thing in this state, None when that is nobody's of ours."""
        return self.steps.get((kind, state))


@dataclass(frozen=True)
class Cast:
    """Who plays: user names by county and part, and the plants whose manager is scripted."""

    users: Mapping[tuple[str, str], str]
    officer_ids: Mapping[tuple[str, str], str]
    plants: Mapping[str, str]

    @property
    def counties(self) -> list[str]:
        """Return the counties that have a whole scripted staff."""
        return sorted({county for county, _ in self.users})

    def user(self, who: str, county: str, credit_code: str) -> str | None:
        """Return the user name that plays a part in a matter, None when a person does."""
        return (
            self.plants.get(credit_code) if who == "enterprise" else self.users.get((county, who))
        )

    def plays(self, kind: str, *, from_order: bool, credit_code: str) -> bool:
        """Return whether a matter is the script's: orders of scripted plants, cases from clues."""
        return credit_code in self.plants if kind == "order" else not from_order

    def values(self, county: str, today: str) -> dict[str, str]:
        """Return what may stand in braces in a field."""
        own = {part: key for (place, part), key in self.officer_ids.items() if place == county}
        return {"today": today, **own}


def read_script(path: Path = SCRIPT) -> Script:
    """Return the script of a file. Raises ValueError for a step that names an unknown key."""
    content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    items = frozenset(content.pop("items"))
    steps = {}
    for kind, states in content.items():
        for state, row in states.items():
            try:
                steps[kind, state] = Step(**row)
            except TypeError as error:
                raise ValueError(f"{path.name}: {kind} {state}: {error}") from error
    return Script(items, steps)


def read_cast(accounts: Collection[Mapping[str, str]]) -> Cast:
    """Return the scripted persons among the demo's accounts (rows of accounts.csv)."""
    users, ids, plants = {}, {}, {}
    for row in accounts:
        if row["scripted"] != "true":
            continue
        if row["role"] == "enterprise":
            plants[row["credit_code"]] = row["user_name"]
        else:
            part = row["user_name"].partition(".")[0]
            users[row["division"], part] = row["user_name"]
            ids[row["division"], part] = row["officer_id"]
    return Cast(users, ids, plants)
