"""`farsight rules`: rule packs 规则包 checked, compared, shown, proposed and decided."""
