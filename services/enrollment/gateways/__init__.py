"""Ports to outside systems, and their real implementations."""
