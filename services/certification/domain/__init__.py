"""What certification knows and decides: no network, no web, no clock of its own."""
