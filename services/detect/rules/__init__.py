"""规则: rules as data, with version, period in force, legal basis, parameters and wording."""
