// Acknowledged delivery to the JavaScript client: no more is under way than the window holds, whatever breaks.
import assert from "node:assert/strict";
import { test } from "node:test";

import { Hub, Proxy, WebSocket, client, payloads, state, take, within } from "./harness.mjs";

/** A `WebSocket` that keeps what was said over it: what the hub was asked for, and what it sent. */
function recorded() {
  const said = [];
  const heard = [];
  class Recorded extends WebSocket {
    constructor(...of) {
      super(...of);
      this.addEventListener("message", ({ data }) => heard.push(JSON.parse(data)));
    }
    send(text) {
      said.push(JSON.parse(text));
      super.send(text);
    }
  }
  const of = (messages, type) => messages.filter((message) => message.type === type);
  return {
    WebSocket: Recorded,
    /** The payloads of what the client said of this type. */
    said: (type) => of(said, type).map(({ payload }) => payload),
    /** The events that the hub sent, whether they were delivered or not. */
    sent: (type) => of(heard, type),
  };
}

/** A handler that a test lets go on, event by event. */
function steps() {
  const begun = [];
  let wake = () => {};
  return {
    begun,
    handler: (event) =>
      new Promise((resolve, reject) => {
        begun.push({ ...event, done: resolve, fail: reject });
        wake();
      }),
    /** The event that was begun as the so-manieth. */
    async nth(index) {
      while (begun.length <= index) await within(`event ${index}`, new Promise((resolve) => (wake = resolve)));
      return begun[index];
    },
  };
}

async function publish(bus, numbers, id = "1") {
  for (const number of numbers) await bus.publish("job", id, number);
}

/** Whatever the hub had to say before this was asked is here: an answer overtakes events, but not those of the answer before. */
async function settled(bus) {
  for (const round of [1, 2]) await bus.publish("marker", "", round);
}

async function started(t, options = {}) {
  const hub = await new Hub(t).start();
  const proxy = await Proxy.to(t, hub);
  const record = recorded();
  const bus = client(t, hub.url(proxy.port), { WebSocket: record.WebSocket, ...options });
  const other = client(t, hub.url());
  return { hub, proxy, bus, other, record };
}

async function cutOff({ proxy, bus }, meanwhile) {
  proxy.open = false;
  proxy.cut();
  await state(bus, "waiting");
  await meanwhile();
  proxy.open = true;
  await state(bus, "connected");
}

const range = (from, to) => [...Array(to - from).keys()].map((number) => from + number);

test("no more is under way than the window holds", async (t) => {
  const { bus, other, record } = await started(t);
  const { begun, handler, nth } = steps();
  await bus.subscribe("job", handler, { window: 2 }).ready;
  await publish(other, range(0, 5));
  const first = await nth(0);
  await settled(bus);
  assert.deepEqual(payloads(record.sent("job")), [0, 1]);
  assert.equal(begun.length, 1, "one at a time");
  first.done();
  (await nth(1)).done();
  await nth(2);
  await settled(bus);
  assert.equal(begun.length, 3);
  assert.ok(record.sent("job").length <= 4);
  for (const index of range(2, 5)) (await nth(index)).done();
  await publish(other, [5]);
  (await nth(5)).done();
  assert.deepEqual(payloads(begun), range(0, 6));
  assert.deepEqual(bus.failures, []);
});

test("a handler that rejects or throws acknowledges all the same", async (t) => {
  const { bus, other } = await started(t);
  const { begun, handler, nth } = steps();
  await bus.subscribe("job", handler, { window: 1 }).ready;
  const seen = [];
  const throwing = bus.subscribe("task", ({ payload }) => {
    seen.push(payload);
    throw new Error("no");
  }, { window: 1 });
  await throwing.ready;
  await publish(other, range(0, 3));
  for (const index of range(0, 3)) (await nth(index)).fail(new Error(`not ${index}`));
  const steady = bus.subscribe("task");
  await steady.ready;
  for (const number of range(0, 3)) await other.publish("task", "", number);
  assert.deepEqual(payloads(await take(steady, 3)), range(0, 3));
  await publish(other, [3]);
  await nth(3);
  assert.deepEqual(payloads(begun), range(0, 4));
  assert.deepEqual(seen, range(0, 3));
  assert.equal(bus.failures.length, 6);
});

test("what an iterator gave is handled when the next is asked for", async (t) => {
  const { bus, other, record } = await started(t);
  const subscription = bus.subscribe("job", { window: 1 });
  await subscription.ready;
  await publish(other, range(0, 3));
  assert.deepEqual(payloads(await take(subscription, 1)), [0]);
  await settled(bus);
  assert.deepEqual(record.said("__ack"), []);
  assert.deepEqual(payloads(record.sent("job")), [0]);
  assert.deepEqual(payloads(await take(subscription, 2)), [1, 2]);
  assert.deepEqual(record.said("__ack").map(({ offset }) => offset), [1, 2]);
  assert.deepEqual(record.said("__subscribe"), [{ topics: [{ topic: "job", window: 1 }] }]);
});

test("a loop over a subscription takes every event, however long it takes for one", async (t) => {
  const { bus, other } = await started(t, { capacity: 1 });
  const subscription = bus.subscribe("job:1", { window: 4 });
  await subscription.ready;
  const publishing = publish(other, range(0, 200));
  const seen = [];
  for await (const { payload, missed, gap } of subscription) {
    assert.deepEqual([missed, gap], [undefined, undefined]);
    if (payload % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    seen.push(payload);
    if (payload === 199) break;
  }
  await publishing;
  assert.deepEqual(seen, range(0, 200));
});

test("after a connection was lost it goes on, nothing comes twice, and what is held counts", async (t) => {
  const all = await started(t);
  const { bus, other, record } = all;
  const { begun, handler, nth } = steps();
  await bus.subscribe("job", handler, { window: 2 }).ready;
  await publish(other, range(0, 3));
  await nth(0);
  await settled(bus);
  await cutOff(all, () => publish(other, range(3, 6)));
  await settled(bus);
  const { epoch } = begun[0].position;
  assert.deepEqual(record.said("__subscribe").at(-1), {
    topics: [{ topic: "job", since: { epoch, offset: 2 }, window: 2, unacknowledged: 2 }],
  });
  assert.deepEqual(payloads(record.sent("job")), [0, 1], "both places are taken");
  for (const index of range(0, 6)) (await nth(index)).done();
  await publish(other, [6]);
  await nth(6);
  assert.deepEqual(payloads(begun), range(0, 7));
  assert.deepEqual(payloads(record.sent("job")), range(0, 7));
});

test("what is handled while there is no connection makes room on the next", async (t) => {
  const all = await started(t);
  const { bus, other, record } = all;
  const { begun, handler, nth } = steps();
  await bus.subscribe("job", handler, { window: 2 }).ready;
  await publish(other, range(0, 4));
  const first = await nth(0);
  await settled(bus);
  await cutOff(all, async () => {
    first.done();
    (await nth(1)).done();
  });
  for (const index of range(2, 4)) (await nth(index)).done();
  assert.deepEqual(payloads(begun), range(0, 4));
  assert.equal(record.said("__subscribe").at(-1).topics[0].unacknowledged, undefined);
});

test("recovery_storm: cut again and again, a slow handler gets each event once and in order", async (t) => {
  const all = await started(t);
  const COUNT = 200;
  const seen = [];
  let done;
  const end = new Promise((resolve) => (done = resolve));
  const handler = async ({ payload, gap, missed }) => {
    assert.deepEqual([gap, missed], [undefined, undefined]);
    await new Promise((resolve) => setImmediate(resolve));
    if (payload % 20 === 10) all.proxy.cut();
    seen.push(payload);
    if (seen.length === COUNT) done();
  };
  const subscription = all.bus.subscribe("job", handler, { window: 5 });
  const narrow = all.bus.subscribe("job:1", { window: 3 });
  await Promise.all([subscription.ready, narrow.ready]);
  const reading = take(narrow, COUNT);
  await publish(all.other, range(0, COUNT));
  await within("end", end);
  assert.deepEqual(seen, range(0, COUNT));
  assert.deepEqual(payloads(await reading), range(0, COUNT));
  assert.deepEqual(all.bus.failures, []);
});

test("epoch_change_is_a_gap, and what is held of before takes no room", async (t) => {
  const hub = await new Hub(t).start();
  const bus = client(t, hub.url());
  const { begun, handler, nth } = steps();
  await bus.subscribe("job", handler, { window: 2 }).ready;
  await publish(bus, range(0, 2));
  await nth(0);
  await settled(bus);
  await hub.kill();
  await state(bus, "waiting");
  await hub.start();
  await state(bus, "connected");
  await publish(bus, range(2, 8));
  for (const index of range(0, 8)) (await nth(index)).done();
  assert.deepEqual(payloads(begun), range(0, 8));
  assert.deepEqual(begun.map(({ gap }) => gap?.reason), [undefined, undefined, "epoch", ...Array(5).fill(undefined)]);
});

test("those of one address share the smallest window, and what all of them have handled", async (t) => {
  const { bus, other, record } = await started(t);
  const [slow, quick] = [steps(), steps()];
  const plain = bus.subscribe("job");
  await plain.ready;
  const one = bus.subscribe("job", slow.handler, { window: 2 });
  const two = bus.subscribe("job", quick.handler, { window: 3 });
  await settled(bus);
  assert.deepEqual(record.said("__ack"), [{ topic: "job", offset: 0, window: 2 }]);
  await publish(other, range(0, 4));
  for (const index of range(0, 2)) (await quick.nth(index)).done();
  await slow.nth(0);
  await settled(bus);
  assert.deepEqual(payloads(record.sent("job")), [0, 1], "the slower of the two");
  one.unsubscribe();
  for (const index of range(2, 4)) (await quick.nth(index)).done();
  assert.equal(record.said("__ack").find(({ window }) => window === 3)?.topic, "job");
  two.unsubscribe();
  await publish(other, range(4, 8));
  assert.deepEqual(payloads(await take(plain, 8)), range(0, 8));
  assert.equal(record.said("__ack").at(-1).window, 0, "nobody acknowledges any more");
  assert.deepEqual(payloads(slow.begun), [0], "one that has ended gets nothing");
});

test("a window goes on while a type takes over from one of its ids, and back", async (t) => {
  const { bus, other, record } = await started(t);
  const { begun, handler, nth } = steps();
  await bus.subscribe("job:1", handler, { window: 2 }).ready;
  await publish(other, range(0, 4));
  await nth(0);
  await settled(bus);
  const whole = bus.subscribe("job");
  await whole.ready;
  assert.equal(record.said("__subscribe").at(-1).window, 2, "it delivers for the id too");
  for (const index of range(0, 4)) (await nth(index)).done();
  await publish(other, range(4, 8));
  await publish(other, ["of another"], "2");
  for (const index of range(4, 7)) (await nth(index)).done();
  const last = await nth(7);
  whole.unsubscribe();
  await publish(other, range(8, 12));
  last.done();
  for (const index of range(8, 12)) (await nth(index)).done();
  assert.deepEqual(payloads(begun), range(0, 12));
  assert.ok(begun.every(({ gap, missed }) => gap === undefined && missed === undefined));
});

test("of one id only its own events wait for its handler", async (t) => {
  const { bus, other } = await started(t);
  const slow = steps();
  const steady = bus.subscribe("job:2", { window: 1 });
  await Promise.all([bus.subscribe("job:1", slow.handler, { window: 1 }).ready, steady.ready]);
  await publish(other, range(0, 2), "1");
  await publish(other, range(0, 5), "2");
  assert.deepEqual(payloads(await take(steady, 5)), range(0, 5));
  assert.equal(slow.begun.length, 1);
});

test("left and followed anew it begins with an empty window", async (t) => {
  const { bus, other } = await started(t);
  for (const round of range(0, 5)) {
    const { handler, nth } = steps();
    const subscription = bus.subscribe("job", handler, { window: 1 });
    await subscription.ready;
    await publish(other, [round]);
    assert.equal((await nth(0)).payload, round);
    // It never handles it.
    subscription.unsubscribe();
  }
});

/** Random numbers that a seed says. */
function generator(seed) {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("random_operations: whatever is followed, left and cut, each gets its events once and in order", async (t) => {
  const seed = Number(process.env.PUBSUB_SEED ?? Math.floor(Math.random() * 2 ** 32));
  t.diagnostic(`PUBSUB_SEED=${seed}`);
  const random = generator(seed);
  const all = await started(t);
  const { bus, other, proxy } = all;
  const published = [];
  const followed = new Set();
  const follow = async (address) => {
    const one = { address, seen: [], wake: () => {} };
    const window = random(4) === 0 ? undefined : 1 + random(4);
    const handler = async ({ position, gap, missed }) => {
      assert.deepEqual([gap, missed], [undefined, undefined], address);
      one.seen.push(position.offset);
      one.wake();
      for (let turns = random(3); turns > 0; turns--) await new Promise((resolve) => setImmediate(resolve));
    };
    one.subscription = bus.subscribe(address, handler, { window });
    followed.add(one);
    one.from = (await within(`answer for ${address}`, one.subscription.ready)).offset;
  };
  const complete = async (one) => {
    const { address, seen, from } = one;
    const expected = published.filter(({ id, offset }) => offset > from && (address === "job" || address === `job:${id}`)).map(({ offset }) => offset);
    while (seen.length < expected.length) await within(`event ${seen.length + 1} of ${expected.length} of ${address}`, new Promise((resolve) => (one.wake = resolve)));
    assert.deepEqual(seen, expected, address);
  };
  for (let step = 0; step < 500; step++) {
    const what = random(10);
    if (what < 5) {
      for (let count = random(12); count > 0; count--) {
        const id = String(random(3));
        const { offset } = await other.publish("job", id, step);
        published.push({ id, offset });
      }
    } else if (what < 7) {
      if (followed.size < 6) await follow(random(3) === 0 ? "job" : `job:${random(3)}`);
    } else if (what < 9) {
      const one = [...followed][random(followed.size)];
      if (!one) continue;
      if (random(2) === 0) await complete(one);
      one.subscription.unsubscribe();
      followed.delete(one);
    } else {
      proxy.cut();
      if (random(2) === 0) await state(bus, "connected");
    }
  }
  for (const one of followed) await complete(one);
  assert.deepEqual(bus.failures, []);
});

test("a window is a whole number from 1", async (t) => {
  const { bus } = await started(t);
  for (const window of [0, -1, 1.5, NaN, Infinity, "4", null, 2 ** 32]) {
    assert.throws(() => bus.subscribe("job", { window }), TypeError, String(window));
  }
});
