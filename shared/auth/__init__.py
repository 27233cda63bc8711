"""Who is asking: staff by one signed cookie, everybody else by signed links; the guard every view wears."""
