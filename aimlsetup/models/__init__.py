"""Documents: what the user wishes, what was solved, what a host is, what would change. No I/O here."""
