"""筛查: tests for falsified data over a panel of series, and what many weak signs come to.

Pure: the same code serves the nightly sweep over detect's own rings, `farsight detect` over a
folder, the laboratory and the bench. See docs/screening.md.
"""
