"""The model's own word that the passages do not answer."""

from docchat.core.prompt import NOT_IN_DOCS


class Declaration:
    """Holds back the start of the model's text until it is clear whether it declares.

    `declared` is None while it is open. The sentinel itself never gets past, nor does anything
    that the model adds after it.
    """

    def __init__(self) -> None:
        self.declared: bool | None = None
        self._held = ""

    def feed(self, text: str) -> str:
        """What of the text so far may be passed on now."""
        if self.declared is not None:
            return "" if self.declared else text
        self._held += text
        start = self._held.lstrip()
        if start.startswith(NOT_IN_DOCS):
            self.declared = True
            return ""
        if NOT_IN_DOCS.startswith(start):
            return ""
        return self.close()

    def close(self) -> str:
        """The text held back, once no more can come."""
        self.declared = bool(self.declared)
        held, self._held = self._held, ""
        return "" if self.declared else held
