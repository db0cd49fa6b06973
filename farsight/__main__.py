"""`python -m farsight`: the same as the command `farsight`."""

import sys

from farsight.cli import main

sys.exit(main())
