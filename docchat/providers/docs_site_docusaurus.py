"""The docs of a Docusaurus project: every version and every locale, without running its code."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from docchat.core.js_literals import Value, objects
from docchat.providers.docs_site_tree import Tree, below, has_path

_PLUGIN = "docusaurus-plugin-content-docs"
_CURRENT = "current"
_MAX_CONFIG_CHARS = 512 * 1024

Options = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class _Site:
    """What the configuration says of the whole site."""

    root: Path
    base: str
    docs_url: str | None  # where the operator says the main docs are
    trailing_slash: bool | None
    default_locale: str
    locales: Mapping[str, str]  # and the names of their folders


def docusaurus_trees(root: Path, config: Path, site_url: str) -> list[Tree]:
    """The folders of pages of a project.

    Only what the configuration writes as literals is known; the rest has its defaults.

    Args:
        root: the project's folder.
        config: its `docusaurus.config.*`.
        site_url: an address without a path is the site's; one with a path is that of the main
            docs, in the latest version and the default locale.
    """
    source = config.read_text(encoding="utf-8", errors="replace")[:_MAX_CONFIG_CHARS]
    found = [one for one in objects(source) if {"presets", "plugins", "baseUrl"} & one.keys()]
    options = found[-1] if found else {}
    instances = list(_instances(options))
    site = _site(root, options, site_url, _text(instances[0], "routeBasePath", "docs"))
    return [tree for number, one in enumerate(instances) for tree in _trees(site, one, number)]


def _instances(config: Options) -> Iterator[Options]:
    """The options of each docs plugin, the preset's first."""
    of_preset: list[Value] = [
        entry[1].get("docs", {})
        for entry in _list(config, "presets")
        if isinstance(entry, list) and len(entry) > 1 and isinstance(entry[1], dict)
    ]
    of_plugins: list[Value] = [
        entry[1]
        for entry in _list(config, "plugins")
        if isinstance(entry, list) and len(entry) > 1 and "content-docs" in str(entry[0])
    ]
    found = [one for one in [*of_preset, *of_plugins] if isinstance(one, dict)]
    yield from found or [{}]


def _site(root: Path, config: Options, site_url: str, route: str) -> _Site:
    given = site_url.rstrip("/")
    if has_path(given):
        base = given.removesuffix(f"/{route.strip('/')}") if route.strip("/") else given
    else:
        base = below(given, _text(config, "baseUrl", "/"))
    slash = config.get("trailingSlash")
    i18n = _dict(config, "i18n")
    default = _text(i18n, "defaultLocale", "en")
    names = [name for name in _list(i18n, "locales") if isinstance(name, str)]
    folders = {
        name: _text(_dict(_dict(i18n, "localeConfigs"), name), "path", name)
        for name in names or [default]
    }
    docs_url = given if has_path(given) else None
    return _Site(root, base, docs_url, slash if isinstance(slash, bool) else None, default, folders)


def _trees(site: _Site, options: Options, number: int) -> Iterator[Tree]:
    """The folders of one docs plugin: of every version, in every locale."""
    plugin_id = _text(options, "id", "default")
    infix = "" if plugin_id == "default" else f"{plugin_id}_"
    route = _text(options, "routeBasePath", "docs")
    main = site.root / _text(options, "path", "docs")
    for version, path in _versions(site.root, options, infix):
        stored = f"{infix}versioned_docs/version-{version}"
        name = _CURRENT if version == _CURRENT else f"version-{version}"
        suffix = "" if plugin_id == "default" else f"-{plugin_id}"
        inside = f"{_PLUGIN}{suffix}/{name}"
        translated = {
            locale: site.root / "i18n" / folder / inside
            for locale, folder in site.locales.items()
            if locale != site.default_locale
        }
        for locale in site.locales:
            is_default = locale == site.default_locale
            folder = site.root / stored if version != _CURRENT else main
            folder = folder if is_default else translated[locale]
            url = below(site.base, "" if is_default else locale, route, path)
            if is_default and number == 0 and site.docs_url:
                url = below(site.docs_url, path)
            is_main = is_default and version == _CURRENT and number == 0
            if folder.is_dir() or is_main:
                yield Tree(
                    folder=folder,
                    root=site.root,
                    url=url,
                    prefix="" if is_main else _shown(folder, site.root),
                    version=version,
                    locale=locale,
                    translations=tuple(translated.values()) if is_default else (),
                    trailing_slash=site.trailing_slash,
                    number_prefixes=options.get("numberPrefixParser") is not False,
                )


def _shown(folder: Path, root: Path) -> str:
    return f"{folder.relative_to(root).as_posix() if folder.is_relative_to(root) else folder.name}/"


def _versions(root: Path, options: Options, infix: str) -> Iterator[tuple[str, str]]:
    """The names of the versions, and what stands for each in the address."""
    released = _released(root / f"{infix}versions.json")
    if options.get("disableVersioning") is True:
        released = []
    names = [_CURRENT, *released] if options.get("includeCurrentVersion") is not False else released
    only = [name for name in _list(options, "onlyIncludeVersions") if isinstance(name, str)]
    names = [name for name in names if name in only] if only else names
    last = _text(options, "lastVersion", released[0] if released else _CURRENT)
    for name in names:
        default = "" if name == last else "next" if name == _CURRENT else name
        yield name, _text(_dict(_dict(options, "versions"), name), "path", default)


def _released(file: Path) -> list[str]:
    """The names in `versions.json`, the latest first; a broken file is as good as none."""
    try:
        loaded = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return []
    names = loaded if isinstance(loaded, list) else []
    return [name for name in names if isinstance(name, str) and name and "/" not in name]


def _text(options: Options, key: str, default: str) -> str:
    value = options.get(key)
    return value if isinstance(value, str) else default


def _list(options: Options, key: str) -> list[Value]:
    value = options.get(key)
    return value if isinstance(value, list) else []


def _dict(options: Options, key: str) -> Options:
    value = options.get(key)
    return value if isinstance(value, dict) else {}
