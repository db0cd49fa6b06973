"""检测算法: pure numpy statistics over (series x time) arrays, one public function a file.

Every kernel takes a `Series` (or arrays of its shape) and parameters and returns arrays. No kernel
knows a clock, a file, a database or a rule's wording; missing data is the validity mask and nothing
else, so a stored zero is a value and a NaN never leaks into a statistic.
"""
