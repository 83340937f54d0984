// The wire, seen from JavaScript.
//
//   npm ci && node golden.mjs check    reads what Rust wrote (*.json, *.msgpack), recomputes the event ids, and
//                                      compares what JavaScript writes with the files in javascript/
//   npm ci && node golden.mjs write    writes javascript/ and event_ids.json, which the tests of the crate read
//
// What Rust writes is kept up to date by `UPDATE_GOLDEN=1 cargo test --all-features golden` in the crate.

import { deepStrictEqual as equal } from "node:assert";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { Decoder, encode } from "@msgpack/msgpack";

const file = (name) => new URL(name, import.meta.url);
const read = (name) => readFileSync(file(name));

// What the messages say; the same list stands in tests/wire/golden.rs.
const cases = {
    status: { type: "session.status", id: "project-1", payload: { state: "busy" } },
    full: {
        type: "chat.message",
        id: "room:7/ü \"q\" \n",
        eventId: "0191e0a5-3c4e-7b2a-9f00-5d6e7f809102",
        offset: 4294967296,
        after: 41,
        epoch: "b81f",
        payload: { text: "Grüße, 世界 🦀", tags: ["a", ""], score: 1.5, reply_to: null, delta: -70000 },
    },
    first: { type: "counter", id: "", offset: 0, payload: 255 },
    control: { type: "__subscribe", id: "1", payload: { topic: "session.status:project-1" } },
    unit: { type: "restart", id: "eu-1", payload: null },
};

// What a client in JavaScript may write: the payload first, members that Rust does not know, `undefined`.
function foreign({ type, id, payload, ...optional }) {
    const undefinedMembers = { eventId: undefined, offset: undefined, after: undefined, epoch: undefined };
    return { payload, traceparent: { deep: [1, { more: "x".repeat(40) }] }, id, ...undefinedMembers, ...optional, type };
}

const ids = [
    ["orders", ["eu", "4711", "paid"]],
    ["", []],
    ["n", []],
    ["n", [""]],
    ["n", ["", ""]],
    ["n", ["a", "b:c"]],
    ["n", ["a:b", "c"]],
    ["na", [":b:c"]],
    ["n", [" a "]],
    ["n", ["a"]],
    ["Größe", ["世界", "🦀"]],
    ["n", ["x".repeat(300)]],
];

function derive(namespace, parts) {
    const hash = createHash("sha256").update("pubsub.event-id.v1");
    for (const part of [namespace, ...parts]) {
        const bytes = Buffer.from(part), length = Buffer.alloc(8);
        length.writeBigUInt64BE(BigInt(bytes.length));
        hash.update(length).update(bytes);
    }
    const id = hash.digest().subarray(0, 16);
    id[6] = (id[6] & 0x0f) | 0x80;
    id[8] = (id[8] & 0x3f) | 0x80;
    return id.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

// Each file of this side, and its bytes.
function* written() {
    for (const [name, message] of Object.entries(cases)) {
        yield [`javascript/${name}.json`, Buffer.from(JSON.stringify(foreign(message), null, 1))];
        // By default it writes `undefined` as nil, and so all that is absent.
        yield [`javascript/${name}.msgpack`, Buffer.from(encode(foreign(message)))];
    }
    const vectors = ids.map(([namespace, parts]) => ({ namespace, parts, id: derive(namespace, parts) }));
    yield ["event_ids.json", Buffer.from(JSON.stringify(vectors, null, 1) + "\n")];
}

function check() {
    const decoder = new Decoder();
    for (const [name, message] of Object.entries(cases)) {
        const json = read(`${name}.json`).toString("utf8");
        equal(JSON.parse(json), message, `${name}.json`);
        equal(JSON.stringify(JSON.parse(json)), json, `${name}.json: the order of members`);
        const packed = decoder.decode(read(`${name}.msgpack`));
        equal(packed, message, `${name}.msgpack`);
        equal(Object.keys(packed), Object.keys(message), `${name}.msgpack: the order of members`);
    }
    for (const [name, bytes] of written()) equal(read(name), bytes, name);
    const count = 2 * Object.keys(cases).length + [...written()].length;
    console.log(`golden: ${count} passed, 0 failed`);
}

function write() {
    mkdirSync(file("javascript"), { recursive: true });
    for (const [name, bytes] of written()) writeFileSync(file(name), bytes);
}

const commands = { check, write };
const command = commands[process.argv[2]];
if (!command) throw new Error("usage: node golden.mjs check|write");
command();
