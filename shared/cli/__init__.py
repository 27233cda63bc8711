"""The command line every service gets, and what other entries need of it."""

from shared.cli.service import group, main, read_settings_from, run_until_told

__all__ = ["group", "main", "read_settings_from", "run_until_told"]
