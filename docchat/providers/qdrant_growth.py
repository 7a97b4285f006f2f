"""How a Qdrant server keeps a version: what matters once an index is large."""

from dataclasses import dataclass
from typing import Any

from qdrant_client import models


@dataclass(frozen=True, slots=True)
class Growth:
    """Settings of the collections that the indexer makes.

    Attributes:
        shards: parts that can lie on different nodes.
        replicas: copies of each part, so that a node may fail.
        quantization: of the dense vectors: `float16` stores them so; `int8` and `binary` are for
            copies in memory, with the exact ones beside them.
        on_disk: vectors and their graph are read from disk as needed, not kept in memory.
    """

    shards: int = 1
    replicas: int = 1
    quantization: str = "none"
    on_disk: bool = False

    @property
    def layout(self) -> str:
        """In words, for the manifest; empty for the defaults."""
        words = {
            "shards": self.shards,
            "replicas": self.replicas,
            "quantization": self.quantization,
            "on_disk": self.on_disk,
        }
        usual = {"shards": 1, "replicas": 1, "quantization": "none", "on_disk": False}
        return " ".join(f"{name}={value}" for name, value in words.items() if value != usual[name])

    def dense(self, dimension: int) -> models.VectorParams:
        """The dense vectors."""
        return models.VectorParams(
            size=dimension,
            distance=models.Distance.COSINE,
            on_disk=self.on_disk or None,
            datatype=models.Datatype.FLOAT16 if self.quantization == "float16" else None,
            hnsw_config=models.HnswConfigDiff(on_disk=True) if self.on_disk else None,
        )

    def collection(self) -> dict[str, Any]:
        """What `create_collection` takes beside the vectors; the server's defaults are left out."""
        options: dict[str, Any] = {"quantization_config": _QUANTIZATIONS[self.quantization]}
        if self.shards > 1:
            options["shard_number"] = self.shards
        if self.replicas > 1:
            options["replication_factor"] = self.replicas
        return options


# `always_ram`: the small copies are searched in memory, the exact vectors rescore on disk.
_QUANTIZATIONS: dict[str, models.QuantizationConfig | None] = {
    "none": None,
    "float16": None,
    "int8": models.ScalarQuantization(
        scalar=models.ScalarQuantizationConfig(
            type=models.ScalarType.INT8, quantile=0.99, always_ram=True
        )
    ),
    "binary": models.BinaryQuantization(binary=models.BinaryQuantizationConfig(always_ram=True)),
}
