"""The numbers of the engine, and which of them may be overridden."""
