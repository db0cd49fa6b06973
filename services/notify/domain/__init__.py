"""Pure rules of notify: texts, recipients, quiet hours, storms. No I/O, no clock."""
