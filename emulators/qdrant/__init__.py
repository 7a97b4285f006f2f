"""A Qdrant server for this machine: the REST routes that docchat uses, for the real client.

Behind the routes is Qdrant's own engine in process (`qdrant-edge-py`), one shard a collection:
vectors are normalised, scored and fused by the code that the server runs, its messages are the
server's, and a query takes a millisecond. The client's local mode would have been less code, but
it is a rewrite in Python with errors of its own, and takes 60 ms for a hybrid query over 1,000
points. Shards are not optimised here, so every search is exact.

What is not there is refused with status 400 and named: gRPC, payload indexes other than
`keyword` and `float`, search by example, grouping, formulas. Shards, replicas and quantisation are
taken and make no difference.
"""

from emulators.qdrant.app import create_app

__all__ = ["create_app"]
