"""Check what import contracts cannot say: length, and no clock, environment or chance in pure code.

Pure code is `domain/`, `kernels/`, `judgement/` and `hj212/`: what a finding says depends on event
time and data only, so the time of day, the environment and chance are arguments there, never calls.
Lengths are the refusals of the house style: 500 lines a file, 40 a function body without its
docstring and without the functions inside it. A migration is a table of columns and may be longer;
a test tells a story and gets 60.
"""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OURS = ("services", "farsight", "tools", "tests")
GENERATED = "services/chassis/pb/"
PURE = {"domain", "kernels", "judgement", "screening", "outside", "hj212"}
MAX_FILE = 500
MAX_BODY = 40
MAX_STORY = 60
Function = ast.FunctionDef | ast.AsyncFunctionDef
# Calls that make a result depend on when or where it ran.
IMPURE = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "time.time",
    "time.time_ns",
    "time.monotonic",
    "time.perf_counter",
    "time.sleep",
    "os.getenv",
    "os.environ.get",
    "os.urandom",
    "random.random",
    "random.choice",
    "random.randint",
    "random.uniform",
    "secrets.token_bytes",
    "secrets.token_hex",
    "uuid.uuid1",
    "uuid.uuid4",
    "open",
    "print",
    "input",
}


def main(root: Path) -> int:
    """Print every breach as `path:line: what`; 1 when there is one."""
    breaches = [breach for path in sources(root) for breach in check_file(path, root)]
    for breach in breaches:
        print(breach)
    return 1 if breaches else 0


def sources(root: Path) -> Iterator[Path]:
    """Every Python file written by hand."""
    for folder in OURS:
        for path in sorted((root / folder).rglob("*.py")):
            if not path.relative_to(root).as_posix().startswith(GENERATED):
                yield path


def check_file(path: Path, root: Path) -> Iterator[str]:
    """Breaches of one file."""
    name = path.relative_to(root)
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    if lines > MAX_FILE:
        yield f"{name}:1: {lines} lines; {MAX_FILE} is the most a file may have"
    tree = ast.parse(text, filename=str(name))
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield from check_body(node, name)
    if PURE & set(name.parts[:-1]) and name.parts[0] == "services":
        yield from check_pure(tree, name)


def check_body(node: Function, name: Path) -> Iterator[str]:
    """A body too long to be one thing."""
    if "migrations" in name.parts:
        return
    most = MAX_STORY if name.parts[0] == "tests" else MAX_BODY
    length = body_length(node)
    if length > most:
        yield f"{name}:{node.lineno}: {node.name} has {length} lines; the most is {most}"


def body_length(node: Function) -> int:
    """Lines of a body; functions inside it are measured by themselves."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    if not body:
        return 0
    inner = (each for each in body if isinstance(each, Function))
    return span(body[0], body[-1]) - sum(span(each, each) for each in inner)


def span(first: ast.stmt, last: ast.stmt) -> int:
    """Lines from the first statement to the end of the last."""
    return (last.end_lineno or 0) - first.lineno + 1


def check_pure(tree: ast.Module, name: Path) -> Iterator[str]:
    """Calls and reads that make pure code depend on its surroundings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and is_impure(dotted(node.func)):
            yield f"{name}:{node.lineno}: pure code calls {dotted(node.func)}; pass the value in"
        elif isinstance(node, ast.Attribute) and dotted(node) == "os.environ":
            yield f"{name}:{node.lineno}: pure code reads os.environ; settings.py does that"


def is_impure(call: str) -> bool:
    """Whether the call is listed, also through its package (`datetime.datetime.now`)."""
    return call in IMPURE or any(call.endswith("." + entry) for entry in IMPURE if "." in entry)


def dotted(node: ast.expr) -> str:
    """`a.b.c` of an attribute chain, empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        base = dotted(node.value)
        return f"{base}.{node.attr}" if base else ""
    return ""


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT))
