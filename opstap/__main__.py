"""`python -m opstap` is the command `opstap`."""

from opstap.cli import app

app()
