"""研判: the pure half of detect. Blocks of values in, findings and clues out; no I/O."""
