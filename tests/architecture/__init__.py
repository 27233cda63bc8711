"""House rules that run. A failure says which rule, where, and why it exists."""
