"""Embedded mode: the whole of Rostrum as a few processes on one machine, watched and restarted."""
