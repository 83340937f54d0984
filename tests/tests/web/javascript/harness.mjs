// A real hub as a process, a proxy that cuts, and conditions with a deadline.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import net from "node:net";
import readline from "node:readline";
import WebSocket from "ws";

import { PubSub } from "../../../../transports/src/web/assets/pubsub.js";

const COMMAND = process.env.PUBSUB_COMMAND;
assert.ok(COMMAND, "PUBSUB_COMMAND is the path of the command `pubsub`");
const DEADLINE = 20_000;

/** A hub that can be killed, and started again where it was. Other programs that serve one say `listening on` too. */
export class Hub {
  constructor(t, arguments_ = [], command = [COMMAND, "hub"]) {
    this.command = command;
    this.arguments = arguments_;
    this.address = "127.0.0.1:0";
    t.after(() => this.kill());
  }

  async start() {
    this.process = spawn(this.command[0], [...this.command.slice(1), "--listen", this.address, ...this.arguments], { stdio: ["ignore", "pipe", "inherit"] });
    this.exited = new Promise((resolve) => this.process.once("exit", resolve));
    for await (const line of readline.createInterface({ input: this.process.stdout })) {
      this.address = line.match(/[\d.]+:\d+/)[0];
      return this;
    }
    throw new Error("the hub did not start");
  }

  async kill() {
    this.process?.kill("SIGKILL");
    await this.exited;
  }

  get port() {
    return Number(this.address.split(":").at(-1));
  }

  url(port = this.port) {
    return `ws://127.0.0.1:${port}/ws`;
  }
}

/** Goes between a client and a hub. */
export class Proxy {
  #sockets = new Set();
  open = true;

  static async to(t, hub) {
    const proxy = new Proxy();
    proxy.server = net.createServer((client) => {
      if (!proxy.open) return client.destroy();
      const upstream = net.connect(hub.port, "127.0.0.1");
      for (const [from, to] of [[client, upstream], [upstream, client]]) {
        proxy.#sockets.add(from);
        from.on("error", () => {});
        from.on("close", () => {
          proxy.#sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
    await new Promise((resolve) => proxy.server.listen(0, "127.0.0.1", resolve));
    t.after(() => {
      proxy.cut();
      proxy.server.close();
    });
    return proxy;
  }

  get port() {
    return this.server.address().port;
  }

  cut() {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** A client with the times of one machine. */
export function client(t, url, options = {}) {
  const bus = new PubSub(url, { WebSocket, backoffMin: 5, backoffMax: 50, stableAfter: 20, sse: false, ...options });
  const failures = [];
  bus.addEventListener("error", ({ detail }) => failures.push(detail.error));
  bus.failures = failures;
  t.after(() => bus.close());
  return bus;
}

export async function within(what, promise) {
  let timer;
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`no ${what} in time`)), DEADLINE)));
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Ready in this state, the present one included. */
export function state(bus, kind) {
  const there = new Promise((resolve) => {
    const look = () => {
      if (bus.state.kind !== kind) return;
      bus.removeEventListener("state", look);
      resolve(bus.state);
    };
    bus.addEventListener("state", look);
    look();
  });
  return within(`state ${kind}`, there);
}

/** The next events of an iterator. */
export async function take(subscription, count) {
  const iterator = (subscription.iterator ??= subscription[Symbol.asyncIterator]());
  const events = [];
  while (events.length < count) {
    const { value, done } = await within(`event ${events.length + 1} of ${count}`, iterator.next());
    if (done) break;
    events.push(value);
  }
  return events;
}

export const payloads = (events) => events.map(({ payload }) => payload);
export { PubSub, WebSocket };
