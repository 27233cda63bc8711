"""The kernel: what every service is built from. No business word lives here except in `contracts`."""
