// A server of one kind: node server.mjs KIND. Prints its port. `publish FROM COUNT BYTES` publishes so many numbers from one on, each
// with so many bytes beside it; `subscribers` prints how many there are.
import { createServer } from "node:http";
import { createInterface } from "node:readline";

const kinds = {
  // What the README of `ws` shows: a message to every client that is open.
  async ws(http) {
    const { WebSocket, WebSocketServer } = await import("ws");
    const server = new WebSocketServer({ server: http });
    return {
      publish(text) {
        for (const client of server.clients) if (client.readyState === WebSocket.OPEN) client.send(text);
      },
      subscribers: () => server.clients.size,
    };
  },
  // Subscriptions over server-sent events, with the library's own pubsub.
  async yoga(http) {
    const { createPubSub, createSchema, createYoga } = await import("graphql-yoga");
    const listeners = new Set();
    class Counted extends EventTarget {
      addEventListener(type, listener) {
        listeners.add(listener);
        super.addEventListener(type, listener);
      }
      removeEventListener(type, listener) {
        listeners.delete(listener);
        super.removeEventListener(type, listener);
      }
    }
    const pubsub = createPubSub({ eventTarget: new Counted() });
    const schema = createSchema({
      typeDefs: "type Query { nothing: Int } type Subscription { number: String! }",
      resolvers: { Subscription: { number: { subscribe: () => pubsub.subscribe("number"), resolve: (text) => text } } },
    });
    http.on("request", createYoga({ schema, logging: false }));
    return { publish: (text) => pubsub.publish("number", text), subscribers: () => listeners.size };
  },
  // Socket.IO, which keeps what a client has missed for two minutes.
  async socketio(http) {
    const { Server } = await import("socket.io");
    const io = new Server(http, { connectionStateRecovery: {} });
    return { publish: (text) => io.emit("number", text), subscribers: () => io.sockets.sockets.size };
  },
};

const http = createServer();
const { publish, subscribers } = await kinds[process.argv[2]](http);
http.listen(0, "127.0.0.1", () => console.log(http.address().port));

for await (const line of createInterface({ input: process.stdin })) {
  const [command, ...numbers] = line.split(" ");
  if (command === "subscribers") {
    console.log(subscribers());
    continue;
  }
  const [from, count, bytes] = numbers.map(Number);
  const padding = "x".repeat(bytes);
  for (let number = from; number < from + count; number++) {
    publish(`${number} ${padding}`);
    // As the events of a server come: not all in one turn of the loop.
    if (number % 16 === 0) await new Promise(setImmediate);
  }
  console.log("published");
}
process.exit(0);
