"""Write the tables of docs/matrix.md from the life-cycle tables: which role may try which act.

`--check` writes nothing and exits 1 when the document is not what the tables say.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from services.cases import rules
from services.cases.domain.lifecycle import Act, LifeCycle
from services.cases.domain.matter import Kind

DOC = Path(__file__).resolve().parent.parent / "docs" / "matrix.md"
BEGIN, END = "<!-- matrix -->\n", "<!-- end of matrix -->"
#: Columns: roles that any row of a life-cycle table may name.
ROLES = {"officer": "officer", "leader": "leader", "enterprise": "enterprise", "system": "system"}
_MOST_STATES = 4


def main() -> int:
    """Write or check."""
    text = DOC.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    fresh = head + BEGIN + "\n".join(matrix()) + "\n" + END + rest.partition(END)[2]
    if "--check" in sys.argv:
        return 0 if fresh == text else 1
    DOC.write_text(fresh, encoding="utf-8")
    return 0


def matrix() -> Iterator[str]:
    """One table a kind, then the acts that all kinds share."""
    lives = [rules.life_cycle(kind) for kind in Kind]
    for life in lives:
        yield f"### {life.zh or life.kind.value} `{life.kind.value}`"
        yield ""
        yield from table(life, [act for act in life.acts if not act.common])
    yield "### In every life cycle"
    yield ""
    common = {act.key: act for life in lives for act in life.acts if act.common}
    yield from table(lives[0], list(common.values()), states=False)


def table(life: LifeCycle, acts: list[Act], *, states: bool = True) -> Iterator[str]:
    """Rows of one life cycle; an act with several rows is one line with all of its states."""
    yield "| act | 办理事项 | " + ("from | " if states else "") + " | ".join(ROLES.values()) + " |"
    yield "|" + "---|" * (2 + states + len(ROLES))
    for key in dict.fromkeys(act.key for act in acts):
        rows = [act for act in acts if act.key == key]
        by = frozenset().union(*(act.by for act in rows))
        marks = " | ".join("●" if role in by else "" for role in ROLES)
        where = f"{_states(life, rows)} | " if states else ""
        yield f"| `{key}` | {rows[0].zh} | {where}{marks} |"
    yield ""


def _states(life: LifeCycle, rows: list[Act]) -> str:
    named = [key for key in life.states if any(key in act.from_states for act in rows)]
    if not named:
        return "（开始）"
    if len(named) > _MOST_STATES:
        return f"{len(named)} states"
    return "、".join(life.states[key].zh for key in named)


if __name__ == "__main__":
    raise SystemExit(main())
