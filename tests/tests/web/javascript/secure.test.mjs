// Who is let in, and what each may: tokens, their end, and what is another's.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { Hub, WebSocket, client, payloads, state, take, within } from "./harness.mjs";

const TOKENS = ["--token", "ada=s3cret", "--token", "bob=other", "--direct", "inbox"];

/** As behind a proxy that lets none through. */
class NoWebSocket {
  constructor() {
    queueMicrotask(() => this.onclose?.({ code: 1006 }));
  }
  close() {}
}

/** What an address is refused with. */
async function refusal(subscription) {
  return within(
    "refusal",
    subscription.ready.then(
      () => assert.fail("it was not refused"),
      (error) => error.code,
    ),
  );
}

test("a token is who one is, and @self is that", async (t) => {
  const hub = await new Hub(t, TOKENS).start();
  const [ada, bob] = ["s3cret", "other"].map((token) => client(t, hub.url(), { token: async () => token }));
  const inbox = ada.subscribe("inbox:@self");
  await within("answer", inbox.ready);
  assert.equal(ada.identity, "ada");
  await ada.publish("inbox", "@self", "to myself");
  await assert.rejects(bob.publish("inbox", "ada", "forged"), { code: "denied" });
  for (const address of ["inbox:ada", "inbox"]) assert.equal(await refusal(bob.subscribe(address)), "denied");
  await ada.publish("inbox", "ada", "again");
  const events = await take(inbox, 2);
  assert.deepEqual(payloads(events), ["to myself", "again"]);
  assert.ok(events.every(({ id }) => id === "ada"));
});

test("terminal_codes_stop: a wrong token, or none", async (t) => {
  const hub = await new Hub(t, TOKENS).start();
  for (const options of [{ token: "forged" }, {}]) {
    const bus = client(t, hub.url(), options);
    assert.equal((await state(bus, "closed")).code, 4500);
  }
});

test("a bare WebSocket brings its token in a subprotocol", async (t) => {
  const hub = await new Hub(t, TOKENS).start();
  const socket = new WebSocket(hub.url(), ["pubsub.v1.json", `bearer.${Buffer.from("s3cret").toString("base64url")}`]);
  t.after(() => socket.close());
  await within("open", new Promise((resolve) => socket.addEventListener("open", resolve, { once: true })));
  assert.equal(socket.protocol, "pubsub.v1.json");
  socket.send('{"type":"__subscribe","id":"1","payload":{"topic":"inbox:@self"}}');
  const { data } = await within("answer", new Promise((resolve) => socket.addEventListener("message", resolve, { once: true })));
  assert.equal(JSON.parse(data).type, "__subscribed");
});

test("token_expiry_and_refresh: the connection goes on", async (t) => {
  const hub = await new Hub(t, [...TOKENS, "--token-seconds", "0.4"]).start();
  let asked = 0;
  let enough;
  const often = new Promise((resolve) => (enough = resolve));
  const token = () => {
    if (++asked === 5) enough();
    return "s3cret";
  };
  const bus = client(t, hub.url(), { token });
  const inbox = bus.subscribe("inbox:@self");
  await within("answer", inbox.ready);
  let lost = 0;
  bus.addEventListener("state", () => (lost += 1));
  await within("five tokens", often);
  await bus.publish("inbox", "@self", "still here");
  assert.deepEqual(payloads(await take(inbox, 1)), ["still here"]);
  assert.equal(lost, 0, "it never was another connection");
  // One that is always the same is said anew on a new connection.
  const fixed = client(t, hub.url(), { token: "s3cret" });
  assert.equal((await state(fixed, "waiting")).code, 4005);
  await state(fixed, "connected");
});

test("no token is printed, and none is in a URL", async (t) => {
  const hub = await new Hub(t, TOKENS).start();
  const urls = [];
  class Watched extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols);
      urls.push(String(url));
    }
  }
  const bus = client(t, hub.url(), { token: "s3cret", WebSocket: Watched });
  const fetched = (url, options) => {
    urls.push(String(url));
    return fetch(url, options);
  };
  const bySse = client(t, hub.url(), { token: "s3cret", WebSocket: NoWebSocket, fetch: fetched, sse: undefined, sseAfter: 1 });
  await within("answer", bySse.subscribe("inbox:@self").ready);
  const forged = client(t, hub.url(), { token: "s3cret-but-forged" });
  const inbox = bus.subscribe("inbox:@self");
  await within("answer", inbox.ready);
  assert.equal((await state(forged, "closed")).code, 4500);
  const refused = await within("refusal", bus.subscribe("inbox:bob").ready.catch((error) => error));
  for (const it of [bus, bySse, inbox, forged, forged.state, ...forged.failures, refused]) {
    const said = inspect(it, { depth: Infinity, showHidden: true }) + (JSON.stringify(it) ?? "") + String(it);
    assert.ok(!said.includes("s3cret"), said);
  }
  assert.ok(urls.length > 1 && urls.every((url) => !url.includes("s3cret")), urls.join(" "));
});

test("by server-sent events too", async (t) => {
  const hub = await new Hub(t, TOKENS).start();
  const bus = client(t, hub.url(), { WebSocket: NoWebSocket, sse: undefined, sseAfter: 1, token: "s3cret" });
  const other = client(t, hub.url(), { token: "s3cret" });
  const inbox = bus.subscribe("inbox:@self");
  await within("answer", inbox.ready);
  assert.equal(bus.state.over, "sse");
  await other.publish("inbox", "@self", 1);
  assert.deepEqual(payloads(await take(inbox, 1)), [1]);
});
