"""Use cases, each in its caller's transaction."""
