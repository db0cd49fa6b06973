"""回测: what a rule pack would have said of past data, through the same code that judges live data.

`history` and its kinds give data, `replay` runs them through `services.detect` and the triggers of
`services.cases` in memory, `compare` sets two replays side by side, `report` writes them down.
"""
