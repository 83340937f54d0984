// What a user of JavaScript has: ioredis under graphql-yoga's event target. Counts events and prints how long they took.
import { createRedisEventTarget } from '@graphql-yoga/redis-event-target';
import { createPubSub } from '@graphql-yoga/subscription';
import { Redis } from 'ioredis';

const [port, channel, count] = [Number(process.argv[2]), process.argv[3], Number(process.argv[4])];
const [publishClient, subscribeClient] = [new Redis(port), new Redis(port)];
const bus = createPubSub({ eventTarget: createRedisEventTarget({ publishClient, subscribeClient }) });

const events = bus.subscribe(channel);
const iterator = events[Symbol.asyncIterator]();
const first = iterator.next();
// The event target does not say when it is subscribed.
while ((await publishClient.pubsub('NUMSUB', channel))[1] === 0) await new Promise((done) => setTimeout(done, 5));
console.log('ready');

await first;
const began = process.hrtime.bigint();
for (let seen = 1; seen < count; seen += 1) await iterator.next();
console.log(Number(process.hrtime.bigint() - began) / (count - 1));
process.exit(0);
