"""Draw the life cycles 办理流程 into the documents: `python -m tools.draw_lifecycles`.

Between the markers of a document stand a state diagram (Mermaid) and a table of the rows, both
from `services/cases/data/lifecycle_<kind>.yaml`. A unit test fails when a document is not what the
tables say today.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from services.cases import rules
from services.cases.domain.lifecycle import SAME, Act, LifeCycle
from services.cases.domain.matter import Kind

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("docs/procedure.md", "docs/lifecycles.md")
MARKED = re.compile(
    r"(<!-- lifecycle (\w+): drawn by tools/draw_lifecycles.py -->\n).*?(<!-- end of \2 -->)",
    re.DOTALL,
)
#: A row from more states than this is in the table only: as arrows it would hide all others.
MOST_ARROWS = 4
WHO = {"officer": "执法人员", "leader": "负责人", "enterprise": "企业", "system": "系统"}


def main() -> None:
    """Write every document whose text is not today's."""
    for name in DOCUMENTS:
        path = ROOT / name
        text = path.read_text("utf-8")
        fresh = drawn(text)
        if fresh != text:
            path.write_text(fresh, "utf-8")
            print(f"wrote {name}")


def drawn(text: str) -> str:
    """The document with every marked part drawn from the tables."""
    return MARKED.sub(lambda found: found[1] + part(found[2]) + found[3], text)


def part(kind: str) -> str:
    """Diagram and rows of a kind; `common` are the rows that all kinds share."""
    if kind == "common":
        life = rules.life_cycle(Kind.CASE)
        return table(life, [act for act in life.acts if act.common])
    life = rules.life_cycle(Kind(kind))
    own = [act for act in life.acts if not act.common]
    head = f"{life.zh}: {len(life.states)} states, {len(own)} rows, version {life.version}.\n\n"
    return head + diagram(life, own) + table(life, own)


def diagram(life: LifeCycle, acts: list[Act]) -> str:
    """状态图: an arrow for each move, its label the acts that make it."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for act in acts:
        if len(act.from_states) > MOST_ARROWS:
            continue
        for source in sorted(act.from_states) or ["[*]"]:
            for target in sorted(act.targets - {SAME}):
                names = arrows.setdefault((source, target), [])
                names += [act.zh] if act.zh not in names else []
    lines = ["```mermaid", "stateDiagram-v2"]
    lines += [f'    state "{state.zh}" as {key}' for key, state in life.states.items()]
    lines += [f"    {a} --> {b}: {'、'.join(names)}" for (a, b), names in arrows.items()]
    lines += [f"    {key} --> [*]" for key, state in life.states.items() if state.final]
    return "\n".join([*lines, "```", "", ""])


def table(life: LifeCycle, acts: list[Act]) -> str:
    """流程表: state, act, role, gate, clock, next."""
    rows = ["| from | act | who | gates | clocks | next |", "|---|---|---|---|---|---|"]
    rows += [f"| {' | '.join(cells(life, act))} |" for act in acts]
    return "\n".join([*rows, "", ""])


def cells(life: LifeCycle, act: Act) -> Iterator[str]:
    """The columns of a row."""
    yield sources(life, act)
    yield f"`{act.key}` {act.zh}"
    yield "、".join(zh for role, zh in WHO.items() if role in act.by)
    gates = [f"`{gate.name}` {gate.article}" for gate in act.gates if gate.name != "certified"]
    yield "<br>".join(dict.fromkeys(gates))
    yield "<br>".join(clocks(act))
    yield "<br>".join(targets(life, act))


def sources(life: LifeCycle, act: Act) -> str:
    """The states of a row in the order of the table."""
    if not act.from_states:
        return "（新）"
    unfinished = {key for key, state in life.states.items() if not state.final}
    if act.from_states == set(life.states):
        return "任意状态"
    if act.from_states == unfinished and len(unfinished) > 1:
        return "未办结的任意状态"
    return "、".join(state.zh for key, state in life.states.items() if key in act.from_states)


def clocks(act: Act) -> Iterator[str]:
    """What the row does to clocks."""
    if act.on_breach:
        yield f"at the end of `{act.on_breach}`"
    for one in act.start:
        where = f" after `{one.after}`" if one.after else f" at {one.at}" if one.at else ""
        yield f"starts `{one.clock}`{where}"
    for key in dict.fromkeys((*act.stop, *act.stop_first)):
        yield f"ends `{key}`"
    for word, change in (("extends", act.extend), ("pauses", act.pause), ("resumes", act.resume)):
        if change:
            how = change.get("grant") or change.get("cause", "")
            yield f"{word} `{change['clock']}` ({how})"


def targets(life: LifeCycle, act: Act) -> Iterator[str]:
    """Where it leads, what it issues and opens."""
    names = ["不变" if key == SAME else life.states[key].zh for key in _in_order(act)]
    yield "、".join(dict.fromkeys(names))
    for paper in act.papers:
        yield f"paper `{paper.template}`"
    for opens in act.opens:
        about = opens.fields.get("paper", "")
        yield f"opens `{opens.kind.value}`" + (f" of `{about}`" if about else "")
    if act.parent:
        yield f"above: `{act.parent.act}`"


def _in_order(act: Act) -> list[str]:
    return [act.to, *(to for _, to in act.to_when)]


if __name__ == "__main__":
    main()
