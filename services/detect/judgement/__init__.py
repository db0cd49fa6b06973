"""研判引擎: readings as the law reads them; pure functions over series x hours, no I/O."""
