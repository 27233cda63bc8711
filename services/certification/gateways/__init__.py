"""The outside systems of certification: a Protocol each, and what implements it for real."""
