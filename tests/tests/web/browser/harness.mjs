// What both pages are asked.
import assert from "node:assert/strict";

import { Hub } from "../javascript/harness.mjs";
import { Chromium } from "./chromium.mjs";

const QUAKE_MAP = process.env.PUBSUB_QUAKE_MAP;
assert.ok(QUAKE_MAP, "PUBSUB_QUAKE_MAP is the path of the example `quake_map`");

/** The example, started. */
export const quakeMap = (t, ...arguments_) => new Hub(t, arguments_, [QUAKE_MAP]).start();

export const http = (server, path = "/") => `http://${server.address}${path}`;

/** A page of a browser of its own. */
export async function open(t, url, options) {
  const chromium = await Chromium.start(t);
  return chromium.open(url, options);
}

/** What a browser says of a server that is not there, the page cannot prevent. */
const UNREACHABLE = /ERR_CONNECTION_(REFUSED|RESET|CLOSED)|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE_CHUNKED_ENCODING|WebSocket connection to/;

/** Chromium asks for it where a page has no icon, as a plain text has none. */
const ICON = /\/favicon\.ico$/;

export function assertNoErrors(page, { whileUnreachable = false } = {}) {
  const expected = (error) => ICON.test(error) || (whileUnreachable && UNREACHABLE.test(error));
  assert.deepEqual(page.errors.filter((error) => !expected(error)), []);
}

/** Nothing is wider than the screen. */
export async function assertNoSidewaysScroll(page) {
  const [content, screen] = await page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]");
  assert.ok(content <= screen, `${content} pixels on a screen of ${screen}`);
  assert.equal(screen, 390);
}
