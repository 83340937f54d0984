// A hub of `ws`: node hub.mjs MESSAGE. Prints its port. For each line that comes in it publishes so many messages to all; for a 0 it prints
// the microseconds of CPU that the process has used.
import { createInterface } from "node:readline";
import { WebSocketServer } from "ws";

const [, , message] = process.argv;
const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
server.on("listening", () => console.log(server.address().port));

for await (const line of createInterface({ input: process.stdin })) {
  const burst = Number(line);
  if (burst > 0) {
    for (let n = 0; n < burst; n++) for (const client of server.clients) client.send(message);
    console.log("sent");
  } else {
    const { user, system } = process.cpuUsage();
    console.log(user + system);
  }
}
process.exit(0);
