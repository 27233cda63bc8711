"""Correlation ids, structured logs and what may be written in them."""
