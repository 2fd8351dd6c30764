"""Live sessions: clock alignment, producers, the session, its history, the registry with its wheel."""
