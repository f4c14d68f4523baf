"""A private range of hosts for tests: see ../README.md. One subject per module; cli.py is the way in."""
