"""Routes whose SDKs are imported where they are switched on, and nowhere else."""

import asyncio
import functools
from collections.abc import Callable

from starlette.responses import Response

from docchat.errors import Misconfigured, NotFound, SwitchedOff
from docchat.setting_types import ChatMode, Switch
from docchat.settings import Settings
from docchat.web.app import Call, Endpoint


class OptionalRoute:
    """A route that a setting of its name switches on.

    Args:
        name: of the setting, and of the file in requirements/.
        off: what a caller reads while it is off.
        settings: gives the site's.
        make: imports the SDK and builds the endpoint.
    """

    def __init__(
        self, name: str, off: str, settings: Callable[[], Settings], make: Callable[[], Endpoint]
    ) -> None:
        self._name = name
        self._off = off
        self._settings = settings
        self._make = make

    @property
    def is_on(self) -> bool:
        """Whether the operator has switched it on."""
        return getattr(self._settings(), self._name) is Switch.ON

    @functools.cached_property
    def endpoint(self) -> Endpoint:
        """The route with its SDK; raises `Misconfigured` where that is not installed."""
        try:
            return self._make()
        except ModuleNotFoundError as exc:
            packages = f"the packages of requirements/{self._name}.txt"
            text = f"{self._name.upper()}=on needs {packages}: no {exc.name}"
            raise Misconfigured(text) from exc

    async def __call__(self, call: Call) -> Response:
        """Serve one request.

        Raises:
            NotFound: the route is off.
            SwitchedOff: the whole chat is.
        """
        if not self.is_on:
            raise NotFound(f"{self._name.upper()}=off: the route is off", detail=self._off)
        if self._settings().chat_mode is ChatMode.OFF:
            raise SwitchedOff("CHAT_MODE=off")
        endpoint = await asyncio.to_thread(lambda: self.endpoint)
        return await endpoint(call)
