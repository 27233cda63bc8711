"""How it is run: servers' configuration, stand-ins for outside systems."""
