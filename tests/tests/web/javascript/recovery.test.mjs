// The JavaScript client against hubs that are killed, and connections that break.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Hub, Proxy, client, payloads, state, take, within } from "./harness.mjs";

/** A hub, a client by a proxy that can cut it off, and one that cannot be. */
async function cuttable(t, arguments_ = [], options = {}) {
  const hub = await new Hub(t, arguments_).start();
  const proxy = await Proxy.to(t, hub);
  const bus = client(t, hub.url(proxy.port), options);
  const other = client(t, hub.url());
  return { hub, proxy, bus, other };
}

/** Cut off, while `meanwhile` happens, and back. */
async function cutOff({ proxy, bus }, meanwhile) {
  proxy.open = false;
  proxy.cut();
  await state(bus, "waiting");
  await meanwhile();
  proxy.open = true;
  await state(bus, "connected");
}

test("an event arrives where it is followed, once", async (t) => {
  const hub = await new Hub(t).start();
  const bus = client(t, hub.url());
  const [whole, narrow, other] = ["chat", "chat:a", "chat:b"].map((address) => bus.subscribe(address));
  await Promise.all([whole.ready, narrow.ready, other.ready]);
  for (const id of ["a", "b", "a:b"]) await bus.publish("chat", id, { for: id });
  assert.deepEqual((await take(whole, 3)).map(({ id }) => id), ["a", "b", "a:b"]);
  assert.deepEqual(payloads(await take(narrow, 1)), [{ for: "a" }]);
  assert.deepEqual(payloads(await take(other, 1)), [{ for: "b" }]);
  const [{ topic, position, eventId }] = [(await bus.publish("chat", "a", 1), (await take(narrow, 1))[0])];
  assert.equal(topic, "chat");
  assert.equal(position.offset, 4);
  assert.match(eventId, /^[0-9a-f-]{36}$/);
  assert.deepEqual(bus.failures, []);
});

test("recover_with_zero_events_seen", async (t) => {
  const all = await cuttable(t);
  const subscription = all.bus.subscribe("chat:a");
  await within("answer", subscription.ready);
  await cutOff(all, async () => {
    for (const payload of [1, 2, 3]) await all.other.publish("chat", "a", payload);
  });
  const events = await take(subscription, 3);
  assert.deepEqual(payloads(events), [1, 2, 3]);
  assert.ok(events.every(({ gap }) => gap === undefined));
});

test("boundary_event_replayed_once", async (t) => {
  const all = await cuttable(t);
  const [whole, narrow] = [all.bus.subscribe("chat"), all.bus.subscribe("chat:a")];
  await Promise.all([whole.ready, narrow.ready]);
  const seen = [];
  const seenNarrow = [];
  for (let round = 0; round < 10; round++) {
    await all.other.publish("chat", "a", `${round} before`);
    await cutOff(all, async () => {
      await all.other.publish("chat", "a", `${round} meanwhile`);
      await all.other.publish("chat", "b", `${round} elsewhere`);
    });
    seen.push(...payloads(await take(whole, 3)));
    seenNarrow.push(...payloads(await take(narrow, 2)));
  }
  const rounds = [...Array(10).keys()];
  assert.deepEqual(seen, rounds.flatMap((round) => [`${round} before`, `${round} meanwhile`, `${round} elsewhere`]));
  assert.deepEqual(seenNarrow, rounds.flatMap((round) => [`${round} before`, `${round} meanwhile`]));
});

test("epoch_change_is_a_gap: a hub that was killed and started again", async (t) => {
  const hub = await new Hub(t).start();
  const bus = client(t, hub.url());
  const gaps = [];
  const subscription = bus.subscribe("chat:a", { onGap: (gap) => gaps.push(gap) });
  await subscription.ready;
  await bus.publish("chat", "a", "before");
  assert.deepEqual(payloads(await take(subscription, 1)), ["before"]);
  await hub.kill();
  await state(bus, "waiting");
  await hub.start();
  await state(bus, "connected");
  await bus.publish("chat", "a", "after");
  const [event] = await take(subscription, 1);
  assert.equal(event.payload, "after");
  assert.equal(event.gap.reason, "epoch");
  assert.deepEqual(gaps.map(({ reason }) => reason), ["epoch"]);
});

test("history_evicted_says_so", async (t) => {
  const all = await cuttable(t, ["--history", "4"]);
  const subscription = all.bus.subscribe("chat");
  await subscription.ready;
  await cutOff(all, async () => {
    for (let number = 0; number < 10; number++) await all.other.publish("chat", "a", number);
  });
  await all.other.publish("chat", "a", "live");
  const [event] = await take(subscription, 1);
  assert.equal(event.payload, "live");
  assert.deepEqual(event.gap, { reason: "evicted", missed: 10 });
});

test("recovery_storm: cut again and again while publishing, every event once and in order", async (t) => {
  const all = await cuttable(t);
  const mine = client(t, all.hub.url(all.proxy.port));
  const subscription = all.bus.subscribe("chat:a");
  await subscription.ready;
  const COUNT = 300;
  let published = 0;
  const publishing = (async () => {
    while (published < COUNT) {
      // By way of the proxy too: each is sent again until it has an answer, and accepted once.
      await mine.publish("chat", "a", published++);
      if (published % 20 === 0) all.proxy.cut();
    }
  })();
  const events = await take(subscription, COUNT);
  await within("end", publishing);
  assert.deepEqual(payloads(events), [...Array(COUNT).keys()]);
  assert.ok(events.every(({ gap }) => gap === undefined));
});

test("unsubscribe_during_replay_delivers_nothing_after", async (t) => {
  const all = await cuttable(t);
  const seen = [];
  const subscription = all.bus.subscribe("chat", (event) => {
    seen.push(event.payload);
    if (seen.length === 2) subscription.unsubscribe();
  });
  const marker = all.bus.subscribe("marker");
  await Promise.all([subscription.ready, marker.ready]);
  await cutOff(all, async () => {
    for (let number = 0; number < 50; number++) await all.other.publish("chat", "a", number);
  });
  await all.other.publish("marker", "", null);
  await take(marker, 1);
  assert.deepEqual(seen, [0, 1]);
});

test("duplicate_subscribe_race: left and followed anew at once", async (t) => {
  const all = await cuttable(t);
  for (let round = 0; round < 20; round++) {
    const first = all.bus.subscribe("chat:a");
    first.unsubscribe();
    const second = all.bus.subscribe("chat:a");
    const third = all.bus.subscribe("chat:a");
    await within("answer", Promise.all([second.ready, third.ready]));
    await all.other.publish("chat", "a", round);
    assert.deepEqual(payloads(await take(second, 1)), [round]);
    assert.deepEqual(payloads(await take(third, 1)), [round]);
    second.unsubscribe();
    third.unsubscribe();
  }
});

test("since goes on after a position that was stored", async (t) => {
  const hub = await new Hub(t).start();
  const first = client(t, hub.url());
  const subscription = first.subscribe("chat:a");
  await subscription.ready;
  for (const payload of ["one", "two", "three"]) await first.publish("chat", "a", payload);
  const [one] = await take(subscription, 1);
  first.close();
  const second = client(t, hub.url());
  const since = JSON.parse(JSON.stringify(one.position));
  assert.deepEqual(payloads(await take(second.subscribe("chat:a", { since }), 2)), ["two", "three"]);
  const gone = second.subscribe("chat:b", { since: { epoch: "another", offset: 1 } });
  await gone.ready;
  await second.publish("chat", "b", "live");
  assert.equal((await take(gone, 1))[0].gap.reason, "epoch");
});

test("a refusal is the error of who asked", async (t) => {
  const hub = await new Hub(t).start();
  const bus = client(t, hub.url());
  await state(bus, "connected");
  const refused = bus.subscribe("chat:@self");
  await assert.rejects(within("refusal", refused.ready), { code: "denied" });
  await assert.rejects(take(refused, 1), { code: "denied" });
  await assert.rejects(bus.publish("chat", "@self", 1), { code: "denied" });
  assert.throws(() => bus.subscribe("__connect"), TypeError);
  await assert.rejects(bus.publish("a:b", "", 1), TypeError);
  await assert.rejects(bus.publish("chat", "a", "x".repeat(70_000)));
});

test("handler_panic_loses_no_later_event", async (t) => {
  const hub = await new Hub(t).start();
  const bus = client(t, hub.url());
  const seen = [];
  const failing = bus.subscribe("chat", ({ payload }) => {
    seen.push(payload);
    throw new Error(`not ${payload}`);
  });
  const rejecting = bus.subscribe("chat", async () => Promise.reject(new Error("async")));
  const steady = bus.subscribe("chat");
  await Promise.all([failing.ready, rejecting.ready, steady.ready]);
  for (const payload of [1, 2, 3]) await bus.publish("chat", "a", payload);
  assert.deepEqual(payloads(await take(steady, 3)), [1, 2, 3]);
  assert.deepEqual(seen, [1, 2, 3]);
  assert.equal(bus.failures.length, 6);
});

test("a slow reader is told how many events gave way", async (t) => {
  const hub = await new Hub(t).start();
  const bus = client(t, hub.url());
  const [slow, steady] = [bus.subscribe("chat", { capacity: 2 }), bus.subscribe("chat")];
  await Promise.all([slow.ready, steady.ready]);
  for (let number = 0; number < 10; number++) await bus.publish("chat", "a", number);
  assert.equal((await take(steady, 10)).length, 10);
  const events = await take(slow, 2);
  assert.deepEqual(payloads(events), [8, 9]);
  assert.deepEqual(events.map(({ missed }) => missed), [8, undefined]);
});

test("what was published to nobody in particular is told: not sent, and closed", async (t) => {
  const hub = await new Hub(t).start();
  const bus = client(t, hub.url(), { publishTimeout: 50 });
  await state(bus, "connected");
  await hub.kill();
  await state(bus, "waiting");
  await assert.rejects(within("outcome", bus.publish("chat", "a", 1)), { code: "not_sent", retryable: true });
  bus.close();
  await assert.rejects(bus.publish("chat", "a", 1), { code: "closed" });
  assert.equal(bus.state.kind, "closed");
});

test("delays have full jitter and stay below the maximum", async (t) => {
  const hub = await new Hub(t).start();
  const proxy = await Proxy.to(t, hub);
  proxy.open = false;
  const bus = client(t, hub.url(proxy.port), { backoffMin: 1, backoffMax: 8 });
  const delays = [];
  const enough = new Promise((resolve) => {
    bus.addEventListener("state", ({ detail }) => {
      if (detail.kind === "waiting" && delays.push(detail.delay) === 30) resolve();
    });
  });
  await within("30 tries", enough);
  assert.ok(delays.every((delay) => delay >= 0 && delay <= 8), `${delays}`);
  assert.ok(new Set(delays).size > 10);
});
