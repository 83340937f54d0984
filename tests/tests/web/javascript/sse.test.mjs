// Server-sent events: the client where no WebSocket is to be had, and whoever reads the stream by hand.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Hub, Proxy, client, payloads, state, take, within } from "./harness.mjs";

/** What a network without WebSockets gives. */
class NoWebSocket {
  constructor() {
    queueMicrotask(() => this.onclose?.({ code: 1006 }));
  }
  close() {}
}

async function bySse(t, arguments_ = []) {
  const hub = await new Hub(t, arguments_).start();
  const proxy = await Proxy.to(t, hub);
  const options = { WebSocket: NoWebSocket, sse: undefined, sseAfter: 2 };
  const bus = client(t, hub.url(proxy.port), options);
  const other = client(t, hub.url());
  return { hub, proxy, bus, other };
}

test("without a WebSocket events are read by SSE", async (t) => {
  const { bus, other } = await bySse(t);
  const [whole, narrow] = [bus.subscribe("chat"), bus.subscribe("chat:a")];
  await within("answers", Promise.all([whole.ready, narrow.ready]));
  assert.equal(bus.state.over, "sse");
  for (const id of ["a", "b"]) await other.publish("chat", id, id);
  assert.deepEqual(payloads(await take(whole, 2)), ["a", "b"]);
  assert.deepEqual(payloads(await take(narrow, 1)), ["a"]);
  // Another address is another request, and nothing is missed or doubled by it.
  const late = bus.subscribe("news");
  await within("answer", late.ready);
  await other.publish("chat", "a", "c");
  await other.publish("news", "x", "d");
  assert.deepEqual(payloads(await take(whole, 1)), ["c"]);
  assert.deepEqual(payloads(await take(late, 1)), ["d"]);
});

test("what was missed meanwhile is recovered by position", async (t) => {
  const { bus, other, proxy } = await bySse(t);
  const subscription = bus.subscribe("chat:a");
  await within("answer", subscription.ready);
  await other.publish("chat", "a", 1);
  assert.deepEqual(payloads(await take(subscription, 1)), [1]);
  proxy.open = false;
  proxy.cut();
  await state(bus, "waiting");
  for (const payload of [2, 3]) await other.publish("chat", "a", payload);
  proxy.open = true;
  const events = await take(subscription, 2);
  assert.deepEqual(payloads(events), [2, 3]);
  assert.ok(events.every(({ gap }) => gap === undefined));
});

test("a hub that was killed is a gap here too", async (t) => {
  const { bus, other, hub } = await bySse(t);
  const subscription = bus.subscribe("chat:a");
  await within("answer", subscription.ready);
  const gap = new Promise((resolve) => bus.addEventListener("gap", resolve, { once: true }));
  await hub.kill();
  await state(bus, "waiting");
  await hub.start();
  await state(other, "connected");
  // It is followed again when its gap is told.
  await within("gap", gap);
  await other.publish("chat", "a", "after");
  const [event] = await take(subscription, 1);
  assert.deepEqual([event.payload, event.gap.reason], ["after", "epoch"]);
});

test("a refused topic is the error of who asked", async (t) => {
  const { bus } = await bySse(t);
  const [good, bad] = [bus.subscribe("chat"), bus.subscribe("chat:@self")];
  await within("answer", good.ready);
  await assert.rejects(within("refusal", bad.ready), { code: "denied" });
});

test("a window holds nothing up here: one event at a time, and what waits is bounded", async (t) => {
  const { bus, other } = await bySse(t);
  const begun = [];
  let wake = () => {};
  const handler = (event) =>
    new Promise((done) => {
      begun.push({ event, done });
      wake();
    });
  const [slow, steady] = [bus.subscribe("chat", handler, { window: 1, capacity: 1 }), bus.subscribe("chat")];
  await within("answers", Promise.all([slow.ready, steady.ready]));
  for (let number = 0; number < 6; number++) await other.publish("chat", "a", number);
  assert.equal((await take(steady, 6)).length, 6);
  assert.deepEqual(begun.map(({ event }) => event.payload), [0]);
  // Twice the window waits; before it three gave way.
  while (begun.length < 3) {
    const next = new Promise((resolve) => (wake = resolve));
    begun.at(-1).done();
    await within("the next event", next);
  }
  assert.deepEqual(begun.map(({ event }) => [event.payload, event.missed]), [[0, undefined], [4, 3], [5, undefined]]);
});

/** Messages of an event stream, as the HTML standard has them. */
async function* messages(response) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response.body) {
    rest += decoder.decode(chunk, { stream: true });
    for (let end; (end = rest.indexOf("\n\n")) >= 0; rest = rest.slice(end + 2)) {
      const fields = rest.slice(0, end).split("\n").filter((line) => !line.startsWith(":"));
      const message = { data: [] };
      for (const line of fields) {
        const [, name, value] = /^([a-z]+): ?(.*)$/.exec(line);
        if (name === "data") message.data.push(value);
        else message[name] = value;
      }
      yield { ...message, data: message.data.join("\n") };
    }
  }
}

test("Last-Event-ID resumes, with every topic at its own place", async (t) => {
  const hub = await new Hub(t).start();
  const other = client(t, hub.url());
  const url = `http://${hub.address}/sse?topic=chat&topic=news%3A1`;
  const abort = new AbortController();
  const first = messages(await fetch(url, { signal: abort.signal }));
  const next = async (stream) => (await within("message", stream.next())).value;
  assert.equal((await next(first)).retry, "2000");
  assert.equal((await next(first)).event, "__subscribed");
  assert.equal((await next(first)).event, "__subscribed");
  await other.publish("chat", "a", 1);
  await other.publish("news", "2", "unwanted");
  const { event, id, data } = await next(first);
  assert.equal(event, "chat");
  assert.equal(JSON.parse(data).payload, 1);
  abort.abort();

  await other.publish("news", "1", 2);
  await other.publish("chat", "b", 3);
  const again = messages(await fetch(url, { headers: { "last-event-id": id } }));
  const seen = [];
  while (seen.length < 2) {
    const message = await next(again);
    if (message.event && !message.event.startsWith("__")) seen.push([message.event, JSON.parse(message.data).payload]);
  }
  assert.deepEqual(seen.sort(), [["chat", 3], ["news", 2]]);
});

test("a request that cannot be served is told so by its status", async (t) => {
  const hub = await new Hub(t).start();
  const status = async (path, headers = {}) => (await fetch(`http://${hub.address}${path}`, { headers })).status;
  assert.equal(await status("/sse"), 400);
  assert.equal(await status("/sse?topic=__connect"), 400);
  assert.equal(await status("/sse?topic=chat", { "last-event-id": "of another" }), 400);
  assert.equal(await status("/ws"), 426);
  assert.equal(await status("/health"), 200);
  assert.equal(await status("/nowhere"), 404);
});
