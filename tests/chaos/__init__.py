"""Random kills: many bookings while every process is killed at random, and a checker that reads the truth.

`site` runs each service's web and worker as processes of their own, `killer` kills them, `people` and
`journeys` are who books, pays, completes and activates, `probe` notes each effect beside the effect,
`truth` reads the databases and the sandboxes, `checker` says what was lost, duplicated, unexpected, recovered.
"""
