"""Check that `services/chassis/pb` is exactly what tools/genproto.py makes of `protos/` today."""

import filecmp
import sys
import tempfile
from pathlib import Path

from tools.genproto import generate

ROOT = Path(__file__).resolve().parent.parent


def main(committed: Path) -> int:
    """Generate into a temporary folder; name every file that differs, is missing or left over."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "pb"
        generate(fresh)
        stale = sorted(differences(fresh, committed))
    for name in stale:
        print(f"{name}: stale; run `make proto` and commit the result")
    return 1 if stale else 0


def differences(fresh: Path, committed: Path) -> set[str]:
    """Names of Python files that are not byte for byte the same on both sides."""
    names = {name for side in (fresh, committed) for name in python_files(side)}
    _, unequal, absent = filecmp.cmpfiles(fresh, committed, sorted(names), shallow=False)
    return {*unequal, *absent}


def python_files(folder: Path) -> set[str]:
    """Modules and stubs below the folder, relative to it."""
    paths = (*folder.rglob("*.py"), *folder.rglob("*.pyi"))
    return {path.relative_to(folder).as_posix() for path in paths}


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "services" / "chassis" / "pb"
    sys.exit(main(folder))
