import subprocess
import sys
from collections.abc import Iterator

import pytest
from google.api_core import exceptions
from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import secretmanager

from emulators.secret_manager import SecretStore, create_app
from emulators.server import serve_in_thread

NAME = "projects/p/secrets/key/versions/"


@pytest.fixture
def store() -> SecretStore:
    return SecretStore({"key": [b"one", b"two"]})


def client_of(url: str) -> secretmanager.SecretManagerServiceClient:
    return secretmanager.SecretManagerServiceClient(
        transport="rest",
        credentials=AnonymousCredentials(),  # type: ignore[no-untyped-call]
        client_options=ClientOptions(api_endpoint=url),
    )


@pytest.fixture
def client(store: SecretStore) -> Iterator[secretmanager.SecretManagerServiceClient]:
    with serve_in_thread(create_app(store)) as url:
        yield client_of(url)


def read(client: secretmanager.SecretManagerServiceClient, name: str) -> tuple[str, bytes]:
    reply = client.access_secret_version(name=name, retry=None, timeout=5)
    return reply.name, reply.payload.data


def test_latest_is_the_newest_version_and_numbers_stay(
    client: secretmanager.SecretManagerServiceClient, store: SecretStore
) -> None:
    assert read(client, f"{NAME}latest") == (f"{NAME}2", b"two")
    store.rotate("key", b"three")
    assert read(client, f"{NAME}latest") == (f"{NAME}3", b"three")
    assert read(client, f"{NAME}1") == (f"{NAME}1", b"one")
    assert store.reads == {"key": 3}


@pytest.mark.parametrize(
    "name", [f"{NAME}3", f"{NAME}0", f"{NAME}newest", f"{NAME}1".replace("key", "x")]
)
def test_what_is_not_there_is_not_found(
    client: secretmanager.SecretManagerServiceClient, name: str
) -> None:
    with pytest.raises(exceptions.NotFound):
        read(client, name)


def test_disabled_and_denied_are_refused_as_the_api_does(
    client: secretmanager.SecretManagerServiceClient, store: SecretStore
) -> None:
    store.disable("key", 2)
    with pytest.raises(exceptions.BadRequest, match="DISABLED"):
        read(client, f"{NAME}latest")
    store.denied.add("key")
    with pytest.raises(exceptions.Forbidden):
        read(client, f"{NAME}1")


def test_it_runs_from_the_command_line() -> None:
    command = [sys.executable, "-m", "emulators.secret_manager", "key=a=b"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().split()[-1]
        assert read(client_of(url), f"{NAME}latest") == (f"{NAME}1", b"a=b")
        process.terminate()
