"""A real browser in tests: what watches it, what finds faults, the hands that work it, the pictures it takes."""
