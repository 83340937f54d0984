// The page of the tutorial, in Chromium: `book/tutorial/hub.html`.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Hub, client, within } from "../javascript/harness.mjs";
import { Chromium } from "./chromium.mjs";
import { assertNoErrors, assertNoSidewaysScroll, http, open } from "./harness.mjs";

const TUTORIAL = process.env.PUBSUB_TUTORIAL;
assert.ok(TUTORIAL, "PUBSUB_TUTORIAL is the path of the binary `tutorial-hub`");
const NOTICES = "[...document.querySelectorAll('li')].map(({ textContent }) => textContent)";

/** The chapter's server, started. */
const bikes = (t) => new Hub(t, [], [TUTORIAL]).start();

test("a button in one page is a notice in both, once each", async (t) => {
  const server = await bikes(t);
  const chromium = await Chromium.start(t);
  const [first, second] = [await chromium.open(http(server)), await chromium.open(http(server))];
  // Both follow before anything is published.
  await followers(server, 2);
  await first.evaluate("document.querySelector('button').click()");
  for (const page of [first, second]) {
    await page.until("document.querySelector('li')");
    assert.deepEqual(await page.evaluate(NOTICES), ["bike 8 was away for 30 minutes"]);
    assertNoErrors(page);
  }
});

test("what another client publishes is on the page, as text", async (t) => {
  const server = await bikes(t);
  const page = await open(t, http(server), { phone: true });
  await followers(server, 1);
  const other = client(t, `ws://${server.address}/events/ws`);
  await within("answer", other.publish("notice.board", "en", "<b>late</b>"));
  await page.until("document.querySelector('li')");
  assert.deepEqual(await page.evaluate(NOTICES), ["<b>late</b>"]);
  await assertNoSidewaysScroll(page);
  assertNoErrors(page);
});

/** Waits until so many pages follow the notices: each has one subscription. */
async function followers(server, count) {
  for (const began = Date.now(); Date.now() - began < 20_000; ) {
    const { subscriptions } = await (await fetch(http(server, "/events/stats"))).json();
    if (subscriptions === count) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`never: ${count} followers`);
}
