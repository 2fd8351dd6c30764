"""Who may do what, and how much of it: keys, tokens, origins, rates, limits."""
