"""研判: windows of values, kernels, rules as data, judgements, findings and clues."""
