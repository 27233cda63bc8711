"""Databases: engines with the right habits, the one place that commits, migrations, locks."""
