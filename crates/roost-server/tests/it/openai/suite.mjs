import assert from "node:assert/strict";
import OpenAI from "openai";

const client = new OpenAI();
const agent = `agent:${process.env.AGENT}`;
const direct = "scripted/any";

const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "Tells the weather in a city.",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

async function expect(kind, call, wanted) {
  const error = await call().then(
    () => assert.fail(`${kind.name} was not thrown`),
    (error) => error,
  );
  assert.ok(error instanceof kind, `${error}`);
  for (const [key, value] of Object.entries(wanted)) assert.equal(error[key], value, `${key} of ${error}`);
  return error;
}

// Models.
const ids = [];
for await (const model of client.models.list()) ids.push(model.id);
assert.ok(ids.includes(agent) && ids.includes(direct), `${ids}`);
assert.equal((await client.models.retrieve("agent:Ada")).id, agent);
assert.equal((await client.models.retrieve(direct)).owned_by, "scripted");

for (const model of [agent, direct]) {
  // Chat, and the same conversation told whole.
  const messages = [{ role: "user", content: "hello" }];
  let answer = await client.chat.completions.create({ model, messages });
  assert.equal(answer.choices[0].message.content, "You said: hello");
  messages.push(answer.choices[0].message, { role: "user", content: "again" });
  answer = await client.chat.completions.create({ model, messages });
  assert.equal(answer.choices[0].message.content, "You said: again");

  // Streaming.
  const stream = await client.chat.completions.create({
    model,
    messages: [{ role: "user", content: "hello" }],
    stream: true,
    stream_options: { include_usage: true },
  });
  let said = "";
  let last;
  for await (const chunk of stream) {
    said += chunk.choices[0]?.delta?.content ?? "";
    last = chunk;
  }
  assert.equal(said, "You said: hello");
  assert.ok(last.usage.total_tokens > 0);

  // Responses.
  const first = await client.responses.create({ model, input: "hello" });
  assert.equal(first.output_text, "You said: hello");
  const second = await client.responses.create({ model, input: "again", previous_response_id: first.id });
  assert.equal(second.output_text, "You said: again");
  const kinds = [];
  for await (const event of await client.responses.create({ model, input: "hello", stream: true })) {
    if (kinds.at(-1) !== event.type) kinds.push(event.type);
  }
  assert.deepEqual(kinds, [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.delta",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
  ]);
  const final = await client.responses.stream({ model, input: "hello" }).finalResponse();
  assert.equal(final.output_text, "You said: hello");
  assert.equal((await client.responses.retrieve(second.id)).output_text, "You said: again");
  await client.responses.delete(second.id);
  await expect(OpenAI.NotFoundError, () => client.responses.retrieve(second.id), { status: 404 });
}

// The caller's tool and the agent's own, in one turn, streamed.
const runner = client.chat.completions.runTools({
  model: agent,
  messages: [{ role: "user", content: "How is the weather?" }],
  stream: true,
  tools: [
    {
      type: "function",
      function: { ...weather.function, function: ({ city }) => `warm in ${city}`, parse: JSON.parse },
    },
  ],
});
assert.equal(await runner.finalContent(), "It is warm in Paris.");

// Embeddings: the client asks for Base64 by itself and unpacks it.
const embedder = "lexical/words-1";
assert.ok(ids.includes(embedder), `${ids}`);
const texts = ["blue cheese", "a red bicycle", "cheese that is blue"];
const packed = await client.embeddings.create({ model: embedder, input: texts });
const plain = await client.embeddings.create({ model: embedder, input: texts, encoding_format: "float" });
assert.deepEqual(packed.data.map((item) => item.index), [0, 1, 2]);
assert.ok(packed.usage.total_tokens > 0);
for (const [place, { embedding }] of packed.data.entries()) {
  assert.equal(embedding.length, 384);
  assert.ok(embedding.some((number) => number !== 0));
  embedding.forEach((number, at) => assert.ok(Math.abs(number - plain.data[place].embedding[at]) < 1e-6));
}
const cosine = (one, other) =>
  packed.data[one].embedding.reduce((sum, number, at) => sum + number * packed.data[other].embedding[at], 0);
assert.ok(cosine(0, 2) > cosine(0, 1));

// Errors have the client's own classes.
const messages = [{ role: "user", content: "hello" }];
const ask = (more) => () => client.chat.completions.create({ model: agent, messages, ...more });
const stranger = new OpenAI({ apiKey: "sk-nonsense", maxRetries: 0 });
await expect(OpenAI.AuthenticationError, async () => stranger.models.list(), { status: 401, code: "invalid_api_key" });
await expect(OpenAI.NotFoundError, ask({ model: "agent:Nobody" }), { code: "model_not_found", param: "model" });
await expect(OpenAI.BadRequestError, ask({ n: 2 }), { param: "n" });
const embed = (more) => () => client.embeddings.create({ model: embedder, input: "x", ...more });
await expect(OpenAI.NotFoundError, embed({ model: "text-embedding-3-small" }), { code: "model_not_found", param: "model" });
await expect(OpenAI.BadRequestError, embed({ input: [1, 2, 3] }), { param: "input" });
const strict = new OpenAI({ baseURL: process.env.STRICT_URL, apiKey: process.env.STRICT_KEY, maxRetries: 0 });
await strict.models.list();
await expect(OpenAI.RateLimitError, async () => strict.models.list(), { status: 429, code: "rate_limit_exceeded" });

console.log("all well");
