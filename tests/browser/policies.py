"""Pages that say what may be loaded."""


def policy(base: str) -> str:
    """The directives that docs/browser.md asks for, and nothing else."""
    socket = base.replace("http", "ws", 1)
    return f"default-src 'none'; script-src {base} 'nonce-test'; connect-src {base} {socket}"
