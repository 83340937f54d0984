// A `WebSocket` and nothing else, as clients were written before there was this library: Node's own, and that of the package `ws`.
import assert from "node:assert/strict";
import test from "node:test";
import ws from "ws";

import { Hub } from "./harness.mjs";

/** Messages one after the other, as they come. */
function messages(socket) {
  const waiting = [];
  let wake = () => {};
  socket.addEventListener("message", ({ data }) => {
    waiting.push(JSON.parse(data));
    wake();
  });
  return async () => {
    while (waiting.length === 0) await new Promise((resolve) => (wake = resolve));
    return waiting.shift();
  };
}

const opened = (socket) => new Promise((resolve) => socket.addEventListener("open", resolve));
const closed = (socket) => new Promise((resolve) => socket.addEventListener("close", ({ code }) => resolve(code)));

for (const [name, Socket] of [["Node's WebSocket", globalThis.WebSocket], ["ws", ws]]) {
  test(`${name} subscribes, hears and publishes`, { skip: Socket ? false : "this Node has no WebSocket" }, async (t) => {
    const hub = await new Hub(t).start();
    const socket = new Socket(hub.url());
    const next = messages(socket);
    await opened(socket);
    socket.send(JSON.stringify({ type: "__subscribe", id: "1", payload: { topic: "chat:lobby" } }));
    const { type, id, payload } = await next();
    assert.deepEqual([type, id, payload.topic, payload.offset], ["__subscribed", "1", "chat:lobby", 0]);

    const other = new Socket(hub.url());
    const answer = messages(other);
    await opened(other);
    // Members in any order, and one that nobody knows.
    other.send('{"payload":{"text":"hello"},"id":"lobby","since1999":true,"type":"chat"}');
    const event = await next();
    assert.deepEqual([event.type, event.id, event.payload], ["chat", "lobby", { text: "hello" }]);
    assert.deepEqual([event.offset, event.after, event.epoch], [1, 0, payload.epoch]);

    const eventId = crypto.randomUUID();
    other.send(JSON.stringify({ type: "chat", id: "lobby", payload: "once", eventId }));
    assert.deepEqual(await answer(), { type: "__published", id: eventId, payload: { eventId, offset: 2 } });
    other.send(JSON.stringify({ type: "chat", id: "lobby", payload: "once", eventId }));
    assert.deepEqual(await answer(), { type: "__published", id: eventId, payload: { eventId, offset: 2 } });
    assert.equal((await next()).payload, "once");

    socket.send(JSON.stringify({ type: "__unsubscribe", id: "2", payload: { topic: "chat:lobby" } }));
    assert.deepEqual(await next(), { type: "__unsubscribed", id: "2", payload: { topic: "chat:lobby" } });
    other.send(JSON.stringify({ type: "chat", id: "lobby", payload: "not for it" }));
    socket.send(JSON.stringify({ type: "__ping", id: "3", payload: {} }));
    assert.deepEqual(await next(), { type: "__pong", id: "3", payload: {} });

    // Seventeen mistakes in a row are too many.
    const end = closed(socket);
    for (let mistake = 0; mistake < 16; mistake++) socket.send("no");
    for (let mistake = 0; mistake < 16; mistake++) assert.equal((await next()).payload.code, "bad_request");
    socket.send("no");
    assert.equal(await end, 4509);
    other.close();
  });
}
