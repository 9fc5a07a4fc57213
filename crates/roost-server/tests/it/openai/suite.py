import json
import os

import openai
from openai import OpenAI

client = OpenAI()
agent = "agent:" + os.environ["AGENT"]
direct = "scripted/any"

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def expect(error, call, **wanted):
    try:
        call()
    except error as raised:
        for key, value in wanted.items():
            assert getattr(raised, key) == value, (key, getattr(raised, key), raised)
        assert raised.request_id, raised
        return raised
    raise AssertionError(f"{error} was not raised")


# Models.
ids = [model.id for model in client.models.list()]
assert agent in ids and direct in ids, ids
assert client.models.retrieve(agent).id == agent
assert client.models.retrieve("agent:Ada").id == agent
assert client.models.retrieve(direct).owned_by == "scripted"

for model in (agent, "agent:Ada", direct):
    # Chat, and the same conversation told whole.
    messages = [{"role": "user", "content": "hello"}]
    answer = client.chat.completions.create(model=model, messages=messages)
    assert answer.choices[0].message.content == "You said: hello", answer
    assert answer.choices[0].finish_reason == "stop" and answer.usage.total_tokens > 0, answer
    messages += [answer.choices[0].message, {"role": "user", "content": "again"}]
    answer = client.chat.completions.create(model=model, messages=messages, user="ann")
    assert answer.choices[0].message.content == "You said: again", answer

    # Streaming.
    stream = client.chat.completions.create(
        model=model,
        messages=[{"role": "user", "content": "hello"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert said == "You said: hello", said
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens > 0

    # Responses: one, going on from it, streamed, read again, deleted.
    first = client.responses.create(model=model, input="hello", metadata={"a": "b"})
    assert first.metadata == {"a": "b"}, first
    assert first.output_text == "You said: hello" and first.status == "completed", first
    second = client.responses.create(model=model, input="again", previous_response_id=first.id)
    assert second.output_text == "You said: again" and second.previous_response_id == first.id, second
    events = list(client.responses.create(model=model, input="hello", stream=True))
    kinds = [event.type for event in events]
    assert kinds[:4] == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
    ], kinds
    assert kinds[-4:] == [
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ], kinds
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == "You said: hello"
    with client.responses.stream(model=model, input="hello") as stream:
        assert stream.until_done().get_final_response().output_text == "You said: hello"
    assert client.responses.retrieve(second.id).output_text == "You said: again"
    client.responses.delete(second.id)
    expect(openai.NotFoundError, lambda: client.responses.retrieve(second.id), status_code=404)

# The caller's tool and the agent's own, in one turn.
messages = [{"role": "user", "content": "How is the weather?"}]
answer = client.chat.completions.create(model=agent, messages=messages, tools=[WEATHER])
choice = answer.choices[0]
assert choice.finish_reason == "tool_calls" and choice.message.content == "Looking.", answer
[call] = choice.message.tool_calls
assert call.function.name == "get_weather" and json.loads(call.function.arguments) == {"city": "Paris"}
messages += [choice.message, {"role": "tool", "tool_call_id": call.id, "content": "24 degrees"}]
answer = client.chat.completions.create(model=agent, messages=messages, tools=[WEATHER])
assert answer.choices[0].message.content == "It is 24 degrees.", answer
# The same results a second time: somebody was faster.
again = client.with_options(max_retries=0)
expect(
    openai.ConflictError,
    lambda: again.chat.completions.create(model=agent, messages=messages, tools=[WEATHER]),
    code="tool_call_settled",
)

# The same with responses, streamed, and with a model that is asked directly.
function = {"type": "function", **WEATHER["function"], "strict": False}
for model, question, said in ((agent, "weather?", "It is 3."), (direct, "direct?", "Rome is 3.")):
    first = client.responses.create(model=model, input=question, tools=[function])
    [call] = [item for item in first.output if item.type == "function_call"]
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "3"}
    second = client.responses.create(
        model=model, input=[output], previous_response_id=first.id, tools=[function]
    )
    assert second.output_text == said, second

# Embeddings: the client asks for Base64 by itself and unpacks it.
embedder = "lexical/words-1"
assert client.models.retrieve(embedder).id == embedder and embedder in ids, ids
texts = ["blue cheese", "a red bicycle", "cheese that is blue"]
packed = client.embeddings.create(model=embedder, input=texts)
plain = client.embeddings.create(model="words-1", input=texts, encoding_format="float", user="ann", dimensions=384)
assert [item.index for item in packed.data] == [0, 1, 2] and packed.model == embedder, packed
assert packed.usage.prompt_tokens == packed.usage.total_tokens > 0, packed.usage
assert [item.embedding for item in packed.data] != [[0.0] * 384] * 3
for one, other in zip(packed.data, plain.data, strict=True):
    assert len(one.embedding) == len(other.embedding) == 384
    assert all(abs(a - b) < 1e-6 for a, b in zip(one.embedding, other.embedding)), (one, other)


def cosine(one, other):
    return sum(a * b for a, b in zip(packed.data[one].embedding, packed.data[other].embedding))


assert cosine(0, 2) > cosine(0, 1), (cosine(0, 2), cosine(0, 1))
assert len(client.embeddings.create(model=embedder, input="one text").data) == 1

# Errors have the clients' own classes.
stranger = OpenAI(api_key="sk-nonsense", max_retries=0)
expect(openai.AuthenticationError, lambda: stranger.models.list(), status_code=401, code="invalid_api_key")
hello = [{"role": "user", "content": "hello"}]


def ask(**more):
    return lambda: client.chat.completions.create(**{"model": agent, "messages": hello, **more})


expect(openai.NotFoundError, ask(model="agent:Nobody"), code="model_not_found", param="model")
expect(openai.BadRequestError, ask(n=2), param="n")
expect(openai.BadRequestError, ask(tools=[{**WEATHER, "function": {"name": "shell"}}]), param="tools")


def embed(**more):
    return lambda: client.embeddings.create(**{"model": embedder, "input": "x", **more})


expect(openai.NotFoundError, embed(model="text-embedding-3-small"), code="model_not_found", param="model")
expect(openai.BadRequestError, embed(input=[1, 2, 3]), param="input")
expect(openai.BadRequestError, embed(dimensions=2), param="dimensions")
image = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
expect(openai.BadRequestError, ask(messages=[{"role": "user", "content": image}]), param="messages[0].content[0].type")
strict = OpenAI(base_url=os.environ["STRICT_URL"], api_key=os.environ["STRICT_KEY"], max_retries=0)
strict.models.list()
limited = expect(openai.RateLimitError, lambda: strict.models.list(), status_code=429, code="rate_limit_exceeded")
assert int(limited.response.headers["retry-after"]) > 0

print("all well")
