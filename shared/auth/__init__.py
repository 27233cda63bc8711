"""Who is asking: staff by one signed cookie, everybody else by signed links, and the guard every view wears."""
