"""Who is asking: staff by one signed cookie, students by signed links, and the guard every view wears."""
