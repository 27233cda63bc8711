"""Sensible objects that tests may bend."""
