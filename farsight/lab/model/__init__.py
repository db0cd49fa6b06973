"""过程模型: seeded process model of stacks and outfalls. Pure numpy, no clock, no I/O.

Every value depends only on (seed, outlet, factor, absolute hour): a simulator that starts again
sends exactly the values it sent before, so a repeated frame is a duplicate and never a second
version of a reading.
"""
