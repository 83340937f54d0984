// What subscribers of graphql-yoga's pubsub get that do not read: node in_process.mjs COUNT. Prints how many events could be published, and how many
// are delivered.
import { createPubSub } from "graphql-yoga";

const count = Number(process.argv[2]);
const pubsub = createPubSub();
const events = pubsub.subscribe("number");
// It begins to listen when it is first read.
const first = events.next();
let published = 0;
process.on("exit", () => console.log(JSON.stringify({ published, delivered })));
let delivered = 0;
for (; published < count; published++) {
  pubsub.publish("number", published);
  if (published % 16 === 0) await new Promise(setImmediate);
}
await first;
delivered = 1;
const late = () => new Promise((resolve) => setTimeout(resolve, 500, { done: true }));
while (!(await Promise.race([events.next(), late()])).done) delivered += 1;
process.exit(0);
