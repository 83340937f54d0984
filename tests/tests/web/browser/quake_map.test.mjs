// The example `quake_map`, in Chromium.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Proxy, client, within } from "../javascript/harness.mjs";
import { assertNoErrors, assertNoSidewaysScroll, http, open, quakeMap } from "./harness.mjs";

/** The ids of a week, in the order of their publishing. */
const FEED = new URL("../../../../pubsub/examples/data/earthquakes.jsonl", import.meta.url);
const WEEK = readFileSync(FEED, "utf8").trim().split("\n").map((line) => JSON.parse(line).id);
/** The week as fast as it goes. */
const AT_ONCE = ["--speed", "1e8"];
const DOTS = "document.querySelectorAll('#quakes circle').length";
const WHOLE = "document.getElementById('count').textContent === '1,707 of 1,707 quakes'";
const GAPS = "Number(document.getElementById('gaps').dataset.gaps)";

test("quakes appear as they come", async (t) => {
  const server = await quakeMap(t);
  const page = await open(t, http(server));
  const first = await page.until(DOTS);
  await page.until(`${DOTS} > ${first}`);
  assert.equal(await page.evaluate("document.getElementById('state').textContent"), "live");
  assert.match(await page.evaluate("document.getElementById('clock').textContent"), /31 Jan.* UTC/);
  assert.equal(await page.evaluate(GAPS), 0);
  assertNoErrors(page);
});

test("who comes when the week is over has all of it, and in its order", async (t) => {
  const server = await quakeMap(t, "--once", ...AT_ONCE);
  const page = await open(t, http(server));
  await page.until(WHOLE);
  assert.equal(await page.evaluate(DOTS), 1707);
  assert.equal(await page.evaluate(GAPS), 0);
  const list = await page.evaluate("[...document.querySelectorAll('#list button')].map(({ quake }) => quake.time)");
  assert.equal(list.length, 60);
  assert.deepEqual(list, [...list].sort((a, b) => b - a));
  assert.match(await page.evaluate("document.getElementById('told').textContent"), /^M 6\.4 .*Taiwan/);
  // It is the same page after a look at another one.
  await page.go(http(server, "/hub"));
  await page.go(http(server));
  await page.until(WHOLE);
  assertNoErrors(page);
});

test("another week begins with an empty map", async (t) => {
  const server = await quakeMap(t, ...AT_ONCE);
  const page = await open(t, http(server));
  await page.until(WHOLE);
  await page.evaluate("window.first = document.querySelector('#quakes circle')");
  await page.until("!window.first.isConnected");
  await page.until(WHOLE);
  assert.equal(await page.evaluate(DOTS), 1707);
  assert.equal(await page.evaluate(GAPS), 0);
});

test("a connection that was lost is recovered: no quake is missing, and none is there twice", async (t) => {
  const server = await quakeMap(t, "--once", "--speed", "7200");
  const proxy = await Proxy.to(t, server);
  const page = await open(t, `http://127.0.0.1:${proxy.port}/`);
  await page.until(DOTS);
  await page.evaluate("document.querySelector('[name=from]').click()");
  proxy.open = false;
  proxy.cut();
  await page.until("document.getElementById('state').dataset.kind === 'waiting'");
  const drawn = await page.evaluate(DOTS);
  // The week goes on meanwhile.
  const published = async () => {
    const { topics } = await (await fetch(http(server, "/hub/stats"))).json();
    return topics.find(({ topic }) => topic === "quake.reported").offset;
  };
  while ((await published()) < drawn + 20) await new Promise((resolve) => setTimeout(resolve, 20));
  proxy.open = true;
  await page.until(`${DOTS} > ${drawn + 20}`);
  const [count, ids] = await page.evaluate(`[${DOTS}, [...document.querySelectorAll('#list button')].map(({ quake }) => quake.id)]`);
  const newest = WEEK.slice(0, count).reverse();
  assert.deepEqual(ids, newest.slice(0, 60));
  assert.equal(await page.evaluate(GAPS), 0);
  assertNoErrors(page, { whileUnreachable: true });
});

test("a server that was killed and started again is a gap, and the week begins anew", async (t) => {
  const server = await quakeMap(t);
  const page = await open(t, http(server));
  await page.until(DOTS);
  await server.kill();
  await page.until("document.getElementById('state').dataset.kind === 'waiting'");
  assert.match(await page.evaluate("document.getElementById('state').textContent"), /^connection lost/);
  await page.evaluate("window.first = document.querySelector('#quakes circle')");
  await server.start();
  await page.until("document.getElementById('state').textContent === 'live'");
  await page.until(`${GAPS} === 1`);
  assert.match(await page.until("document.querySelector('#list .gap')?.textContent"), /the server was started anew/);
  await page.until(`!window.first.isConnected && ${DOTS}`);
  assertNoErrors(page, { whileUnreachable: true });
});

test("visitors follow, and publish nothing", async (t) => {
  const server = await quakeMap(t);
  const visitor = client(t, `ws://${server.address}/hub/ws`);
  await assert.rejects(within("refusal", visitor.publish("quake.reported", "us", {})), { code: "denied" });
  await assert.rejects(within("refusal", visitor.subscribe("elsewhere").ready), { code: "denied" });
  await within("answer", visitor.subscribe("quake.reported:us").ready);
});

test("without a WebSocket it follows by server-sent events", async (t) => {
  const server = await quakeMap(t, "--once", ...AT_ONCE);
  const page = await open(t, "about:blank");
  await page.call("Page.addScriptToEvaluateOnNewDocument", { source: "delete window.WebSocket" });
  await page.go(http(server));
  await page.until(WHOLE);
  assert.equal(await page.evaluate("document.getElementById('state').textContent"), "live, by server-sent events");
  assert.equal(await page.evaluate(GAPS), 0);
  assertNoErrors(page);
});

test("by keyboard: a quake is chosen from the list, and the list is filtered", async (t) => {
  const server = await quakeMap(t, "--once", ...AT_ONCE);
  const page = await open(t, http(server), { calm: true });
  await page.until(WHOLE);
  await page.evaluate("document.querySelector('#list button').focus()");
  await page.press("Enter", "\r");
  await page.until("document.activeElement.getAttribute('aria-pressed') === 'true'");
  assert.equal(await page.evaluate("document.getElementById('told').dataset.what"), "chosen");
  assert.equal(await page.evaluate("document.getElementById('mark').hasAttribute('hidden')"), false);
  await page.press("Escape");
  await page.until("document.getElementById('told').dataset.what === 'strongest'");
  await page.evaluate("document.querySelector('[name=from]:checked').focus()");
  await page.press("ArrowRight");
  await page.until("document.querySelector('[name=from]:checked').value === '4.5'");
  const least = await page.evaluate("Math.min(...[...document.querySelectorAll('#list button')].map(({ quake }) => quake.mag))");
  assert.ok(least >= 4.5, `${least}`);
  // Who asked for less motion has none.
  assert.equal(await page.evaluate("getComputedStyle(document.getElementById('ripples')).display"), "none");
  assertNoErrors(page);
});

test("on a phone nothing is wider than the screen", async (t) => {
  const server = await quakeMap(t, "--once", ...AT_ONCE);
  const page = await open(t, http(server), { phone: true });
  await page.until(WHOLE);
  await assertNoSidewaysScroll(page);
  assertNoErrors(page);
});
