"""What a simulated logger does wrong when it is asked something, switched on by name."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Faults:
    """故障: none by default. Codes are those of hj212.md 2.3, times in seconds."""

    deaf: bool = False  # hears no request
    refuse: int = 0  # 9011 with this QnRtn
    fail: int = 0  # 9012 with this ExeRtn instead of carrying it out
    mute: bool = False  # 9011, then nothing
    drop: bool = False  # 9011, then the line is gone
    slow: float = 0.0  # before each frame of an answer
    wrong_qn: bool = False  # replies under another number


NO_FAULTS = Faults()


def read_faults(names: Sequence[str]) -> Faults:
    """`deaf`, `refuse=3`, `fail=100`, `mute`, `drop`, `slow=2.5`, `wrong-qn`.

    Raises ValueError for a name or a number that is none of these.

    >>> read_faults(["slow=2", "refuse"])
    Faults(deaf=False, refuse=2, fail=0, mute=False, drop=False, slow=2.0, wrong_qn=False)
    """
    values: dict[str, bool | int | float] = {}
    for text in names:
        name, _, number = text.partition("=")
        key = name.replace("-", "_")
        match key:
            case "deaf" | "mute" | "drop" | "wrong_qn":
                values[key] = True
            case "refuse" | "fail":
                values[key] = int(number or 2)
            case "slow":
                values[key] = float(number or 1)
            case _:
                raise ValueError(f"no fault {name!r}")
    return Faults(**values)  # type: ignore[arg-type]
