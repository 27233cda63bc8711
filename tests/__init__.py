"""The tests, from the smallest rule to whole systems under fire."""
