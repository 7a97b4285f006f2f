"""A Gemini API for the laptop and the tests: no model, no key, no network."""

from emulators.gemini.app import Stats, create_app

__all__ = ["Stats", "create_app"]
