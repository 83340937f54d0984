// What a browser has by itself: `EventSource` and `WebSocket`, without the client.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Hub, Proxy, client } from "../javascript/harness.mjs";
import { http, open } from "./harness.mjs";

/** A hub, a page of its origin through a proxy that can cut it off, and a client that cannot be. */
async function behindProxy(t) {
  const hub = await new Hub(t).start();
  const proxy = await Proxy.to(t, hub);
  const bus = client(t, hub.url());
  const page = await open(t, `http://127.0.0.1:${proxy.port}/health`);
  return { hub, proxy, bus, page };
}

const FOLLOW = `{
  window.seen = [];
  window.source = new EventSource("/sse?topic=chat&topic=news:1");
  for (const type of ["chat", "news"]) source.addEventListener(type, ({ data }) => seen.push(JSON.parse(data).payload));
  for (const type of ["__gap", "__subscribed"]) source.addEventListener(type, ({ data }) => seen.push([type, JSON.parse(data).payload]));
}`;
/** The events, and the gaps that were told. */
const EVENTS = "seen.filter((one) => !Array.isArray(one))";
const GAPS = "seen.filter((one) => Array.isArray(one) && (one[0] === '__gap' || one[1].gap)).map(([, { reason, gap }]) => reason ?? gap)";
const ANSWERED = (times) => `seen.filter((one) => one[0] === '__subscribed').length === ${2 * times}`;

test("an EventSource resumes by Last-Event-ID", async (t) => {
  const { proxy, bus, page } = await behindProxy(t);
  await page.evaluate(FOLLOW);
  await page.until(ANSWERED(1));
  await bus.publish("chat", "a", 1);
  await page.until(`${EVENTS}.length === 1`);
  proxy.open = false;
  proxy.cut();
  await page.until("source.readyState === EventSource.CONNECTING");
  await bus.publish("chat", "a", 2);
  await bus.publish("news", "2", "unwanted");
  await bus.publish("news", "1", 3);
  proxy.open = true;
  await page.until(`${EVENTS}.length === 3`);
  await bus.publish("chat", "a", 4);
  await page.until(`${EVENTS}.length === 4`);
  assert.deepEqual((await page.evaluate(EVENTS)).sort(), [1, 2, 3, 4]);
  assert.deepEqual(await page.evaluate(GAPS), []);
});

test("an EventSource is told of a hub that was killed", async (t) => {
  const { hub, bus, page } = await behindProxy(t);
  await page.evaluate(FOLLOW);
  await page.until(ANSWERED(1));
  await bus.publish("chat", "a", 1);
  await page.until(`${EVENTS}.length === 1`);
  await hub.kill();
  await page.until("source.readyState === EventSource.CONNECTING");
  await hub.start();
  await page.until(ANSWERED(2));
  assert.ok((await page.evaluate(GAPS)).includes("epoch"));
  await bus.publish("chat", "a", 2);
  await page.until(`${EVENTS}.length === 2`);
  assert.deepEqual(await page.evaluate(EVENTS), [1, 2]);
});

test("a bare WebSocket speaks as the ancestors' clients do", async (t) => {
  const { bus, page } = await behindProxy(t);
  await page.evaluate(`new Promise((resolve, reject) => {
    window.seen = [];
    window.socket = new WebSocket("/ws".replace(/^/, "ws://" + location.host));
    socket.onmessage = ({ data }) => seen.push(JSON.parse(data));
    socket.onopen = resolve;
    socket.onerror = reject;
  })`);
  const say = (message) => page.evaluate(`socket.send(${JSON.stringify(JSON.stringify(message))})`);
  const chat = "seen.filter(({ type }) => type === 'chat')";
  await say({ type: "__subscribe", id: "", payload: { topic: "chat:a" } });
  await page.until("seen.some(({ type }) => type === '__subscribed')");
  await bus.publish("chat", "b", "of another id");
  await bus.publish("chat", "a", { text: "hello" });
  const [{ type, id, payload }] = await page.until(`${chat}.length === 1 && ${chat}`);
  assert.deepEqual({ type, id, payload }, { type: "chat", id: "a", payload: { text: "hello" } });

  const others = bus.subscribe("chat:c");
  await others.ready;
  await say({ type: "chat", id: "c", payload: "from a browser" });
  for await (const { payload } of others) {
    assert.equal(payload, "from a browser");
    break;
  }
  await say({ type: "__unsubscribe", id: "", payload: { topic: "chat:a" } });
  await page.until("seen.some(({ type }) => type === '__unsubscribed')");
  await bus.publish("chat", "a", "after");
  await say({ type: "__ping", id: "1", payload: {} });
  await page.until("seen.some(({ type }) => type === '__pong')");
  assert.equal(await page.evaluate(`${chat}.length`), 1);
});
