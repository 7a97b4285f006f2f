"""Projects of Docusaurus, MkDocs and Hugo, as their configurations describe them."""

from pathlib import Path

import pytest

from docchat.core.models import Dialect
from docchat.errors import IndexingError
from docchat.providers.docs_site import ReadingNotes, SiteReading, pages, read_site

SITE = "https://docs.example"


def write(root: Path, files: dict[str, str]) -> Path:
    for path, content in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
    return root


def urls(root: Path, site_url: str = SITE) -> dict[str, str]:
    return {page.path: page.url for page in read_site(root, site_url=site_url).pages}


def origin(root: Path) -> dict[str, tuple[str, str]]:
    reading = read_site(root, site_url=SITE)
    return {page.path: (page.version, page.locale) for page in reading.pages}


def bodies(reading: SiteReading) -> dict[str, str]:
    return {page.path: " ".join(page.body.split()) for page in reading.pages}


def docusaurus(root: Path, options: str, **files: str) -> Path:
    config = f"export default {{ presets: [['classic', {{docs: {{{options}}}}}]] }};"
    named = {path.replace("__", "/") + ".md": text for path, text in files.items()}
    return write(root, {"docusaurus.config.ts": config, **named})


VERSIONED = {
    "versions.json": '["2.0", "1.0"]',
    "docs/a.md": "a",
    "versioned_docs/version-2.0/a.md": "a",
    "versioned_docs/version-1.0/a.md": "a",
}
V1, V2 = "versioned_docs/version-1.0/a.md", "versioned_docs/version-2.0/a.md"


def test_the_latest_version_has_the_short_address(tmp_path: Path) -> None:
    write(docusaurus(tmp_path, ""), VERSIONED)
    assert urls(tmp_path) == {
        "a.md": f"{SITE}/docs/next/a",
        V2: f"{SITE}/docs/a",
        V1: f"{SITE}/docs/1.0/a",
    }
    assert origin(tmp_path) == {"a.md": ("current", "en"), V2: ("2.0", "en"), V1: ("1.0", "en")}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("lastVersion: 'current'", {"a.md": "/docs/a", V2: "/docs/2.0/a", V1: "/docs/1.0/a"}),
        (
            "versions: {current: {label: 'Next', path: 'edge'}, '1.0': {path: 'old'}}",
            {"a.md": "/docs/edge/a", V2: "/docs/a", V1: "/docs/old/a"},
        ),
        ("includeCurrentVersion: false", {V2: "/docs/a", V1: "/docs/1.0/a"}),
        ("onlyIncludeVersions: ['current', '2.0']", {"a.md": "/docs/next/a", V2: "/docs/a"}),
        ("disableVersioning: true", {"a.md": "/docs/a"}),
        ("routeBasePath: '/', onlyIncludeVersions: ['1.0']", {V1: "/1.0/a"}),
    ],
)
def test_versions_follow_the_options_of_docusaurus(
    tmp_path: Path, options: str, expected: dict[str, str]
) -> None:
    write(docusaurus(tmp_path, options), VERSIONED)
    assert urls(tmp_path) == {path: SITE + url for path, url in expected.items()}


def test_a_broken_list_of_versions_is_as_good_as_none(tmp_path: Path) -> None:
    for broken in ("{", "3", '["../../etc"]', "[" * 100_000):
        write(docusaurus(tmp_path, ""), VERSIONED | {"versions.json": broken})
        assert urls(tmp_path) == {"a.md": f"{SITE}/docs/a"}


LOCALES = """
const locales = ['x'];
const config: Config = {
  baseUrl: '/base/',
  i18n: { defaultLocale: 'en', locales: ['en', 'fr', 'pt-BR'],
          localeConfigs: {'pt-BR': {path: 'brazil', label: "Português"}} } as const,
  presets: [], plugins: [
    ['@docusaurus/plugin-content-docs', {id: 'api', path: 'reference', routeBasePath: 'api'}],
    async () => ({name: 'other'}),
  ],
  trailingSlash: false,
};
export default config;
"""


def test_translations_and_other_docs_plugins_are_read(tmp_path: Path) -> None:
    plugin = "docusaurus-plugin-content-docs-api/current"
    files = {
        "docusaurus.config.ts": LOCALES,
        "reference/index.md": "a",
        f"i18n/fr/{plugin}/index.md": "a",
        f"i18n/brazil/{plugin}/sub/index.md": "a",
    }
    write(tmp_path, files)
    assert urls(tmp_path) == {
        "index.md": f"{SITE}/base/api",
        f"i18n/fr/{plugin}/index.md": f"{SITE}/base/fr/api",
        f"i18n/brazil/{plugin}/sub/index.md": f"{SITE}/base/pt-BR/api/sub",
    }
    locales = {path: locale for path, (_, locale) in origin(tmp_path).items()}
    assert locales["index.md"] == "", "a language lacks it, so it is for all of them"
    write(tmp_path, {f"i18n/brazil/{plugin}/index.md": "a"})
    assert {locale for _, locale in origin(tmp_path).values()} == {"en", "fr", "pt-BR"}


def test_partials_of_the_project_are_read_and_no_other_file(tmp_path: Path) -> None:
    project = docusaurus(
        tmp_path / "site",
        "",
        docs__a=(
            "import A from './_a.mdx';\nimport B from '@site/src/b.md';\n"
            "import C from '../../secret.md';\nimport D from './none.mdx';\n\n"
            "<A/>\n\n<B></B>\n\n<C/>\n\n<D/>\n"
        ),
        src__b="---\ntitle: t\n---\nfrom src",
    )
    write(tmp_path, {"secret.md": "from outside"})
    write(project, {"docs/_a.mdx": "import B from '@site/src/b.md'\n\nfrom a\n\n<B/>"})
    reading = read_site(project, site_url=SITE)
    (page,) = reading.pages
    text = page.body.partition("\n\n")[2]
    assert text.split() == ["from", "a", "from", "src", "from", "src", "<C/>", "<D/>"]
    assert [note.path for note in reading.warnings] == ["a.md", "a.md"]
    assert "leads out" in reading.warnings[0].reason
    assert "no such file" in reading.warnings[1].reason


def test_partials_that_include_each_other_come_to_an_end(tmp_path: Path) -> None:
    loop = "import A from './_a.mdx'\n\nx\n\n<A/>\n\n<A/>"
    docusaurus(tmp_path, "", docs__a=loop)
    write(tmp_path, {"docs/_a.mdx": loop})
    reading = read_site(tmp_path, site_url=SITE)
    assert len(reading.pages) == 1
    (note,) = reading.warnings  # once, however often it is included
    assert "too much" in note.reason


MKDOCS = """
site_url: https://elsewhere.example/en/stable/
docs_dir: content
markdown_extensions:
  - toc: {slugify: !!python/object/apply:pymdownx.slugs.slugify {kwds: {case: lower}}}
  - pymdownx.snippets: {base_path: [snippets]}
  - pymdownx.emoji:
      emoji_index: !!python/name:material.extensions.emoji.twemoji
  - admonition
extra: {version: !ENV [VERSION, "1"]}
"""


def test_an_mkdocs_project_says_where_its_docs_are(tmp_path: Path) -> None:
    files = {
        "mkdocs.yml": MKDOCS,
        "content/_a.md": '--8<-- "b.txt"',
        "content/index.md": "a",
        "content/README.md": "b",
        "content/Sub/README.md": "c",
        "snippets/b.txt": "from a snippet",
    }
    write(tmp_path, files)
    reading = read_site(tmp_path, site_url=SITE)
    assert {page.path: page.url for page in reading.pages} == {
        "Sub/README.md": f"{SITE}/en/stable/Sub/",
        "_a.md": f"{SITE}/en/stable/_a/",
        "index.md": f"{SITE}/en/stable/",
    }
    assert [note.path for note in reading.skipped] == ["README.md"]
    assert bodies(reading)["_a.md"] == "from a snippet"
    assert {page.dialect for page in reading.pages} == {Dialect.MKDOCS_UNICODE}


def test_an_mkdocs_site_may_have_its_pages_as_files(tmp_path: Path) -> None:
    write(tmp_path, {"mkdocs.yml": "use_directory_urls: false", "docs/a/b.md": "x"})
    assert urls(tmp_path, f"{SITE}/here") == {"a/b.md": f"{SITE}/here/a/b.html"}


@pytest.mark.parametrize("config", ["a: [", "- a", "a: b: c", "\t"])
def test_a_broken_configuration_stops_the_run_with_its_name(tmp_path: Path, config: str) -> None:
    write(tmp_path, {"mkdocs.yml": config, "docs/a.md": "x"})
    with pytest.raises(IndexingError, match=r"mkdocs\.yml"):
        read_site(tmp_path, site_url=SITE)


HUGO = """
baseURL = "https://elsewhere.example/docs/"
defaultContentLanguage = "en"
[params]
release = {latest = "v1.2"}
[languages.en]
contentDir = "content/en"
[languages.fr]
contentDir = "content/fr"
"""


def test_a_hugo_project_says_where_its_pages_are(tmp_path: Path) -> None:
    files = {
        "hugo.toml": HUGO,
        "content/en/_index.md": '+++\ntitle = "Home"\n+++\n{{< param release.latest >}}',
        "content/en/Guides/My Page.md": "\n---\ntitle: T\ndescription: >\n  D\n---\nx",
        "content/en/bundle/index.md": "---\nurl: /other/\ntags: [a, b]\n---\nx",
        "content/en/bundle/part.md": "x",
        "content/fr/_index.md": "x",
    }
    write(tmp_path, files)
    reading = read_site(tmp_path, site_url=SITE)
    found = {page.url: page for page in reading.pages}
    assert {url: page.locale for url, page in found.items()} == {
        f"{SITE}/docs/": "en",
        f"{SITE}/docs/guides/my-page/": "",
        f"{SITE}/docs/other/": "",
        f"{SITE}/docs/fr/": "fr",
    }
    home, guide = found[f"{SITE}/docs/"], found[f"{SITE}/docs/guides/my-page/"]
    assert (home.title, home.body) == ("Home", "v1.2")
    assert (guide.title, guide.description) == ("T", "D")
    assert found[f"{SITE}/docs/other/"].tags == ("a", "b")
    assert [note.path for note in reading.skipped] == ["bundle/part.md"]


def test_hidden_text_and_secrets_are_reported_and_the_secret_is_not(tmp_path: Path) -> None:
    key = "AKIA" + "ABCDEFGH23456789"
    write(tmp_path, {"a.md": f"text <!-- hidden -->\n\nkey: {key}\n"})
    reading = read_site(tmp_path, site_url=SITE)
    assert reading.hidden_characters == len("<!-- hidden -->")
    assert [note.path for note in reading.secrets] == ["a.md"]
    assert "line 3" in reading.secrets[0].reason
    assert key not in reading.secrets[0].reason


def test_two_pages_with_one_address_are_reported(tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "x", "b.md": "---\nslug: /a\n---\nx"})
    (note,) = read_site(tmp_path, site_url=SITE).warnings
    assert (note.path, note.reason) == ("b.md", "has the same address as a.md")


def test_pages_are_read_one_after_the_other(tmp_path: Path) -> None:
    write(tmp_path, {"a.md": "x", "b.md": "x"})
    reading = pages(tmp_path, site_url=SITE, notes=ReadingNotes())
    assert next(reading).path == "a.md"
    (tmp_path / "b.md").write_text("changed")
    assert next(reading).body == "changed"
