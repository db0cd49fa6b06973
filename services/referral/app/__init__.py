"""Use cases of referral, one verb and noun a file."""
