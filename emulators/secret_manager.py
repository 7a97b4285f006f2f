"""The one call of Secret Manager that docchat makes, over REST.

`python -m emulators.secret_manager NAME=VALUE…` serves secrets of the project `local`.
"""

import argparse
import base64
from collections import Counter
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import google_crc32c
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulators.google_errors import GoogleError, error_response, not_found
from emulators.server import serve_forever


class SecretStore:
    """Secrets with their versions, which tests change while the emulator runs.

    Attributes:
        reads: how often each secret was asked for.
        corrupt: secrets that are sent with a wrong checksum.
        denied: secrets that nobody may read.
    """

    def __init__(self, secrets: Mapping[str, Sequence[bytes]]) -> None:
        self._versions: dict[str, list[bytes | None]] = {n: [*v] for n, v in secrets.items()}
        self.reads: Counter[str] = Counter()
        self.corrupt: set[str] = set()
        self.denied: set[str] = set()

    def rotate(self, secret: str, value: bytes) -> None:
        """Add a version, which is the latest from now on."""
        self._versions.setdefault(secret, []).append(value)

    def disable(self, secret: str, version: int) -> None:
        """Take a version, counted from 1, out of use."""
        self._versions[secret][version - 1] = None

    def access(self, secret: str, version: str) -> tuple[int, bytes]:
        """The version's number and value.

        Raises:
            GoogleError: as the API's.
        """
        self.reads[secret] += 1
        if secret in self.denied:
            code, status = HTTPStatus.FORBIDDEN, "PERMISSION_DENIED"
            raise GoogleError(code, status, f"Permission denied on resource {secret}.")
        versions = self._versions.get(secret, [])
        number = len(versions) if version == "latest" else int(version) if version.isdigit() else 0
        if not 0 < number <= len(versions):
            raise not_found(f"Secret Version [{secret}/versions/{version}] not found.")
        value = versions[number - 1]
        if value is None:
            why = f"Secret Version [{secret}/versions/{number}] is in DISABLED state."
            raise GoogleError(HTTPStatus.BAD_REQUEST, "FAILED_PRECONDITION", why)
        return number, value


def create_app(secrets: Mapping[str, Sequence[bytes]] | SecretStore) -> Starlette:
    """Serves `projects/{any}/secrets/{name}/versions/{latest or a number}`.

    Args:
        secrets: name → its versions, oldest first; or a store to change later.
    """
    store = secrets if isinstance(secrets, SecretStore) else SecretStore(secrets)

    async def access(request: Request) -> Response:
        project, secret, version = (
            request.path_params[k] for k in ("project", "secret", "version")
        )
        number, value = store.access(secret, version)
        checksum = google_crc32c.value(value) ^ (secret in store.corrupt)
        payload = {"data": base64.b64encode(value).decode(), "dataCrc32c": str(checksum)}
        name = f"projects/{project}/secrets/{secret}/versions/{number}"
        return JSONResponse({"name": name, "payload": payload})

    path = "/v1/projects/{project}/secrets/{secret}/versions/{version}:access"
    return Starlette(routes=[Route(path, access)], exception_handlers={GoogleError: error_response})


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
