"""The ops pages every service serves about itself: what waits, what failed, and how to mend it."""
