import json
import shutil
import tempfile
import uuid
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import qdrant_edge as edge
from qdrant_client import models

from emulators.qdrant.refusal import Refusal, engine_refusals
from emulators.qdrant.requests import layout


@dataclass(frozen=True, slots=True)
class Collection:
    """A shard, where it lies, and the request that made it."""

    shard: edge.EdgeShard
    folder: Path
    made_by: models.CreateCollection


class Store:
    """All collections and aliases; not for use by several threads at once.

    Args:
        folder: keeps everything between runs; None for a folder that goes with the store.
    """

    def __init__(self, folder: Path | None) -> None:
        self._durable = folder is not None
        self._folder = folder or Path(tempfile.mkdtemp(prefix="qdrant-emulator-"))
        self._catalog = self._folder / "catalog.json"
        self.collections: dict[str, Collection] = {}
        self.aliases: dict[str, str] = {}
        if self._durable:
            self._load()
        else:
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def create(self, name: str, request: models.CreateCollection) -> bool:
        """Make an empty collection."""
        self._refuse_taken(name)
        if name in self.aliases:
            text = f"Can't create collection with name {name}. Alias with the same name already"
            raise Refusal(400, f"Wrong input: {text} exists")
        folder = self._folder / uuid.uuid4().hex
        with engine_refusals():
            # Without the log a shard is made faster; it only matters when the process is killed.
            shard = edge.EdgeShard.create(str(folder), layout(request, wal=self._durable))
        self.collections[name] = Collection(shard, folder, request)
        self._save()
        return True

    def add_metadata(self, name: str, metadata: dict[str, Any]) -> bool:
        """Merge these fields into a collection's metadata."""
        made_by = self.find(name).made_by
        made_by.metadata = {**(made_by.metadata or {}), **metadata}
        self._save()
        return True

    def delete(self, name: str) -> bool:
        """Drop a collection and its aliases; says whether there was one."""
        collection = self.collections.pop(name, None)
        self.aliases = {alias: at for alias, at in self.aliases.items() if at != name}
        self._save()
        if collection is not None:
            collection.shard.close()
            shutil.rmtree(collection.folder)
        return collection is not None

    def find(self, name: str) -> Collection:
        """The collection of this name or alias."""
        return self._named(self.aliases.get(name, name), asked=name)

    def change_aliases(self, request: models.ChangeAliasesOperation) -> bool:
        """Apply all the actions, or none."""
        aliases = dict(self.aliases)
        for action in request.actions:
            match action:
                case models.CreateAliasOperation(create_alias=create):
                    self._named(create.collection_name, asked=create.collection_name)
                    self._refuse_taken(create.alias_name)
                    aliases[create.alias_name] = create.collection_name
                case models.DeleteAliasOperation(delete_alias=delete):
                    aliases.pop(delete.alias_name, None)
                case models.RenameAliasOperation(rename_alias=rename):
                    if rename.old_alias_name not in aliases:
                        raise Refusal(404, f"Not found: Alias {rename.old_alias_name} not found")
                    aliases[rename.new_alias_name] = aliases.pop(rename.old_alias_name)
        self.aliases = aliases
        self._save()
        return True

    def _named(self, name: str, *, asked: str) -> Collection:
        if name not in self.collections:
            raise Refusal(404, f"Not found: Collection `{asked}` doesn't exist!")
        return self.collections[name]

    def _refuse_taken(self, name: str) -> None:
        if name in self.collections:
            raise Refusal(409, f"Wrong input: Collection `{name}` already exists!")

    def _load(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._catalog.exists():
            return
        catalog = json.loads(self._catalog.read_bytes())
        self.aliases = catalog["aliases"]
        for name, entry in catalog["collections"].items():
            folder = self._folder / entry["folder"]
            request = models.CreateCollection.model_validate(entry["made_by"])
            self.collections[name] = Collection(edge.EdgeShard.load(str(folder)), folder, request)

    def _save(self) -> None:
        if not self._durable:
            return
        made = {
            name: {"folder": c.folder.name, "made_by": c.made_by.model_dump(mode="json")}
            for name, c in self.collections.items()
        }
        fresh = self._catalog.with_suffix(".new")
        fresh.write_text(json.dumps({"aliases": self.aliases, "collections": made}))
        fresh.replace(self._catalog)
