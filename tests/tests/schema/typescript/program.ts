// What the generated types accept, and what they refuse: each `@ts-expect-error` is an error of its own if nothing is wrong in the
// line after it.
import { PubSub, PubSubError, SELF_ID, type EventOf, type Position } from "pubsub";
import type { Account, Everything, External, Internal, Limits, Page, Role } from "./everything.js";

import type { Names, Record_2, Stats } from "./names.js";

const record: Record_2 = { text: "a" };
const stats: Stats = { name: "a", best: true, first: 1, second: 2 };
// @ts-expect-error others are numbers
const wrong: Stats = { name: "a", first: [] };
export const named: Names["Stats"]["payload"][] = [stats, wrong];
export const list: Names["List"]["payload"] = [{ all: [record] }, { record }];

const bus = new PubSub<Everything>("wss://hub.example/ws", { token: async () => "secret" });

const account: Account = {
  number: 1,
  balance: -2,
  initial: "a",
  place: { degreesNorth: 1.5, east: 2.5, name: null },
  others: [],
  tags: ["a"],
  limits: { day: [1, 2, [true, false, true]] },
  by: "POWER-USER",
  on: 4,
};

export async function publishes(): Promise<number> {
  await bus.publish("all/account", "acme", account);
  await bus.publish("all/external", "17", { Newtype: account.place });
  await bus.publish("all/external", SELF_ID, "Unit");
  await bus.publish("all/restart", "", null);
  await bus.publish("all/pair", "x", [1, null], { eventId: "018f2f63-6d36-7cc0-8000-1f0d6fd8a7b1" });
  const { offset } = await bus.publish("all/flag", "x", true);

  // @ts-expect-error a topic that does not exist
  await bus.publish("all/acount", "acme", account);
  // @ts-expect-error the payload of another topic
  await bus.publish("all/account", "acme", true);
  // @ts-expect-error a member is missing
  await bus.publish("all/account", "acme", { number: 1 });
  // @ts-expect-error an id that is no whole number
  await bus.publish("all/external", "seventeen", "Unit");
  return offset;
}

export async function subscribes(since: Position): Promise<void> {
  for await (const event of bus.subscribe("all/account", { since, capacity: 16, window: 4 })) {
    const topic: "all/account" = event.topic;
    const role: Role = event.payload.by;
    console.log(topic, role.length, event.id.length, event.missed ?? 0, event.gap?.reason);
    // @ts-expect-error no member of the payload
    event.payload.blance;
  }
  const one = bus.subscribe("all/internal:7", ({ payload }) => tell(payload));
  await one.ready;
  one.unsubscribe();

  bus.subscribe(`all/external:${SELF_ID}`, (event: EventOf<Everything, "all/external">) => event.payload);
  // @ts-expect-error a topic that does not exist
  bus.subscribe("all/internel");
  // @ts-expect-error nor with an id
  bus.subscribe("all/internel:7");
  // @ts-expect-error an id that is no whole number
  bus.subscribe("all/external:seven");
  // @ts-expect-error the handler is for another payload
  bus.subscribe("all/flag", (event: EventOf<Everything, "all/account">) => event.payload);
}

function tell(payload: Internal): string {
  switch (payload.kind) {
    case "nothing_happened":
      return "nothing";
    case "moved":
      return `${payload.degreesNorth}`;
    case "renamed":
      return payload.newName;
  }
}

export function shapes(page: Page, limits: Limits, external: External): number {
  const [first, , bools] = limits;
  const [yes] = bools;
  if (typeof external === "object" && "Record" in external) return external.Record.list.length;
  return yes ? page.items.length : first;
}

bus.addEventListener("state", ({ detail }) => {
  if (detail.kind === "connected") console.log(detail.over);
  // @ts-expect-error only a state that waits has a delay
  console.log(detail.delay);
});
bus.addEventListener("error", ({ detail: { error } }) => {
  if (error instanceof PubSubError && error.retryable) console.log(error.retryAfter);
});

// Without a map topics are any text.
const loose = new PubSub("ws://localhost:1");
loose.subscribe("anything:at-all", ({ payload }) => {
  // @ts-expect-error it is not known what it is
  payload.anything;
});
void loose.publish("anything", "at-all", { a: 1 });
