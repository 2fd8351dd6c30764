"""uvicorn the way this service needs it: run, drain, what an operator reads, the two wires and their limits."""
