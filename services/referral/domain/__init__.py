"""Pure rules of referral: the bundle and its verifier, the transfer's steps and its clocks."""
