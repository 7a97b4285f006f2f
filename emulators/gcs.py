"""The calls of Cloud Storage that docchat and google-cloud-storage make, over JSON and XML.

`python -m emulators.gcs --port 8083` serves buckets of any name, empty at first; then
`STORAGE_BASE_URL=http://127.0.0.1:8083`.
"""

import argparse
import json
import re
import uuid
from collections.abc import Mapping
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from http import HTTPStatus
from typing import cast

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from emulators.faults import Fault, Faults, Faulty
from emulators.gcs_objects import Buckets, Json, StoredObject, Upload
from emulators.google_errors import GoogleError, error_body, error_response, not_found
from emulators.server import serve_forever

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_PART = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")
_MOST_LISTED = 1000


def create_app(buckets: Buckets | None = None) -> Starlette:
    """Serves the JSON API under `/storage/v1`, `/upload` and `/download`, and reads over XML.

    `app.state.faults` is the plan of what goes wrong; its methods are `insert`, `get`, `list`,
    `delete` and `read` (of content, over either API), each followed by `/` and the object's name.
    """
    store, faults = buckets or Buckets(), Faults()
    routes = _Routes(store)
    objects = "/storage/v1/b/{bucket}/o"
    app = Starlette(
        routes=[
            Route(objects, routes.list),
            Route(objects + "/{name:path}", routes.get),
            Route(objects + "/{name:path}", routes.delete, methods=["DELETE"]),
            Route(f"/upload{objects}", routes.insert, methods=["POST", "PUT"]),
            Route(f"/download{objects}/{{name:path}}", routes.read),
            Route("/{bucket}/{name:path}", routes.read),
        ],
        exception_handlers={GoogleError: error_response},
        middleware=[Middleware(Faulty, faults=faults, method_of=_method)],
    )
    app.state.buckets, app.state.faults = store, faults
    return app


class _Routes:
    def __init__(self, store: Buckets) -> None:
        self._store = store

    async def list(self, request: Request) -> Response:
        bucket, prefix = request.path_params["bucket"], request.query_params.get("prefix", "")
        found = sorted(
            (name, stored)
            for (where, name), stored in self._store.objects.items()
            if where == bucket and name.startswith(prefix)
        )
        items = [stored.resource(bucket, name) for name, stored in found[:_MOST_LISTED]]
        return JSONResponse({"kind": "storage#objects", "items": items})

    async def get(self, request: Request) -> Response:
        if request.query_params.get("alt") == "media":
            return await self.read(request)
        bucket, name = request.path_params["bucket"], request.path_params["name"]
        return JSONResponse(self._store.get(bucket, name).resource(bucket, name))

    async def delete(self, request: Request) -> Response:
        bucket, name = request.path_params["bucket"], request.path_params["name"]
        self._store.get(bucket, name)
        self._store.match((bucket, name), request.query_params.get("ifGenerationMatch"))
        del self._store.objects[bucket, name]
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def read(self, request: Request) -> Response:
        bucket, name = request.path_params["bucket"], request.path_params["name"]
        stored = self._store.get(bucket, name)
        self._store.match((bucket, name), request.query_params.get("ifGenerationMatch"))
        headers = _headers(stored)
        if request.headers.get("if-none-match") == stored.etag:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        return _content(stored, request.headers.get("range", ""), headers)

    async def insert(self, request: Request) -> Response:
        bucket, asked = request.path_params["bucket"], request.query_params
        body, known = await request.body(), asked.get("ifGenerationMatch")
        if asked.get("uploadType") == "multipart":
            wanted, content = _parts(request.headers["content-type"], body)
            return self._stored(bucket, wanted, content, known)
        if upload_id := asked.get("upload_id"):
            return self._resumed(upload_id, request.headers.get("content-range", ""), body)
        wanted = json.loads(body or b"{}")
        wanted.setdefault("name", asked.get("name"))
        wanted.setdefault("contentType", request.headers.get("x-upload-content-type", ""))
        upload_id = uuid.uuid4().hex
        self._store.uploads[upload_id] = Upload(bucket, wanted, known)
        return Response(headers={"location": f"{request.url}&upload_id={upload_id}"})

    def _resumed(self, upload_id: str, part: str, body: bytes) -> Response:
        upload = self._store.uploads.get(upload_id)
        if upload is None:
            raise not_found("No such upload.")
        match = _PART.fullmatch(part)
        start, total = match.groups() if match else ("0", str(len(body)))
        if start is not None:
            del upload.content[int(start) :]
            upload.content += body
        if total == "*" or len(upload.content) < int(total):
            had = {"range": f"bytes=0-{len(upload.content) - 1}"} if upload.content else {}
            return Response(status_code=HTTPStatus.PERMANENT_REDIRECT, headers=had)
        del self._store.uploads[upload_id]
        return self._stored(upload.bucket, upload.wanted, bytes(upload.content), upload.known)

    def _stored(self, bucket: str, wanted: Json, content: bytes, known: str | None) -> Response:
        made = self._store.put(bucket, wanted, content, known)
        return JSONResponse(made.resource(bucket, wanted["name"]))


def _headers(stored: StoredObject) -> Mapping[str, str]:
    return {
        "etag": stored.etag,
        "x-goog-generation": str(stored.generation),
        "cache-control": stored.cache_control or "private, max-age=0",
        "content-type": stored.kind or "application/octet-stream",
    }


def _content(stored: StoredObject, asked: str, headers: Mapping[str, str]) -> Response:
    match = _RANGE.fullmatch(asked)
    if match is None:
        return Response(stored.content, headers=headers)
    size, start = len(stored.content), int(match[1])
    if start >= size:
        return Response(status_code=HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
    end = min(int(match[2] or size - 1), size - 1)
    where = {"content-range": f"bytes {start}-{end}/{size}"}
    part = stored.content[start : end + 1]
    return Response(part, HTTPStatus.PARTIAL_CONTENT, {**headers, **where})


def _parts(kind: str, body: bytes) -> tuple[Json, bytes]:
    """The metadata and the content of a multipart upload."""
    parsed = BytesParser(EmailMessage, policy=HTTP).parsebytes(
        b"content-type: " + kind.encode() + b"\r\n\r\n" + body
    )
    metadata, media = parsed.iter_parts()
    wanted = json.loads(metadata.get_content())
    wanted.setdefault("contentType", media.get_content_type())
    return wanted, cast("bytes", media.get_payload(decode=True))


def _method(scope: Scope) -> str:
    path = scope["path"].removeprefix("/")
    if path.startswith("upload/"):
        return "insert"
    if not path.startswith("storage/"):
        return f"read/{path.rpartition('/')[2]}"
    name = path.rpartition("/")[2] if path.count("/o/") else ""
    return f"{'delete' if scope['method'] == 'DELETE' else 'get' if name else 'list'}/{name}"


def _refusal(code: HTTPStatus, status: str, message: str) -> Fault:
    return Fault(status=code, body=error_body(code, status, message))


FORBIDDEN = _refusal(
    HTTPStatus.FORBIDDEN,
    "PERMISSION_DENIED",
    "The caller does not have storage.objects.get access to the Google Cloud Storage object.",
)
UNAVAILABLE = _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "UNAVAILABLE", "Backend Error")


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m emulators.gcs", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 chooses a free one")
    options = parser.parse_args()
    serve_forever(create_app(), name="Cloud Storage", port=options.port)


if __name__ == "__main__":
    main()
