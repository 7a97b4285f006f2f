from pathlib import Path

import pytest

from docchat.errors import Misconfigured
from docchat.settings import Settings, environment

SECRET = "projects/p/secrets/gemini/versions/latest"


def test_nothing_set_gives_the_documented_defaults() -> None:
    settings = Settings.from_mapping({})
    assert settings.embedding_model == "gemini-embedding-001"
    assert settings.embedding_dimension == 768
    assert settings.generative_model == "gemini-3.8-flash"
    assert settings.qdrant_collection_name == "docs"
    assert settings.allowed_origins == frozenset()


def test_values_are_stripped_and_blank_ones_count_as_not_set() -> None:
    settings = Settings.from_mapping({"GEMINI_API_KEY": " k\n", "SITE_NAME": "  "})
    assert settings.gemini_api_key
    assert settings.gemini_api_key.get_secret_value() == "k"
    assert settings.site_name == "this documentation"


@pytest.mark.parametrize(
    ("variable", "value", "hint"),
    [
        ("EMBEDDING_DIMENSION", "many", "integer"),
        ("EMBEDDING_DIMENSION", "12", "128"),
        ("ABSTAIN_BELOW", "2", "less than or equal to 1"),
        ("GEMINI_API_KEY_SECRET", "gemini-key", "projects/PROJECT/secrets/NAME/versions/latest"),
        ("QDRANT_HOST", "http://qdrant.example.com:6333", "https://"),
        ("QDRANT_HOST", "qdrant.example.com", "path:FOLDER"),
        ("QDRANT_HOST", "path:", "path:FOLDER"),
        ("QDRANT_HOST", "https://qdrant.example.com:abc", "https://"),
        ("QDRANT_HOST", "https://qdrant.example.com:99999", "https://"),
        ("QDRANT_HOST", "https://user:word@qdrant.example.com", "https://"),
        ("SITE_URL", "https://docs.example.com/?x=1", "https://"),
        ("SITE_NAME", "two\nlines", "pattern"),
        ("SITE_RULES", "x" * 2001, "at most 2000"),
        ("LINK_HOSTS", "https://github.com", "without https://"),
        ("LINK_HOSTS", "github.com/path", "a path"),
        ("LINK_HOSTS", "*.github.com", "wildcard"),
        ("LINK_HOSTS", "github.com:99999", "hosts such as"),
        ("WORDINGS", "{", "must be JSON such as"),
        ("WORDINGS", "[]", "dictionary"),
        ("WORDINGS", '{"German": {}}', "pattern"),
        ("WORDINGS", '{"de": {"not_fond": "Nein."}}', "at de.not_fond Extra inputs"),
        ("WORDINGS", '{"de": {"not_found": ""}}', "at de.not_found String should have at least 1"),
        ("CHAT_MODE", "maybe", "'full', 'search' or 'off'"),
        ("QDRANT_COLLECTION_NAME", "my docs", "pattern"),
        ("GEMINI_BASE_URL", "http://evil.example.com", "https://"),
        ("SECRET_MANAGER_BASE_URL", "https://secrets.example.com", "on this machine"),
        ("ALLOWED_ORIGINS", "*", "exact origins"),
        ("ALLOWED_ORIGINS", "null", "exact origins"),
        ("ALLOWED_ORIGINS", "https://*.example.com", "wildcard"),
        ("ALLOWED_ORIGINS", "https://a b.example.com", "exact origins"),
        ("ALLOWED_ORIGINS", "https://user@docs.example.com", "exact origins"),
        ("ALLOWED_ORIGINS", "https://docs.example.com/", "without a path"),
        ("ALLOWED_ORIGINS", "https://docs.example.com:443", "default port"),
        ("ALLOWED_ORIGINS", "https://Docs.example.com", "lower case"),
        ("ALLOWED_ORIGINS", "https://ok.example.com,ftp://x.example.com", "exact origins"),
        ("SITE_URL", "docs.example.com", "https://"),
        ("CHATKIT", "yes", "'on' or 'off'"),
        ("CHATKIT_STORE", "memory", "'request' or 'qdrant'"),
        ("CHATKIT_RETENTION_DAYS", "0", "greater than or equal to 1"),
        ("ANSWER_DEADLINE_S", "0", "greater than 0"),
        ("FIRST_TOKEN_DEADLINE_S", "56", "more than ANSWER_DEADLINE_S"),
        ("IDLE_TIMEOUT_S", "56", "more than ANSWER_DEADLINE_S"),
    ],
)
def test_a_wrong_value_names_its_variable_and_what_to_set(
    variable: str, value: str, hint: str
) -> None:
    with pytest.raises(Misconfigured, match=variable) as refused:
        Settings.from_mapping({variable: value})
    assert hint in str(refused.value)


def test_threads_cannot_be_kept_without_a_qdrant_server() -> None:
    kept = {"CHATKIT_STORE": "qdrant"}
    with pytest.raises(Misconfigured, match="CHATKIT_STORE=qdrant needs a Qdrant server"):
        Settings.from_mapping({**kept, "QDRANT_HOST": "path:x"})
    Settings.from_mapping({**kept, "QDRANT_HOST": "https://qdrant.example.com"})


def test_every_wrong_value_is_named_at_once() -> None:
    with pytest.raises(Misconfigured, match=r"EMBEDDING_DIMENSION.*; QDRANT_HOST"):
        Settings.from_mapping({"QDRANT_HOST": "x", "EMBEDDING_DIMENSION": "x"})


def test_missing_values_are_named_with_what_to_set() -> None:
    with pytest.raises(Misconfigured, match=r"GEMINI_API_KEY is not set.*QDRANT_HOST is not set"):
        Settings.from_mapping({}).require_complete()
    complete = {"GEMINI_API_KEY_SECRET": SECRET, "QDRANT_HOST": "path:x"}
    Settings.from_mapping(complete).require_complete()


def test_origins_are_split_at_commas() -> None:
    origins = Settings.from_mapping(
        {"ALLOWED_ORIGINS": "https://a.example, http://127.0.0.1:8080 ,http://[::1]:8080"}
    ).allowed_origins
    assert origins == {"https://a.example", "http://127.0.0.1:8080", "http://[::1]:8080"}


def test_a_secret_cannot_be_printed() -> None:
    key = "AIza-not-a-real-key"
    settings = Settings.from_mapping({"GEMINI_API_KEY": key, "QDRANT_API_KEY": key})
    for shown in (repr(settings), str(settings), settings.model_dump_json(), f"{settings!r}"):
        assert key not in shown


def test_a_refused_value_is_not_repeated() -> None:
    with pytest.raises(Misconfigured) as refused:
        Settings.from_mapping({"GEMINI_API_KEY_SECRET": "AIza-pasted-in-the-wrong-place"})
    assert "AIza" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_settings_cannot_be_changed() -> None:
    settings = Settings.from_mapping({})
    with pytest.raises(ValueError, match="frozen"):
        settings.site_name = "other"  # type: ignore[misc]


def test_the_index_folder_is_what_follows_path() -> None:
    assert Settings.from_mapping({"QDRANT_HOST": "path:a/b"}).index_folder == Path("a/b")
    assert Settings.from_mapping({"QDRANT_HOST": "https://q.example"}).index_folder is None


def test_the_environment_wins_over_the_dotenv_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("SITE_NAME=file\nGENERATIVE_MODEL=file-model\n")
    monkeypatch.setenv("SITE_NAME", "process")
    monkeypatch.delenv("GENERATIVE_MODEL", raising=False)
    variables = environment(tmp_path / ".env")
    assert (variables["SITE_NAME"], variables["GENERATIVE_MODEL"]) == ("process", "file-model")
