"""The one call of Secret Manager that docchat makes, over REST.

`python -m emulators.secret_manager NAME=VALUE…` serves secrets of the project `local`.
"""

import argparse
import base64
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import google_crc32c
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from emulators.faults import Fault, Faults, Faulty, named
from emulators.google_errors import (
    GoogleError,
    error_body,
    error_info,
    error_response,
    not_found,
)
from emulators.server import serve_forever

_PATH = re.compile(r"/v1/projects/[^/]+/secrets/(?P<secret>[^/]+)/versions/[^/]+:access")


class SecretStore:
    """Secrets with their versions, which tests change while the emulator runs."""

    def __init__(self, secrets: Mapping[str, Sequence[bytes]]) -> None:
        self._versions: dict[str, list[bytes | str]] = {n: [*v] for n, v in secrets.items()}

    def rotate(self, secret: str, value: bytes) -> int:
        """Add a version, which is the latest from now on; returns its number."""
        versions = self._versions.setdefault(secret, [])
        versions.append(value)
        return len(versions)

    def disable(self, secret: str, version: int, state: str = "DISABLED") -> None:
        """Take a version, counted from 1, out of use; the other such state is `DESTROYED`."""
        self._versions[secret][version - 1] = state

    def access(self, secret: str, version: str) -> tuple[int, bytes]:
        """The version's number and value.

        Raises:
            GoogleError: as the API's.
        """
        versions = self._versions.get(secret, [])
        number = len(versions) if version == "latest" else int(version) if version.isdigit() else 0
        if not 0 < number <= len(versions):
            raise not_found(f"Secret Version [{secret}/versions/{version}] not found.")
        value = versions[number - 1]
        if isinstance(value, str):
            why = f"Secret Version [{secret}/versions/{number}] is in {value} state."
            raise GoogleError(HTTPStatus.BAD_REQUEST, "FAILED_PRECONDITION", why)
        return number, value


def create_app(secrets: Mapping[str, Sequence[bytes]] | SecretStore) -> Starlette:
    """Serves `projects/{any}/secrets/{name}/versions/{latest or a number}`.

    `app.state.faults` is the plan of what goes wrong; its methods are `access/NAME`. `CORRUPT` is
    the fault that this emulator does itself.

    Args:
        secrets: name → its versions, oldest first; or a store to change later.
    """
    store = secrets if isinstance(secrets, SecretStore) else SecretStore(secrets)
    faults = Faults()

    async def access(request: Request) -> Response:
        project, secret, version = (
            request.path_params[k] for k in ("project", "secret", "version")
        )
        number, value = store.access(secret, version)
        checksum = google_crc32c.value(value) ^ (named(request, CORRUPT.name) is not None)
        payload = {"data": base64.b64encode(value).decode(), "dataCrc32c": str(checksum)}
        name = f"projects/{project}/secrets/{secret}/versions/{number}"
        return JSONResponse({"name": name, "payload": payload})

    path = "/v1/projects/{project}/secrets/{secret}/versions/{version}:access"
    app = Starlette(
        routes=[Route(path, access)],
        exception_handlers={GoogleError: error_response},
        middleware=[Middleware(Faulty, faults=faults, method_of=_method)],
    )
    app.state.store, app.state.faults = store, faults
    return app


def _method(scope: Scope) -> str:
    match = _PATH.fullmatch(scope["path"])
    return f"access/{match['secret']}" if match else ""


def _refusal(code: HTTPStatus, status: str, message: str, reason: str) -> Fault:
    details = [error_info(reason, "secretmanager.googleapis.com")] if reason else []
    return Fault(status=code, body=error_body(code, status, message, *details))


CORRUPT = Fault(name="corrupt")
"""A value that is sent with the wrong checksum."""

PERMISSION_DENIED = _refusal(
    HTTPStatus.FORBIDDEN,
    "PERMISSION_DENIED",
    "Permission 'secretmanager.versions.access' denied for resource (or it may not exist).",
    "IAM_PERMISSION_DENIED",
)
NOT_FOUND = _refusal(HTTPStatus.NOT_FOUND, "NOT_FOUND", "Secret not found or has no versions.", "")
UNAUTHENTICATED = _refusal(
    HTTPStatus.UNAUTHORIZED,
    "UNAUTHENTICATED",
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie"
    " or other valid authentication credential.",
    "ACCESS_TOKEN_TYPE_UNSUPPORTED",
)
QUOTA_EXCEEDED = _refusal(
    HTTPStatus.TOO_MANY_REQUESTS,
    "RESOURCE_EXHAUSTED",
    "Quota exceeded for quota metric 'Access requests' and limit 'Access requests per minute'.",
    "RATE_LIMIT_EXCEEDED",
)
UNAVAILABLE = _refusal(
    HTTPStatus.SERVICE_UNAVAILABLE, "UNAVAILABLE", "The service is currently unavailable.", ""
)


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m emulators.secret_manager", description=__doc__)
    parser.add_argument("secrets", nargs="+", metavar="NAME=VALUE")
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    options = parser.parse_args()
    pairs = (secret.partition("=") for secret in options.secrets)
    app = create_app({name: [value.encode()] for name, _, value in pairs})
    serve_forever(app, name="Secret Manager", port=options.port)


if __name__ == "__main__":
    main()
