"""The web kernel: one Flask app per service with the same headers, guards, errors and look."""
