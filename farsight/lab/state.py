"""Where a simulator stopped: a small file, so that the next start goes on from there."""

import json
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class RunState:
    """仿真状态 of one seed: the hour the stories count from, and the last hour sent a logger."""

    seed: int
    anchor_hour: int
    sent_until: dict[str, int] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write the state whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(vars(self)), encoding="utf-8")
        fresh.replace(path)


def load_state(path: Path, seed: int, anchor_hour: int) -> RunState:
    """Return the saved state of this seed, or a new one anchored at `anchor_hour`.

    Raises ValueError when the file holds another seed: its values would contradict those sent.
    """
    if not path.exists():
        return RunState(seed, anchor_hour)
    saved = RunState(**json.loads(path.read_text(encoding="utf-8")))
    if saved.seed != seed:
        raise ValueError(f"{path} is of seed {saved.seed}; remove it or use --seed {saved.seed}")
    return saved
