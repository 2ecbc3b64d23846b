// OpenAI's own client for JavaScript against a gateway: node client.mjs http://127.0.0.1:PORT/v1
// Prints a line for each thing that works; the first that does not ends it with an error.
import assert from "node:assert/strict";
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "none", maxRetries: 0 });
const messages = [{ role: "user", content: "hello" }];

const chat = await client.chat.completions.create({ model: "m", messages });
assert.equal(chat.choices[0].message.content, "one two three");
assert.ok(chat._request_id);
console.log("chat");

let text = "", usage = null;
for await (const chunk of await client.chat.completions.create({ model: "m", messages, stream: true, stream_options: { include_usage: true } })) {
  text += chunk.choices[0]?.delta?.content ?? "";
  usage = chunk.usage ?? usage;
}
assert.equal(text, "one two three");
assert.equal(usage.completion_tokens, 3);
console.log("stream");

const response = await client.responses.create({ model: "m", input: "hello" });
assert.equal(response.output_text, "one two three");
assert.equal(response.status, "completed");
console.log("response");

const types = [];
for await (const event of await client.responses.create({ model: "m", input: "hello", stream: true })) types.push(event.type);
assert.equal(types[0], "response.created");
assert.equal(types.at(-1), "response.completed");
console.log("response stream");

let background = await client.responses.create({ model: "m", input: "hello", background: true });
while (background.status === "queued" || background.status === "in_progress") background = await client.responses.retrieve(background.id);
assert.equal(background.output_text, "one two three");
console.log("background");

await assert.rejects(client.chat.completions.create({ model: "nobody", messages }), (e) => e instanceof OpenAI.NotFoundError && e.code === "model_not_found");
console.log("error");

assert.ok((await client.models.list()).data.some((m) => m.id === "m"));
console.log("models");
