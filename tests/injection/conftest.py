from tests.functions.conftest import empty_folder, gemini_url, variables  # noqa: F401 - fixtures
