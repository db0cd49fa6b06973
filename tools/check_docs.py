"""Check that what the documents name exists: links, paths, commands, Make targets, settings."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
HERE = re.compile(r"^(?:services|farsight|docs|deploy|tests|tools|protos|requirements)/[\w./-]+$")
COMMAND = re.compile(r"(?:^|[\s;&|$])(?<!-n )farsight ([a-z][a-z-]*)([^;&|#`]*)")
OPTION = re.compile(r"(?<!\S)(--[a-z][a-z-]*)")
# `"up": Command("farsight.local.up", ...` in farsight/cli.py
TABLE = re.compile(r"\"([a-z-]+)\": Command\(\s*\"([\w.]+)\"")
IMPORTED = re.compile(r"^from (farsight[\w.]+) import", re.MULTILINE)
MAKE = re.compile(r"(?:^|[\s;&|$])make ([a-z][a-z-]*)")
SETTING = re.compile(r"\b(FARSIGHT_[A-Z0-9_]+|AMQP_URI|DATABASE_URL|REDIS_URL)\b")
READ = re.compile(r"\"(FARSIGHT_[A-Z0-9_]+|AMQP_URI|DATABASE_URL|REDIS_URL)\"")
# How `farsight up` knows its own processes again; nobody sets it.
INTERNAL = {"FARSIGHT_RUN_FOLDER"}
METRIC = re.compile(r"\bfarsight_[a-z_]+[a-z]\b")


def main(root: Path) -> int:
    """Print every breach as `file:line: what`; 1 when there is one."""
    known = Known(root)
    breaches = [breach for path in documents(root) for breach in check_document(path, known)]
    breaches += check_settings(known)
    for breach in breaches:
        print(breach)
    return 1 if breaches else 0


class Known:
    """What the tree really has."""

    def __init__(self, root: Path) -> None:
        self.root = root
        code = [p for d in ("services", "farsight") for p in (root / d).rglob("*.py")]
        text = "".join(p.read_text("utf-8") for p in code)
        self.settings, self.metrics = set(SETTING.findall(text)), set(METRIC.findall(text))
        self.read = set(READ.findall(text)) - INTERNAL
        makefile = root / "Makefile"
        text = makefile.read_text("utf-8") if makefile.is_file() else ""
        self.targets = set(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE))
        self.settings |= set(SETTING.findall(text))
        cli = root / "farsight" / "cli.py"
        table = dict(TABLE.findall(cli.read_text("utf-8"))) if cli.is_file() else {}
        self.commands = {name: self.source(module) for name, module in table.items()}

    def source(self, module: str) -> str:
        """Text of the module that carries out a command and of what it imports from our command.

        Empty when the module does not exist.
        """
        text = self.text_of(module)
        shared = IMPORTED.findall(text)
        return text + "".join(map(self.text_of, shared))

    def text_of(self, module: str) -> str:
        """Text of a module or of a package's modules."""
        path = self.root.joinpath(*module.split("."))
        files = [path.with_suffix(".py"), *path.glob("*.py")]
        return "".join(p.read_text("utf-8") for p in files if p.is_file())


def documents(root: Path) -> Iterator[Path]:
    """Every Markdown file of the project."""
    yield from sorted(root.glob("*.md"))
    for folder in ("docs", "deploy", "services", "farsight", "tests"):
        yield from sorted((root / folder).rglob("*.md"))


def check_document(path: Path, known: Known) -> Iterator[str]:
    """Breaches of one document."""
    name = path.relative_to(known.root)
    fenced = False
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continue
        code = [line] if fenced or line.startswith("    ") else CODE.findall(line)
        for what in (*check_links(line, path), *(w for c in code for w in check_code(c, known))):
            yield f"{name}:{number}: {what}"


def check_settings(known: Known) -> list[str]:
    """Every setting that the code reads stands in docs/settings.md."""
    page = known.root / "docs" / "settings.md"
    told = page.read_text("utf-8") if page.is_file() else ""
    untold = sorted(name for name in known.read if f"`{name}`" not in told)
    return [f"docs/settings.md: {name} is read and not described" for name in untold]


def check_links(line: str, path: Path) -> Iterator[str]:
    """Relative links lead to a file, and an anchor to a heading of it."""
    for target in LINK.findall(line):
        if "://" in target or target.startswith("mailto:"):
            continue
        place, _, anchor = target.partition("#")
        file = path.parent / place if place else path
        if not file.exists():
            yield f"link to {target}: no such file"
        elif anchor and anchor not in anchors(file):
            yield f"link to {target}: no such heading"


def anchors(path: Path) -> set[str]:
    """Anchors of a Markdown file's headings, as the usual renderers make them."""
    headings = re.findall(r"^#+ +(.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def check_code(code: str, known: Known) -> Iterator[str]:
    """A path, command, target or setting inside code."""
    if HERE.match(code) and not (known.root / code.rstrip("/.")).exists():
        yield f"{code} does not exist"
    yield from (f"no metric or role {m}" for m in METRIC.findall(code) if m not in known.metrics)
    for command, rest in COMMAND.findall(code):
        yield from check_command(command, rest, known.commands.get(command, ""))
    yield from (f"no target make {t}" for t in MAKE.findall(code) if t not in known.targets)
    yield from (f"no code reads {s}" for s in SETTING.findall(code) if s not in known.settings)


def check_command(command: str, rest: str, source: str) -> Iterator[str]:
    """A command whose module exists and knows the options."""
    if not source:
        yield f"no command farsight {command}"
        return
    options = (o for o in OPTION.findall(rest) if o != "--help" and f'"{o}"' not in source)
    yield from (f"farsight {command} has no option {option}" for option in options)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT))
