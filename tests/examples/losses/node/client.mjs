// A client of one kind: node client.mjs KIND PORT. `count` prints how many numbers have come, how many of them twice, the last, and what else the
// client was told.
import { createInterface } from "node:readline";

const [, , kind, port] = process.argv;
const numbers = new Set();
const told = {};
let twice = 0;
let last = -1;

function heard(text) {
  last = Number(text.split(" ", 1)[0]);
  if (numbers.has(last)) twice += 1;
  numbers.add(last);
}

function tell(what) {
  told[what] = (told[what] ?? 0) + 1;
}

const kinds = {
  // Comes back by the lines that everybody writes around it.
  async ws() {
    const { WebSocket } = await import("ws");
    const connect = () => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}`);
      socket.on("message", (data) => heard(data.toString()));
      socket.on("error", () => {});
      socket.on("close", () => {
        tell("close");
        setTimeout(connect, 20);
      });
    };
    connect();
  },
  async yoga() {
    const { createClient } = await import("graphql-sse");
    const client = createClient({
      url: `http://127.0.0.1:${port}/graphql`,
      retryAttempts: Infinity,
      retry: () => new Promise((resolve) => setTimeout(resolve, 20)),
    });
    for await (const { data } of client.iterate({ query: "subscription { number }" })) heard(data.number);
  },
  async socketio() {
    const { io } = await import("socket.io-client");
    const socket = io(`http://127.0.0.1:${port}`, { transports: ["websocket"], reconnectionDelay: 20, reconnectionDelayMax: 20 });
    socket.on("number", heard);
    socket.on("disconnect", () => tell("disconnect"));
    socket.io.on("reconnect", () => tell("reconnect"));
    socket.on("connect", () => socket.recovered && tell("recovered"));
  },
  async ioredis() {
    const { Redis } = await import("ioredis");
    const redis = new Redis(Number(port), { retryStrategy: () => 20 });
    redis.on("error", () => {});
    redis.on("close", () => tell("close"));
    redis.on("message", (_channel, text) => heard(text));
    await redis.subscribe("number");
  },
};

const running = kinds[kind]();
running.catch((error) => tell(String(error)));
for await (const line of createInterface({ input: process.stdin })) {
  if (line === "count") console.log(JSON.stringify({ delivered: numbers.size, twice, last, told }));
}
process.exit(0);
