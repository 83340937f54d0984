// Another client on the same channels: it prints what it receives, and publishes what it reads, both as lines of JSON.
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';

const [port, ...patterns] = process.argv.slice(2);
const [publishing, subscribed] = [new Redis(Number(port)), new Redis(Number(port))];

subscribed.on('pmessage', (_pattern, channel, message) => console.log(JSON.stringify({ channel, message })));
await subscribed.psubscribe(...patterns);
console.log('ready');

for await (const line of createInterface({ input: process.stdin })) {
  const { channel, message } = JSON.parse(line);
  await publishing.publish(channel, message);
}
process.exit(0);
