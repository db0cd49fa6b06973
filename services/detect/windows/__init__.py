"""数据窗口: the values detect works on, as ring matrices addressed by absolute slot.

A value's cell follows from its series and its event time alone, so late, repeated and unordered
values land where they belong and writing needs no inbox: the first value of a cell stays, as in
ingest. Hour, day and ten-minute rings are memory-mapped files, so a killed process finds them as
they were; real-time rings hold two hours in memory and may be lost.
"""
