"""What reporting does: count what it hears, read it back, and make reports of it."""
