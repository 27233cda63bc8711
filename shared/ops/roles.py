"""Who may look at and mend messages."""

ROLES = ("ops", "admin")
