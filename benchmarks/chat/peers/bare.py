"""No server: google-genai's own client opens so many streams at once and prints when they began.

    GEMINI_BASE_URL=… python bare.py 500

Its pool has room for all of them, which its default has not.
"""

import asyncio
import json
import os
import sys
import time

import httpx2
from google import genai
from google.genai import types


async def _first_s(client: genai.Client) -> float:
    began, first_s = time.perf_counter(), 0.0
    chunks = await client.aio.models.generate_content_stream(
        model="gemini-3.8-flash", contents="What happens when the docs do not cover a question?"
    )
    async for _ in chunks:
        first_s = first_s or time.perf_counter() - began
    return first_s


async def _all(count: int) -> list[float]:
    limits = httpx2.Limits(max_connections=count, max_keepalive_connections=count)
    options = types.HttpOptions(
        base_url=os.environ["GEMINI_BASE_URL"],
        httpx_async_client=httpx2.AsyncClient(limits=limits, timeout=None),  # the SDK's
    )
    client = genai.Client(api_key=os.environ["GEMINI_API_KEY"], http_options=options)
    await _first_s(client)
    return list(await asyncio.gather(*(_first_s(client) for _ in range(count))))


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_all(int(sys.argv[1])))))  # noqa: T201
