"""Empty: what it has for type checkers is in its stub."""
