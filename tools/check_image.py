"""Check the Dockerfile without a container engine: paths, order of stages, user, commands.

What this cannot say is whether the image builds and starts; no engine was at hand where this was
written, and docs/runbook.md says so.
"""

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class Stage:
    """One FROM with what follows it."""

    name: str
    base: str
    copies: list[str] = field(default_factory=list)  # from the build context
    imports: list[str] = field(default_factory=list)  # COPY --from
    user: str = ""
    command: list[str] = field(default_factory=list)


def main(root: Path) -> int:
    """Print every breach; 1 when there is one."""
    stages = parse((root / "Dockerfile").read_text(encoding="utf-8"))
    breaches = [breach for check in (check_stages, check_copies) for breach in check(stages, root)]
    for breach in breaches:
        print(f"Dockerfile: {breach}")
    return 1 if breaches else 0


def parse(text: str) -> list[Stage]:
    """Stages of a Dockerfile; instructions that matter to no check are skipped."""
    stages: list[Stage] = []
    for line in re.sub(r"\\\n", " ", text).splitlines():
        word, _, rest = line.partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(name.strip(), base.strip()))
        elif word == "COPY":
            *sources, _target = rest.split()
            origin = [s.removeprefix("--from=") for s in sources if s.startswith("--from=")]
            stages[-1].imports += origin
            stages[-1].copies += [s for s in sources if not origin and not s.startswith("--")]
        elif word == "USER":
            stages[-1].user = rest.strip()
        elif word == "CMD":
            stages[-1].command = json.loads(rest)
    return stages


def check_stages(stages: list[Stage], root: Path) -> Iterator[str]:
    """Stages build on earlier ones; each that runs has a non-root user and a module that exists."""
    seen: dict[str, Stage] = {}
    for stage in stages:
        for origin in (stage.base, *stage.imports):
            if origin not in seen and origin != "${BASE}":
                yield f"{stage.name} builds on {origin}, which no earlier stage makes"
        stage.user = stage.user or (seen[stage.base].user if stage.base in seen else "")
        seen[stage.name] = stage
        if stage.command:
            yield from (f"{stage.name}: {what}" for what in check_command(stage, root))


def check_command(stage: Stage, root: Path) -> Iterator[str]:
    """A stage that starts something."""
    if stage.user.split(":")[0] in {"", "0", "root"}:
        yield "runs as root"
    if stage.command[:2] != ["python", "-m"]:
        yield f"starts {stage.command[0]}, not a module"
        return
    module = root.joinpath(*stage.command[2].split("."))
    if not (module.with_suffix(".py").is_file() or (module / "__main__.py").is_file()):
        yield f"starts {stage.command[2]}, which does not exist"


def check_copies(stages: list[Stage], root: Path) -> Iterator[str]:
    """What is copied exists and is not kept out by .dockerignore."""
    ignore = (root / ".dockerignore").read_text(encoding="utf-8").split("\n")
    kept = [line[1:] for line in ignore if line.startswith("!")]
    for stage in stages:
        for source in stage.copies:
            if not (root / source).exists():
                yield f"{stage.name} copies {source}, which does not exist"
            elif not any(fnmatch(source, pattern) for pattern in kept):
                yield f"{stage.name} copies {source}, which .dockerignore keeps out"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT))
