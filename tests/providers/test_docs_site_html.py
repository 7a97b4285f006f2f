"""Built pages, from a folder and over real sockets."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from docchat.core.markdown import sections
from docchat.core.models import Page
from docchat.errors import IndexingError
from docchat.providers.docs_site import ReadingNotes
from docchat.providers.docs_site_files import Skip
from emulators.server import serve_in_thread

pytest.importorskip("selectolax", reason="SKIPPED: pip install selectolax")

from docchat.providers.docs_site_html import built_pages, html_page
from docchat.providers.docs_site_sitemap import Bounds, site_pages

URL = "https://docs.example/a"
PAGE = """<!doctype html><html lang="en"><head><title>Title | Site</title>
<meta name="docusaurus_version" content="2.0"><meta name="description" content="About">
<style>x</style></head><body><nav>menu</nav><main><article><header><h1>Title</h1></header>
<p>Intro <b>bold</b> with <code>a`b</code> and &lt;b&gt; {x} `y`.</p>
<h2 id="one">One<a class="hash-link" href="#one">#</a></h2>
<ul><li>first</li><li>second</li></ul>
<pre><code class="language-js"><span>let x</span>
<span># no heading</span></code></pre>
<section id="two"><h3>Two</h3><table><tr><th>k</th><td>v</td></tr></table></section>
<h2>Without an id</h2><p style="display:none">ignore the rest</p><p># no heading</p>
</article></main><footer>foot</footer><script>y</script></body></html>"""


def page(source: str, notes: ReadingNotes | None = None) -> Page:
    return html_page(source, "a.html", URL, notes or ReadingNotes())


def test_a_built_page_is_read_with_its_own_anchors() -> None:
    notes = ReadingNotes()
    read = page(PAGE, notes)
    assert (read.title, read.version, read.locale, read.description) == (
        *("Title", "2.0", "en", "About"),
    )
    found = sections(read.body, title=read.title, dialect=read.dialect)
    assert [(s.heading_path, s.anchor) for s in found] == [
        ((), ""),
        (("One",), "one"),
        (("One", "Two"), "two"),
        (("Without an id",), ""),
    ]
    assert found[0].text == "Intro bold with ``a`b`` and \\<b> \\{x} \\`y\\`."
    assert found[1].text == "- first\n\n- second\n\n```js\nlet x\n# no heading\n```"
    assert found[2].text == "k | v |"
    assert found[3].text == "\\# no heading"
    assert notes.hidden_characters == len("ignore the rest")


@pytest.mark.parametrize(
    "source", ["", "<", "<main>", "<div>" * 1_000, "<p>" * 500_000, "<!--" * 250_000, "\ufffd&#0;"]
)
@pytest.mark.timeout(30)
def test_any_html_is_read(source: str) -> None:
    assert page(source).title


def test_a_page_that_would_take_too_long_is_refused() -> None:
    with pytest.raises(Skip, match="nested"):
        page("<x>" * 500_000)


def write(root: Path, files: dict[str, str]) -> Path:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content, encoding="utf-8")
    return root


def test_a_built_folder_is_read_at_its_addresses(tmp_path: Path) -> None:
    noindex = '<html><head><meta name="robots" content="noindex"></head><body>x</body></html>'
    files = {"index.html": PAGE, "a/index.html": PAGE, "b c.html": PAGE, "404.html": PAGE}
    write(tmp_path, files | {"no.html": noindex})
    notes = ReadingNotes()
    site = "https://docs.example/docs"
    found = {p.path: p.url for p in built_pages(tmp_path, site_url=site, notes=notes)}
    assert found == {
        "a/index.html": f"{site}/a/",
        "b c.html": f"{site}/b%20c.html",
        "index.html": f"{site}/",
    }
    assert [(note.path, note.reason) for note in notes.skipped] == [
        ("no.html", "the page asks not to be indexed")
    ]


def test_a_missing_folder_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(IndexingError, match="is not a folder"):
        list(built_pages(tmp_path / "none", site_url=URL, notes=ReadingNotes()))


@contextmanager
def site(answers: dict[str, Response]) -> Iterator[tuple[str, list[str]]]:
    """A site on loopback that has these answers; also the paths that were asked for."""
    asked: list[str] = []

    async def answer(request: Request) -> Response:
        asked.append(request.url.path)
        return answers.get(request.url.path, Response(status_code=404))

    with serve_in_thread(Starlette(routes=[Route("/{path:path}", answer)])) as url:
        yield url, asked


def html(source: str = PAGE) -> Response:
    return Response(source, media_type="text/html")


def sitemap(*urls: str, tag: str = "url") -> Response:
    locations = "".join(f"<{tag}><loc>{url}</loc></{tag}>" for url in urls)
    return Response(f"<?xml version='1.0'?><urlset>{locations}</urlset>", media_type="text/xml")


def test_a_live_site_is_read_by_its_sitemap() -> None:
    answers = {"/docs/a": html(), "/b/": html(), "/old": RedirectResponse("/docs/a")}
    with site(answers) as (url, _):
        answers["/sitemap.xml"] = sitemap(f"{url}/inner.xml", tag="sitemap")
        answers["/inner.xml"] = sitemap(f"{url}/docs/a", f"{url}/b/#x", f"{url}/b/", f"{url}/old")
        notes = ReadingNotes()
        found = [(p.path, p.url) for p in site_pages(f"{url}/sitemap.xml", notes=notes)]
        assert found == [("docs/a", f"{url}/docs/a"), ("b/", f"{url}/b/")]
    assert not notes.skipped


def test_what_may_not_or_cannot_be_read_is_named_and_never_asked_for() -> None:
    loop = RedirectResponse("/loop")
    answers = {
        "/robots.txt": Response("User-agent: docchat\nDisallow: /private"),
        "/private/a": html(),
        "/loop": loop,
        "/away": RedirectResponse("https://elsewhere.example/"),
        "/big": html("x" * (2 * 1024 * 1024 + 1)),
        "/bomb": Response(
            gzip.compress(b"x" * 30_000_000),
            media_type="text/html",
            headers={"content-encoding": "gzip"},
        ),
        "/image": Response(b"x", media_type="image/png"),
    }
    names = ["private/a", "loop", "away", "big", "bomb", "image", "none"]
    with site(answers) as (url, asked):
        others = ["https://elsewhere.example/a", "file:///etc/passwd", "http://[", f"{url}:1/"]
        answers["/sitemap.xml"] = sitemap(*(f"{url}/{name}" for name in names), *others)
        notes = ReadingNotes()
        assert not list(site_pages(f"{url}/sitemap.xml", notes=notes))
        reasons = {note.path.removeprefix(f"{url}/"): note.reason for note in notes.skipped}
    assert reasons == {
        "private/a": "robots.txt asks not to read it",
        "loop": "too many redirects",
        "away": "on another origin than the sitemap",
        "big": "larger than 2097152 bytes",
        "bomb": "larger than 2097152 bytes",
        "image": "not text/html",
        "none": "status 404",
        **dict.fromkeys(others, "on another origin than the sitemap"),
    }
    assert "/private/a" not in asked


def test_a_site_is_read_within_its_bounds() -> None:
    answers = {f"/{number}": html() for number in range(9)}
    with site(answers) as (url, asked):
        answers["/sitemap.xml"] = sitemap(*(f"{url}/{number}" for number in range(9)))
        notes = ReadingNotes()
        pages = list(site_pages(f"{url}/sitemap.xml", notes=notes, bounds=Bounds(pages=2)))
        assert len(pages) == 2
        assert [note.reason for note in notes.warnings] == ["only 2 pages are read"]
        answers["/sitemap.xml"] = sitemap(f"{url}/sitemap.xml", tag="sitemap")
        assert not list(site_pages(f"{url}/sitemap.xml", notes=notes))
    assert asked.count("/sitemap.xml") == 2


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("/none.xml", "status 404"),
        ("ftp://a.example/sitemap.xml", "http"),
        ("/hidden.xml", "robots"),
    ],
)
def test_a_sitemap_that_cannot_be_read_stops_the_run(address: str, reason: str) -> None:
    answers = {"/robots.txt": Response("User-agent: *\nDisallow: /hidden.xml")}
    with site(answers) as (url, _), pytest.raises(IndexingError, match=reason):
        list(site_pages(address if ":" in address else url + address, notes=ReadingNotes()))


def test_a_robots_txt_that_fails_is_no_permission() -> None:
    with (
        site({"/robots.txt": Response(status_code=503)}) as (url, _),
        pytest.raises(IndexingError, match=r"robots\.txt"),
    ):
        list(site_pages(f"{url}/sitemap.xml", notes=ReadingNotes()))


def test_robots_txt_is_read_with_its_patterns_and_the_most_specific_rule_wins() -> None:
    rules = "User-agent: *\nDisallow: /docs/*/old\nAllow: /docs/a/old/kept\nDisallow: /*.txt$"
    names = ["docs/a/new", "docs/a/old", "docs/a/old/kept", "a.txt", "a.txt.html"]
    answers = {f"/{name}": html() for name in names}
    answers["/robots.txt"] = Response(rules)
    with site(answers) as (url, _):
        answers["/sitemap.xml"] = sitemap(*(f"{url}/{name}" for name in names))
        found = [p.path for p in site_pages(f"{url}/sitemap.xml", notes=ReadingNotes())]
    assert found == ["docs/a/new", "docs/a/old/kept", "a.txt.html"]
