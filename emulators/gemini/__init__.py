"""A Gemini API for the laptop and the tests: no model, no key, no network."""

from emulators.gemini.app import create_app
from emulators.gemini.stats import Stats

__all__ = ["Stats", "create_app"]
