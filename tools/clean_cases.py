#!/usr/bin/env python3
"""Clean stations of every kind that the public benchmark has, more than it has of each.

    python tools/clean_cases.py LAB OUT SEED

LAB is ../shared/lab. Needs pandas, as LAB's own make_cases.py, whose builder it calls. Tests of
rare kinds (oxygen, power, inlet) are calibrated on it: no rate is measured in three station-years.
"""

import importlib
import sys

KINDS = ("elec_mismatch", "inout_ratio", "o2_dilution", "missing_discharge", "flag_abuse")
#: Of each kind; those without a real series of the pool cost none.
COUNT = {"elec_mismatch": 90, "inout_ratio": 40}
OTHERS = 22


def main(lab: str, out: str, seed: int) -> int:
    """Build and write; 0."""
    sys.path.insert(0, f"{lab}/bench")
    builder = importlib.import_module("make_cases").Builder("public", seed, 1.0)
    for kind in KINDS:
        for _ in range(COUNT.get(kind, OTHERS)):
            getattr(builder, kind)(event=False)
    builder.write(out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
