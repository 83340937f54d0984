// `pubsub tail` and `pubsub publish` at a hub, with a client of the package `ws` at the other end.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import readline from "node:readline";
import test from "node:test";
import WebSocket from "ws";

import { Hub, within } from "./harness.mjs";

const COMMAND = process.env.PUBSUB_COMMAND;

/** The command, and its lines as they come. */
function command(t, ...words) {
  const child = spawn(COMMAND, words, { stdio: ["ignore", "pipe", "pipe"] });
  t.after(() => child.kill("SIGKILL"));
  const lines = (stream) => {
    const iterator = readline.createInterface({ input: stream })[Symbol.asyncIterator]();
    return async () => (await within("line", iterator.next())).value;
  };
  return { child, line: lines(child.stdout), said: lines(child.stderr), exited: once(child, "exit") };
}

test("what ws publishes is tailed, and it hears what is published", async (t) => {
  const hub = await new Hub(t).start();
  const socket = new WebSocket(hub.url());
  const messages = [];
  let wake = () => {};
  socket.on("message", (data) => {
    messages.push(JSON.parse(data));
    wake();
  });
  const next = () => within("message", (async () => {
    while (messages.length === 0) await new Promise((resolve) => (wake = resolve));
    return messages.shift();
  })());
  await once(socket, "open");
  socket.send(JSON.stringify({ type: "__subscribe", id: "1", payload: { topic: "chat" } }));
  assert.equal((await next()).type, "__subscribed");

  const tail = command(t, "tail", hub.url(), "chat:lobby");
  while (!(await tail.said()).includes("following"));
  const publish = command(t, "publish", hub.url(), "chat", "lobby", '{"text":"ß→🦀"}');
  const [code] = await within("end", publish.exited);
  assert.equal(code, 0);
  const heard = await next();
  assert.deepEqual([heard.type, heard.id, heard.payload], ["chat", "lobby", { text: "ß→🦀" }]);
  const line = JSON.parse(await tail.line());
  for (const member of ["type", "id", "payload", "eventId", "offset", "epoch"]) assert.deepEqual(line[member], heard[member], member);

  socket.send('{"payload":[1, 2],"id":"lobby","unknown":true,"type":"chat"}');
  const own = await next();
  const tailed = JSON.parse(await tail.line());
  assert.deepEqual([tailed.payload, tailed.offset, tailed.after], [[1, 2], own.offset, 1]);
  socket.close();
});
