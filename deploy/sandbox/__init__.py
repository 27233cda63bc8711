"""Stand-ins for the systems outside: real HTTP and SMTP servers that the demo and the tests talk to."""
