// The hub's page, in Chromium.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Hub, client } from "../javascript/harness.mjs";
import { assertNoErrors, assertNoSidewaysScroll, http, open, quakeMap } from "./harness.mjs";

const TOPIC = "document.querySelector('#topics button')";

/** A hub with one event of one topic, a client, and the page. */
async function busy(t, topic, options) {
  const hub = await new Hub(t).start();
  const bus = client(t, hub.url());
  await bus.publish(topic, "lobby", { text: "before" });
  const page = await open(t, http(hub), options);
  await page.until(TOPIC);
  return { hub, bus, page };
}

test("topics, connections and events are seen", async (t) => {
  const { bus, page } = await busy(t, "chat.message");
  await page.until("document.getElementById('state').textContent === 'live'");
  assert.equal(await page.evaluate(`${TOPIC}.textContent`), "chat.message");
  await page.until("Number(document.getElementById('connections').textContent) >= 1");
  await page.evaluate(`${TOPIC}.click()`);
  // The page follows as soon as the hub says so.
  await page.until("document.querySelector('#topics tbody tr').lastElementChild.textContent === '1'");
  await bus.publish("chat.message", "lobby", { text: "<b>hello</b>" });
  const row = await page.until("document.querySelector('#events li')?.textContent");
  assert.match(row, /lobby \{"text":"<b>hello<\/b>"\}$/);
  assertNoErrors(page);
});

test("a hub that was killed is said to be gone, and what is lost is a gap when it is back", async (t) => {
  const { hub, bus, page } = await busy(t, "chat.message");
  await page.evaluate(`${TOPIC}.click()`);
  await page.until("document.querySelector('#topics tbody tr').lastElementChild.textContent === '1'");
  await hub.kill();
  await page.until("document.getElementById('state').className === 'lost'");
  await hub.start();
  await page.until("document.getElementById('state').className === 'live'");
  const gap = await page.until("document.querySelector('#events .gap')?.textContent");
  assert.match(gap, /events lost, epoch$/);
  await bus.publish("chat.message", "lobby", "after");
  await page.until("document.querySelector('#events li')?.textContent.endsWith('\"after\"')");
  assertNoErrors(page, { whileUnreachable: true });
});

test("what is slow and what was lost stands out", async (t) => {
  const { page } = await busy(t, "chat.message");
  await page.until("document.getElementById('gaps').textContent === '0'");
  assert.equal(await page.evaluate("document.querySelectorAll('.bad').length"), 0);
  // What a hub says in trouble, which a page of one process cannot be brought to in a moment.
  await page.evaluate(`{
    const stats = { connections: 1, subscriptions: 1, gaps: 3, missed: 70, slowConsumers: 1, topics: [],
      queues: [{ connection: 4, identity: "ada", subscriptions: 1, queuedBytes: 900000, unacknowledged: 0, slow: true }] };
    window.fetch = async () => new Response(JSON.stringify(stats));
  }`);
  await page.until("document.querySelectorAll('.bad').length === 3");
  const row = await page.until("document.querySelector('#queues tr.slow')?.textContent");
  assert.equal(row, "#4 ada1900,000slow");
});

test("what a connection has not acknowledged is seen", async (t) => {
  const { bus, page } = await busy(t, "chat.message");
  const held = bus.subscribe("chat.message", () => new Promise(() => {}), { window: 2 });
  await held.ready;
  assert.equal(await page.evaluate("document.querySelectorAll('#queues small.wide').length"), 0);
  for (const text of ["one", "two", "three"]) await bus.publish("chat.message", "lobby", { text });
  await page.until("document.querySelector('#queues small.wide')?.textContent === '2 unacknowledged'");
  assertNoErrors(page);
});

test("on a phone nothing is wider than the screen, whatever a topic is called", async (t) => {
  const { page } = await busy(t, `${"long.".repeat(40)}name`, { phone: true, dark: true });
  await assertNoSidewaysScroll(page);
  await page.evaluate(`${TOPIC}.click()`);
  await page.until("document.getElementById('followed').textContent.startsWith('long.')");
  await assertNoSidewaysScroll(page);
  assertNoErrors(page);
});

test("nested in an application it finds what is beside it", async (t) => {
  const server = await quakeMap(t, "--once");
  const page = await open(t, http(server, "/hub"));
  await page.until("document.getElementById('state').textContent === 'live'");
  await page.until("[...document.querySelectorAll('#topics button')].some(({ textContent }) => textContent === 'quake.reported')");
  assertNoErrors(page);
});

test("a script in the page's text does not run", async (t) => {
  const { page } = await busy(t, "chat.message");
  await page.evaluate("document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = true' }))");
  assert.equal(await page.evaluate("window.ran"), undefined);
  assert.match(page.errors.join(), /Content Security Policy/);
});
