"""What a server can be told: settings of the environment, numbers of the engine in a file."""
