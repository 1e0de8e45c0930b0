"""What diagnosis does: one function per use case, each in its caller's transaction."""
