"""The composition root: `create_app(settings)` builds every part and wires them together."""

from app.web.app import App, create_app

__all__ = ["App", "create_app"]
