// The client in a page, against a hub that asks who it is.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Hub } from "../javascript/harness.mjs";
import { assertNoErrors, http, open } from "./harness.mjs";

const TOKENS = ["--token", "ada=s3cret", "--token", "bob=other", "--direct", "inbox"];

/** A guarded hub, and a page of its origin that has its client. */
async function guarded(t, options = []) {
  const hub = await new Hub(t, [...TOKENS, ...options]).start();
  const page = await open(t, http(hub, "/health"));
  await page.evaluate("import('/pubsub.js').then((client) => void Object.assign(window, client))");
  return { hub, page };
}

/** A client in the page, and what it is told at `inbox:@self`. */
const inbox = (token, options = "") => `{
  window.asked = 0;
  window.seen = [];
  window.bus = new PubSub("/ws", { token: async () => (asked++, "${token}"), ${options} });
  void bus.subscribe("inbox:@self", ({ id, payload }) => seen.push([id, payload]));
}`;
const CODE = (promise) => `${promise}.then(() => "accepted", ({ code }) => code)`;

test("a token is who one is, and @self is that", async (t) => {
  const { page } = await guarded(t);
  await page.evaluate(inbox("s3cret"));
  await page.until("bus.state.kind === 'connected'");
  assert.equal(await page.evaluate("bus.identity"), "ada");
  await page.evaluate("bus.publish('inbox', '@self', 'to myself')");
  assert.deepEqual(await page.until("seen.length === 1 && seen"), [["ada", "to myself"]]);
  assert.equal(await page.evaluate(CODE("bus.publish('inbox', 'bob', 'forged')")), "denied");
  assert.equal(await page.evaluate(CODE("bus.subscribe('inbox:bob').ready")), "denied");
  // One is asked for each connection.
  assert.equal(await page.evaluate("asked"), 1);
  assertNoErrors(page);
});

test("after a restart the token is asked for again, and @self goes on with a gap", async (t) => {
  const { hub, page } = await guarded(t);
  await page.evaluate(inbox("s3cret"));
  await page.until("bus.identity === 'ada'");
  await page.evaluate("bus.publish('inbox', '@self', 'before')");
  await page.until("seen.length === 1");
  await page.evaluate("window.gaps = [], bus.addEventListener('gap', ({ detail }) => gaps.push(detail)), 0");
  await hub.kill();
  await page.until("bus.state.kind === 'waiting'");
  await hub.start();
  assert.deepEqual((await page.until("gaps.length === 1 && gaps"))[0].reason, "epoch");
  await page.evaluate("bus.publish('inbox', '@self', 'after')");
  assert.deepEqual(await page.until("seen.length === 2 && seen"), [["ada", "before"], ["ada", "after"]]);
  assert.ok((await page.evaluate("asked")) >= 2);
  assertNoErrors(page, { whileUnreachable: true });
});

test("by server-sent events the token is in a header", async (t) => {
  const { page } = await guarded(t);
  await page.evaluate("delete window.WebSocket");
  await page.evaluate(inbox("s3cret"));
  await page.until("bus.identity === 'ada' && bus.state.over === 'sse'");
  assertNoErrors(page);
});

test("terminal_codes_stop: a wrong token is not tried again", async (t) => {
  const { page } = await guarded(t);
  await page.evaluate(inbox("forged"));
  assert.equal(await page.until("bus.state.kind === 'closed' && bus.state.code"), 4500);
  assert.equal(await page.evaluate("asked"), 1);
});

test("token_expiry_and_refresh: the connection goes on", async (t) => {
  const { page } = await guarded(t, ["--token-seconds", "1"]);
  await page.evaluate(inbox("s3cret"));
  await page.until("bus.state.kind === 'connected'");
  await page.evaluate("window.states = [], bus.addEventListener('state', ({ detail }) => states.push(detail.kind)), 0");
  await page.until("asked === 4");
  await page.evaluate("bus.publish('inbox', '@self', 'still here')");
  await page.until("seen.length === 1");
  assert.deepEqual(await page.evaluate("states"), []);
  assertNoErrors(page);
});

test("a bare WebSocket brings its token in a subprotocol", async (t) => {
  const { page } = await guarded(t);
  const answer = await page.evaluate(`new Promise((resolve, reject) => {
    const token = btoa("s3cret").replaceAll("=", "").replaceAll("+", "-").replaceAll("/", "_");
    const socket = new WebSocket("ws://" + location.host + "/ws", ["pubsub.v1.json", "bearer." + token]);
    socket.onopen = () => socket.send('{"type":"__subscribe","id":"1","payload":{"topic":"inbox:@self"}}');
    socket.onmessage = ({ data }) => resolve(JSON.parse(data).type);
    socket.onclose = ({ code }) => reject(new Error(code));
  })`);
  assert.equal(answer, "__subscribed");
});
