"""`POST /chat`: a question in, an answer out, whole or streamed."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from starlette.responses import JSONResponse, Response, StreamingResponse

from docchat.core.models import Event, Finish, Question
from docchat.errors import UpstreamTruncated
from docchat.web import json_answer, ui_stream
from docchat.web.app import Call, Endpoint
from docchat.web.requests import parse_question, read_json, wants_stream

Answer = Callable[[Question], AsyncGenerator[Event]]


def endpoint(answer: Answer) -> Endpoint:
    """The route's handler, on top of the chat flow."""

    async def chat(call: Call) -> Response:
        body = await read_json(call.request)
        events = _observed(answer(parse_question(body)), call)
        if wants_stream(call.request, body):
            return await _streamed(call, events)
        async with aclosing(events):
            return JSONResponse(await json_answer.encode(events, call.id))

    return chat


async def _observed(events: AsyncGenerator[Event], call: Call) -> AsyncGenerator[Event]:
    """Pass the events on, note the outcome for the log, and insist on a `Finish`."""
    async with aclosing(events):
        async for event in events:
            yield event
            if isinstance(event, Finish):
                call.log["outcome"] = event.outcome
                call.log["input_tokens"] = event.usage.input_tokens
                call.log["output_tokens"] = event.usage.output_tokens
                return
    raise UpstreamTruncated("the answer ended without a finish event")


async def _streamed(call: Call, events: AsyncGenerator[Event]) -> Response:
    """Start the response only once there is something to send: until then a failure is a status."""
    first = await anext(events)
    return StreamingResponse(
        _body(call, first, events), headers=ui_stream.HEADERS, media_type=ui_stream.MEDIA_TYPE
    )


async def _body(call: Call, first: Event, events: AsyncGenerator[Event]) -> AsyncIterator[str]:
    status = 200
    try:
        async with aclosing(events):
            async for part in ui_stream.encode(_chain(first, events), call.id):
                yield part
    except Exception as exc:  # noqa: BLE001 - the status is sent: only the stream can still say it
        yield ui_stream.encode_error(call.fail(exc), call.id)
    except BaseException:  # the client left, or the instance is going
        call.log["aborted"] = True
        raise
    finally:
        call.finish(status)


async def _chain(first: Event, rest: AsyncIterator[Event]) -> AsyncIterator[Event]:
    yield first
    async for event in rest:
        yield event
