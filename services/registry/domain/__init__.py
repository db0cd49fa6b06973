"""Pure rules of the registry: identifiers, records and what may change them."""
