import subprocess
import sys
from collections.abc import Iterator

import google_crc32c
import pytest
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import InvalidOperation
from google.cloud import secretmanager
from starlette.applications import Starlette

from emulators.faults import Fault, Faults
from emulators.secret_manager import (
    CORRUPT,
    NOT_FOUND,
    PERMISSION_DENIED,
    QUOTA_EXCEEDED,
    UNAUTHENTICATED,
    UNAVAILABLE,
    SecretStore,
    create_app,
)
from emulators.server import serve_in_thread

NAME = "projects/p/secrets/key/versions/"


@pytest.fixture
def app() -> Starlette:
    return create_app({"key": [b"one", b"two"]})


@pytest.fixture
def store(app: Starlette) -> SecretStore:
    found: SecretStore = app.state.store
    return found


@pytest.fixture
def faults(app: Starlette) -> Faults:
    found: Faults = app.state.faults
    return found


def client_of(url: str) -> secretmanager.SecretManagerServiceClient:
    return secretmanager.SecretManagerServiceClient(
        transport="rest",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options=ClientOptions(api_endpoint=url),
    )


@pytest.fixture
def client(app: Starlette) -> Iterator[secretmanager.SecretManagerServiceClient]:
    with serve_in_thread(app) as url:
        yield client_of(url)


def read(client: secretmanager.SecretManagerServiceClient, name: str) -> tuple[str, bytes]:
    reply = client.access_secret_version(name=name, retry=None, timeout=5)
    return reply.name, reply.payload.data


def test_latest_is_the_newest_version_and_numbers_stay(
    client: secretmanager.SecretManagerServiceClient, store: SecretStore, faults: Faults
) -> None:
    assert read(client, f"{NAME}latest") == (f"{NAME}2", b"two")
    store.rotate("key", b"three")
    assert read(client, f"{NAME}latest") == (f"{NAME}3", b"three")
    assert read(client, f"{NAME}1") == (f"{NAME}1", b"one")
    assert faults.calls == {"access/key": 3}


@pytest.mark.parametrize(
    "name", [f"{NAME}3", f"{NAME}0", f"{NAME}newest", f"{NAME}1".replace("key", "x")]
)
def test_what_is_not_there_is_not_found(
    client: secretmanager.SecretManagerServiceClient, name: str
) -> None:
    with pytest.raises(exceptions.NotFound):
        read(client, name)


@pytest.mark.parametrize("state", ["DISABLED", "DESTROYED"])
def test_a_version_out_of_use_is_refused_as_the_api_does(
    client: secretmanager.SecretManagerServiceClient, store: SecretStore, state: str
) -> None:
    store.disable("key", 2, state)
    with pytest.raises(exceptions.BadRequest, match=f"is in {state} state"):
        read(client, f"{NAME}latest")
    assert read(client, f"{NAME}1") == (f"{NAME}1", b"one")


@pytest.mark.parametrize(
    ("fault", "raised"),
    [
        (PERMISSION_DENIED, exceptions.Forbidden),
        (NOT_FOUND, exceptions.NotFound),
        (UNAUTHENTICATED, InvalidOperation),  # the client tries to renew a token it has not
        (QUOTA_EXCEEDED, exceptions.TooManyRequests),
        (UNAVAILABLE, exceptions.ServiceUnavailable),
    ],
)
def test_each_refusal_is_what_the_client_knows_it_by(
    client: secretmanager.SecretManagerServiceClient,
    faults: Faults,
    fault: Fault,
    raised: type[Exception],
) -> None:
    faults.add("access/key", fault, times=1)
    with pytest.raises(raised):
        read(client, f"{NAME}latest")
    assert read(client, f"{NAME}latest") == (f"{NAME}2", b"two")


def test_a_corrupt_value_comes_with_the_checksum_of_another(
    client: secretmanager.SecretManagerServiceClient, faults: Faults
) -> None:
    faults.add("access/key", CORRUPT)
    reply = client.access_secret_version(name=f"{NAME}latest", retry=None, timeout=5)
    assert reply.payload.data == b"two"
    assert reply.payload.data_crc32c != google_crc32c.value(b"two")


def test_it_runs_from_the_command_line() -> None:
    command = [sys.executable, "-m", "emulators.secret_manager", "key=a=b"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().split()[-1]
        assert read(client_of(url), f"{NAME}latest") == (f"{NAME}1", b"a=b")
        process.terminate()
