/**
 * A client of a pubsub hub, for browsers and Node: one file, no dependencies.
 *
 * It keeps one WebSocket, follows its topics through every reconnection, recovers what it missed by position, and says
 * exactly what cannot be recovered. Where no WebSocket is to be had it reads the hub's server-sent events instead.
 *
 * ```js
 * import { PubSub } from "https://hub.example/pubsub.js";
 *
 * const bus = new PubSub("wss://hub.example/ws", { token: () => fetchToken() });
 * for await (const event of bus.subscribe("chat:lobby")) console.log(event.payload);
 * await bus.publish("chat", "lobby", "hello");
 * ```
 *
 * @module pubsub
 */

/** The version of the protocol that is spoken here. */
const PROTOCOL = 1;
/** The id that the hub replaces by the name of who is authenticated on the connection. */
export const SELF_ID = "@self";
/** How many addresses one `__subscribe` names, where they can be apart. */
const BATCH = 64;

const DEFAULTS = {
  /** How long a connection may take until the hub has answered, in milliseconds. */
  connectTimeout: 10_000,
  /** How long it must have lasted for the delays to begin anew. */
  stableAfter: 5_000,
  /** The first and the highest ceiling of the delay before the next try. */
  backoffMin: 500,
  backoffMax: 20_000,
  /** The longest delay that a hub may ask for. */
  retryAfterMax: 300_000,
  /** After how long without a word the hub is pinged, and how long it may take to answer. */
  pingEvery: 25_000,
  pongTimeout: 10_000,
  /** How many publications may wait for their answer, and how long each may. */
  maxPending: 1024,
  publishTimeout: 60_000,
  /** How many events wait for a slow reader of a subscription, before the oldest give way: at least 1. */
  capacity: 1024,
  /** After how many failures to open a WebSocket, with no success in between, events are read by SSE. */
  sseAfter: 3,
};

/** Why something was refused or failed. `code` is one of the hub's error codes, or one of those below. */
export class PubSubError extends Error {
  /**
   * @param {string} code `not_sent`: it was never sent. `ambiguous`: it may have been accepted. `full`: too much waits.
   *   `closed`: the client is closed. `unsupported`: not over this connection. Everything else is the hub's.
   * @param {string} message
   * @param {{retryable?: boolean, retryAfter?: number}} [more]
   */
  constructor(code, message, { retryable = false, retryAfter } = {}) {
    super(message || code);
    this.name = "PubSubError";
    this.code = code;
    this.retryable = retryable;
    /** How long to wait before, in milliseconds. */
    this.retryAfter = retryAfter;
  }

  static of({ code, message, retryable, retryAfterMs }) {
    return new PubSubError(String(code), String(message ?? ""), { retryable: retryable === true, retryAfter: retryAfterMs });
  }
}

/** Whether to come back after a connection was closed with this code. */
export function comesBack(code) {
  const final = code === 1002 || code === 1003 || (code >= 1007 && code <= 1009) || (code >= 4500 && code <= 4999);
  return !final;
}

/** Splits `type:id` at the first colon; an address without one is that of every id. */
function parse(address) {
  const text = String(address);
  const colon = text.indexOf(":");
  const [type, id] = colon < 0 ? [text, null] : [text.slice(0, colon), text.slice(colon + 1)];
  if (type === "" || type.startsWith("__")) throw new TypeError(`${JSON.stringify(text)} is no topic`);
  return { text, type, id };
}

/** Random delays up to a ceiling that doubles: full jitter. Only a connection that lasted begins anew. */
class Backoff {
  constructor(min, max) {
    this.min = Math.min(min, max);
    this.max = max;
    this.ceiling = this.min;
  }

  next() {
    const delay = Math.random() * this.ceiling;
    this.ceiling = Math.min(this.ceiling * 2, this.max);
    return delay;
  }

  stable() {
    this.ceiling = this.min;
  }
}

/** How many events may be under way, where that is said. */
function checkWindow(window) {
  if (window === undefined) return;
  if (!Number.isInteger(window) || window < 1 || window >= 2 ** 32) throw new TypeError("a `window` is a whole number from 1");
}

/** An event that was delivered, and which so many of those that acknowledge have not handled yet. */
class Held {
  constructor(topic, flows, { epoch, offset }, left) {
    Object.assign(this, { topic, flows, epoch, offset, left });
    for (const flow of flows) flow.held.add(this);
  }
}

/**
 * One address that is followed: how far, and what the hub was asked about it. At most one question about it is open.
 *
 * `relation` is what the address of one id has to do with that of its type on this connection: `own` events; `behind`, its own
 * until the wider one begins; `absorbed`, when its events come by the wider one.
 */
class Flow {
  constructor(address) {
    Object.assign(this, parse(address));
    /** @type {Set<Subscription>} */
    this.subscriptions = new Set();
    /** @type {{epoch: string, offset: number} | null} Everything up to it is known. */
    this.position = null;
    /** @type {{subscribe: boolean, correlation: string} | null} */
    this.asked = null;
    this.onGap = undefined;
    this.relation = "own";
    this.live = false;
    this.announced = false;
    /** Events were lost, and the hub did not say up to where: the next is taken as it comes. */
    this.unsure = false;
    /** The offset at which a hole was found, while nothing has come since. */
    this.recoveringFrom = null;
    /** @type {Set<Held>} What was delivered by this address, or for it, and is not handled. */
    this.held = new Set();
    /** How many were handled since the hub was told last: up to which offset, and of which window. */
    this.handled = 0;
    this.acknowledged = -1;
    this.window = null;
  }

  get wanted() {
    return this.subscriptions.size > 0;
  }

  /** What an event is here: the next, one that was seen, or one after a hole. */
  judge({ epoch, offset, after }) {
    const known = this.position;
    if (known === null || offset === undefined) return "next";
    if (epoch !== undefined && epoch !== known.epoch) return "hole";
    if (offset <= known.offset) return "seen";
    return after !== undefined && after > known.offset && !this.unsure ? "hole" : "next";
  }

  advance({ epoch = this.position?.epoch, offset }) {
    if (epoch !== undefined && offset !== undefined) this.position = { epoch, offset };
    this.unsure = false;
    this.recoveringFrom = null;
  }

  /** Whether it began after this. A wider address may not have come so far. */
  isBeyond(at) {
    return at !== undefined && this.position?.epoch === at.epoch && at.offset <= this.position.offset;
  }

  /** Up to where everything is handled that has come so far. What is held of a history before comes before all of this one. */
  get handledUpTo() {
    let upTo = this.position?.offset ?? -1;
    for (const { epoch, offset } of this.held) upTo = Math.min(upTo, epoch === this.position?.epoch ? offset - 1 : -1);
    return upTo;
  }

  /** The hub need not hear of each: it has room for more while half of the window is free. */
  get isDue() {
    return this.held.size === 0 || this.handled * 2 >= (this.window ?? 0);
  }

  /** What the wider address has delivered is known here too; unless this one began after it. */
  keepUpWith(wider) {
    if (wider === null || !this.live || this.relation !== "absorbed") return;
    const own = this.position;
    if (own === null || own.epoch !== wider.epoch || own.offset < wider.offset) this.position = { ...wider };
  }
}

/** The addresses of one type: that of all ids, and those of single ones. */
class Topic {
  /** @type {Flow | null} */
  whole = null;
  /** @type {Map<string, Flow>} */
  ids = new Map();

  flow(id) {
    return (id === null ? this.whole : this.ids.get(id)) ?? null;
  }

  flows() {
    return this.whole === null ? [...this.ids.values()] : [this.whole, ...this.ids.values()];
  }

  /** The smallest window of those that an address delivers for; `null` if none of them acknowledges. */
  windowOf(flow) {
    let smallest = Infinity;
    for (const { subscriptions } of flow.id === null ? this.flows() : [flow]) {
      for (const { options } of subscriptions) smallest = Math.min(smallest, options.window ?? Infinity);
    }
    return smallest === Infinity ? null : smallest;
  }

  add(flow) {
    if (flow.id === null) this.whole = flow;
    else this.ids.set(flow.id, flow);
  }

  remove(flow) {
    if (flow.id !== null) return void this.ids.delete(flow.id);
    this.standAlone();
    this.whole = null;
  }

  /** The wider address is no longer: the narrower ones go on from where it was. */
  standAlone() {
    for (const narrow of this.ids.values()) {
      narrow.keepUpWith(this.whole?.position ?? null);
      narrow.relation = "own";
      // Its position may be of another history than what was acknowledged of it before.
      narrow.acknowledged = -1;
    }
  }

  /** The first event of the wider address says that the narrower ones have had all of theirs. */
  absorbAll() {
    for (const narrow of this.ids.values()) if (narrow.relation === "behind") narrow.relation = "absorbed";
  }

  /** Nothing of what was asked for on a connection outlives it; positions do. */
  disconnected() {
    if (this.whole !== null && !(this.whole.wanted && this.whole.announced)) this.standAlone();
    for (const flow of this.flows()) {
      if (flow.id !== null) flow.keepUpWith(this.whole?.position ?? null);
      if (!flow.wanted) this.remove(flow);
    }
    for (const flow of this.flows()) {
      Object.assign(flow, { asked: null, live: false, unsure: false, recoveringFrom: null });
      if (!flow.announced) flow.position = flow.given ?? null;
    }
  }

  /** One of a single id that is not as far as its type comes before it; one that is as far has nothing of its own to get. */
  inOrder() {
    const whole = this.whole?.position ?? null;
    const first = ({ position }) =>
      whole === null || (position !== null && (position.epoch !== whole.epoch || position.offset < whole.offset));
    const ids = [...this.ids.values()];
    const middle = this.whole === null ? [] : [this.whole];
    return [...ids.filter(first), ...middle, ...ids.filter((flow) => !first(flow))];
  }
}

/**
 * Events of one address, as an async iterator, or by the handler it was made with.
 *
 * An iterator keeps the newest `capacity` events for a slow reader; how many gave way is the `missed` of the next one. A
 * `gap` of the next event says what was lost on the way: `{reason, missed?}`.
 *
 * With a `window` it acknowledges what it has handled, and the hub sends no more than so many events that were not: a handler
 * gets one event at a time, which is handled when its promise has settled; what an iterator gave is handled when the next is
 * asked for.
 */
export class Subscription {
  #bus;
  #events = [];
  #waiting = [];
  /** @type {Set<Held>} */
  #held = new Set();
  #working = false;
  #gap = null;
  #error = null;
  #ended = false;
  #settle;

  constructor(bus, address, handler, options) {
    this.#bus = bus;
    this.address = address;
    this.handler = handler;
    this.options = options;
    /** Resolves with the position from which it follows the hub's events; rejects if the hub refuses. */
    this.ready = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    // Who is not interested is not told of it as an unhandled rejection: the iterator and `error` say it too.
    this.ready.catch(() => {});
  }

  /** Why it ended, if not by `unsubscribe` or `close`. */
  get error() {
    return this.#error;
  }

  /** Follows no longer; a loop over it ends. */
  unsubscribe() {
    this.#bus._leave(this);
    this._end(null);
  }

  async *[Symbol.asyncIterator]() {
    if (this.handler) throw new TypeError("this subscription hands its events to a handler");
    try {
      for (;;) {
        if (this.#events.length > 0) {
          const { event, held } = this.#events.shift();
          yield event;
          this.#handled(held);
        } else if (this.#error) throw this.#error;
        else if (this.#ended) return;
        else await new Promise((resolve) => this.#waiting.push(resolve));
      }
    } finally {
      this.unsubscribe();
    }
  }

  _announce(position) {
    this.#settle.resolve({ ...position });
  }

  _gap(gap) {
    const missed = this.#gap?.missed !== undefined && gap.missed !== undefined ? this.#gap.missed + gap.missed : gap.missed;
    this.#gap = { reason: gap.reason, ...(missed === undefined ? {} : { missed }) };
    call(this.options.onGap, gap, this.#bus);
  }

  /** `held` is what waits for this one to have handled the event, where it acknowledges. */
  _deliver(event, held = null) {
    if (held !== null) this.#held.add(held);
    if (this.#ended) return this.#handled(held);
    const gap = this.#gap;
    this.#gap = null;
    const own = { ...event, ...(gap === null ? {} : { gap }) };
    if (this.handler && this.options.window === undefined) return void call(this.handler, own, this.#bus);
    this.#events.push({ event: own, held });
    if (this.#events.length > this.options.capacity) {
      const { event: dropped, held: unhandled } = this.#events.shift();
      const [{ event: next }] = this.#events;
      next.missed = (next.missed ?? 0) + 1 + (dropped.missed ?? 0);
      if (dropped.gap) next.gap ??= dropped.gap;
      this.#handled(unhandled);
    }
    if (this.handler) this.#work();
    else this.#wake();
  }

  /** One event at a time. */
  async #work() {
    if (this.#working) return;
    this.#working = true;
    while (this.#events.length > 0 && !this.#ended) {
      const { event, held } = this.#events.shift();
      await call(this.handler, event, this.#bus);
      this.#handled(held);
    }
    this.#working = false;
  }

  #handled(held) {
    if (this.#held.delete(held)) this.#bus._handled(held);
  }

  _end(error) {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#settle.reject(error ?? new PubSubError("closed", "the subscription has ended"));
    // Nobody waits for what it has not handled.
    for (const held of this.#held) this.#handled(held);
    this.#wake();
  }

  #wake() {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** A handler that fails loses no later event, and harms no neighbour. Resolves when it has come to an end. */
async function call(handler, argument, bus) {
  try {
    await handler?.(argument);
  } catch (error) {
    bus._tell("error", { error });
  }
}

/** Events that wait for the hub's answer: each is sent again on a new connection, where that cannot deliver it twice. */
class Publications {
  #all = new Map();

  constructor(max) {
    this.max = max;
  }

  add(eventId, publication) {
    if (this.#all.size >= this.max) throw new PubSubError("full", "too many events wait for their answer", { retryable: true });
    this.#all.set(eventId, publication);
  }

  /** The next that were not written on this connection, in the order of publishing. */
  *unwritten(memory) {
    for (const publication of this.#all.values()) {
      if (publication.here) continue;
      publication.here = true;
      publication.writtenTo = memory ?? "";
      yield publication.message;
    }
  }

  disconnected() {
    for (const publication of this.#all.values()) publication.here = false;
  }

  /** A hub that does not remember the ids of events could accept these twice. */
  forgetForeign(memory) {
    for (const [eventId, { writtenTo }] of this.#all) {
      if (writtenTo !== null && writtenTo !== (memory ?? "")) this.fail(eventId);
    }
  }

  answer(eventId, outcome) {
    const publication = this.#all.get(eventId);
    if (!publication) return false;
    this.#all.delete(eventId);
    clearTimeout(publication.timer);
    if (outcome instanceof PubSubError) publication.reject(outcome);
    else publication.resolve(outcome);
    return true;
  }

  /** No answer will come. */
  fail(eventId) {
    const written = this.#all.get(eventId)?.writtenTo !== null;
    const error = written
      ? new PubSubError("ambiguous", "it was sent, and no answer came: it may have been accepted", { retryable: true })
      : new PubSubError("not_sent", "it was not sent", { retryable: true });
    this.answer(eventId, error);
  }

  failAll() {
    for (const eventId of [...this.#all.keys()]) this.fail(eventId);
  }

  get size() {
    return this.#all.size;
  }
}

/** A connection by WebSocket. `on` has `open`, `message(text)` and `lost(code)`; after `lost` nothing more comes. */
class SocketConnection {
  constructor(url, options, on) {
    this.kind = "websocket";
    const Socket = options.WebSocket ?? globalThis.WebSocket;
    this.socket = new Socket(url, ["pubsub.v1.json"]);
    let open = true;
    const lost = (code) => {
      if (!open) return;
      open = false;
      on.lost(code);
    };
    this.lost = lost;
    this.socket.onopen = () => open && on.open();
    this.socket.onmessage = ({ data }) => open && on.message(data);
    this.socket.onclose = ({ code }) => lost(code || 1006);
    // What went wrong is told by the close that follows.
    this.socket.onerror = () => {};
  }

  send(text) {
    if (this.socket.readyState === 1) this.socket.send(text);
  }

  /** Ends it at once for this side, whether the other one answers or not. */
  close(code) {
    this.lost(code);
    this.socket.close(code === 1006 ? 4004 : code);
  }
}

/**
 * A connection by server-sent events: the hub is asked by the URL, and its answers are the messages that a WebSocket would
 * bring. It cannot publish. Another set of addresses is another request, after the positions that are known.
 */
class EventStreamConnection {
  constructor(url, options, on) {
    this.kind = "sse";
    this.url = url;
    // A browser's own refuses to be a method of anything else.
    this.fetch = options.fetch ?? ((...request) => globalThis.fetch(...request));
    this.on = on;
    this.token = null;
    this.ended = false;
    this.request = null;
    queueMicrotask(() => this.ended || on.open());
  }

  /** Follows these flows and no others. */
  follow(flows) {
    this.request?.abort();
    if (flows.length === 0) return;
    this.request = new AbortController();
    this.#read(flows, this.request.signal).catch(() => this.#lost(1006));
  }

  async #read(flows, signal) {
    const url = new URL(this.url);
    for (const { text } of flows) url.searchParams.append("topic", text);
    const headers = { accept: "text/event-stream" };
    if (this.token) headers.authorization = `Bearer ${this.token}`;
    if (flows.some(({ position }) => position !== null)) {
      headers["last-event-id"] = flows.map(({ position: at }) => (at ? `${at.epoch}.${at.offset}` : "-")).join(" ");
    }
    let response;
    try {
      response = await this.fetch(url, { headers, signal, cache: "no-store" });
    } catch (error) {
      if (signal.aborted) return;
      throw error;
    }
    // Who is not let in is told so by HTTP.
    const { status } = response;
    if (status === 401) return this.#lost(4500);
    if (status === 403) return this.#lost(4507);
    if (!response.ok) return this.#lost(status >= 500 || status === 429 ? 1013 : 1008);
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let rest = "";
    let data = [];
    for (;;) {
      const { done, value } = await reader.read().catch(() => ({ done: true }));
      if (signal.aborted) return;
      if (done) return this.#lost(1006);
      const lines = (rest + decoder.decode(value, { stream: true })).split("\n");
      rest = lines.pop();
      this.on.alive();
      for (const line of lines) {
        // An empty line ends a message; its lines of data belong together.
        if (line.startsWith("data:")) data.push(line.slice(5));
        if (line !== "" || data.length === 0) continue;
        this.on.message(data.join("\n"));
        data = [];
        if (this.ended || signal.aborted) return;
      }
    }
  }

  #lost(code) {
    if (this.ended) return;
    this.ended = true;
    this.request?.abort();
    this.on.lost(code);
  }

  close(code) {
    this.#lost(code);
  }
}

/**
 * A bus over a hub. It connects by itself, and again until it is closed or the hub says not to come back.
 *
 * It is an `EventTarget`: `state` (`detail` is the new state), `error` (`detail.error`: a handler failed, or the hub refused
 * what nobody waits for), `gap` (`detail` is `{address, reason, missed?}`).
 */
export class PubSub extends EventTarget {
  #url;
  #options;
  #backoff;
  #topics = new Map();
  #publications;
  #connection = null;
  #correlation = 0;
  #identity = null;
  #memory = null;
  #state = { kind: "connecting" };
  #welcomed = false;
  #goodbye = null;
  #failures = 0;
  #timers = { connect: 0, retry: 0, stable: 0, ping: 0, refresh: 0 };

  /**
   * @param {string | URL} url `ws://` or `wss://`; in a browser also a path of the page's own origin.
   * @param {object} [options] those of `DEFAULTS`, and `token`: a string, or a function that gives one or a promise of one,
   *   asked before each connection; `WebSocket` and `fetch`, where the environment has none; `sse`: the URL of the hub's
   *   server-sent events (default: `/sse` beside the WebSocket's), or `false`.
   */
  constructor(url, options = {}) {
    super();
    this.#url = new URL(url, globalThis.location?.href);
    this.#url.protocol = this.#url.protocol.replace(/^http/, "ws");
    this.#options = { ...DEFAULTS, ...options };
    this.#backoff = new Backoff(this.#options.backoffMin, this.#options.backoffMax);
    this.#publications = new Publications(this.#options.maxPending);
    this.#connect();
  }

  /** `{kind: "connecting"}`, `{kind: "connected", over}`, `{kind: "waiting", delay, code}` or `{kind: "closed", code}`. */
  get state() {
    return this.#state;
  }

  /** Who the hub says this is; `null` if it is anonymous. */
  get identity() {
    return this.#identity;
  }

  /** How many published events wait for their answer. */
  get inFlight() {
    return this.#publications.size;
  }

  /**
   * Follows `type` (every id) or `type:id` from now on, or after `since`, a position that `event.position` or `ready` gave.
   *
   * With a `window` the hub sends no more than so many events that were not handled here: see {@link Subscription}. A type
   * delivers for its ids too, so they share what the hub is asked for: the smallest window, and what all that have one have
   * handled. Server-sent events know no acknowledging: what is not handled waits within `capacity`, twice the window at least.
   *
   * @param {string} address
   * @param {((event: object) => unknown) | object} [handler] called with each event; without it, iterate.
   * @param {{since?: {epoch: string, offset: number}, onGap?: (gap: object) => unknown, capacity?: number, window?: number}}
   *   [options]
   * @returns {Subscription}
   */
  subscribe(address, handler, options) {
    const [listener, own] = typeof handler === "function" ? [handler, options] : [null, handler];
    const { text, type, id } = parse(address);
    const settings = { capacity: this.#options.capacity, ...own };
    checkWindow(settings.window);
    // What the hub has under way has room, also where one address takes over from another.
    settings.capacity = Math.max(1, settings.capacity, 2 * (settings.window ?? 0));
    const subscription = new Subscription(this, text, listener, settings);
    if (this.#state.kind === "closed") {
      subscription._end(new PubSubError("closed", "the client is closed"));
      return subscription;
    }
    if (!this.#topics.has(type)) this.#topics.set(type, new Topic());
    const topic = this.#topics.get(type);
    let flow = topic.flow(id);
    if (flow === null) topic.add((flow = new Flow(text)));
    if (settings.since && flow.wanted) {
      subscription._end(new PubSubError("already_subscribed", `${text} is followed already: a position cannot be given to it`));
      return subscription;
    }
    const fresh = !flow.wanted;
    flow.subscriptions.add(subscription);
    if (fresh) {
      flow.announced = false;
      flow.given = settings.since ? { ...settings.since } : null;
      this.#reconcile(topic, flow);
    } else if (flow.announced && flow.position) {
      if (id !== null) flow.keepUpWith(topic.whole?.position ?? null);
      subscription._announce(flow.position);
    }
    this.#tellOf(topic);
    return subscription;
  }

  /**
   * Publishes an event. Resolves with `{eventId, offset}` when the hub has accepted it, which it does once, however often
   * it had to be sent. While there is no WebSocket it waits for one: server-sent events go one way.
   *
   * @throws {PubSubError} with `not_sent` or `ambiguous` where no answer came in time, or with the hub's refusal.
   */
  publish(type, id, payload, { eventId = uuid() } = {}) {
    return new Promise((resolve, reject) => {
      if (this.#state.kind === "closed") throw new PubSubError("closed", "the client is closed");
      parse(`${type}:${id}`);
      if (String(type).includes(":")) throw new TypeError("a type has no colon");
      if (payload === undefined) throw new TypeError("a payload is a JSON value");
      const message = JSON.stringify({ type, id: String(id), payload, eventId });
      const publication = { message, resolve, reject, here: false, writtenTo: null, timer: 0 };
      this.#publications.add(eventId, publication);
      publication.timer = setTimeout(() => this.#publications.fail(eventId), this.#options.publishTimeout);
      this.#writePublications();
    });
  }

  /** Tells the hub a new token on the connection that there is. */
  async refresh() {
    const connection = this.#connection;
    const token = await this.#token();
    if (this.#connection === connection && connection?.kind === "websocket" && this.#welcomed) this.#sayConnect(token);
  }

  /** Closes the connection and ends every subscription. What has no answer yet is `not_sent` or `ambiguous`. */
  close() {
    this.#stop(1000, null);
  }

  [Symbol.dispose ?? Symbol.for("Symbol.dispose")]() {
    this.close();
  }

  _tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  _leave(subscription) {
    const { type, id } = parse(subscription.address);
    const topic = this.#topics.get(type);
    const flow = topic?.flow(id);
    if (!flow?.subscriptions.delete(subscription)) return;
    if (!flow.wanted) {
      flow.announced = false;
      this.#reconcile(topic, flow);
    }
    this.#tellOf(topic);
  }

  /** One of those that an event was delivered to has handled it. */
  _handled(held) {
    held.left -= 1;
    if (held.left > 0) return;
    for (const flow of held.flows) {
      flow.held.delete(held);
      flow.handled += 1;
      if (flow.isDue) this.#tell(held.topic, flow);
    }
  }

  // The connection.

  async #connect() {
    this.#become({ kind: "connecting" });
    let connection;
    const current = () => connection !== undefined && this.#connection === connection;
    const on = {
      open: () => current() && this.#opened(token),
      alive: () => current() && this.#heard(),
      message: (text) => current() && this.#receive(text),
      lost: (code) => current() && this.#lost(code),
    };
    let token;
    try {
      token = await this.#token();
    } catch (error) {
      this._tell("error", { error });
      return this.#lost(1006);
    }
    if (this.#state.kind === "closed") return;
    const noSocket = (this.#options.WebSocket ?? globalThis.WebSocket) === undefined;
    const bySse = this.#sseUrl() !== null && (noSocket || this.#failures >= this.#options.sseAfter);
    this.#timers.connect = setTimeout(() => this.#giveUp(1006), this.#options.connectTimeout);
    try {
      connection = bySse
        ? new EventStreamConnection(this.#sseUrl(), this.#options, on)
        : new SocketConnection(this.#url, this.#options, on);
    } catch (error) {
      this._tell("error", { error });
      return this.#lost(1006);
    }
    this.#connection = connection;
    if (bySse) connection.token = token;
  }

  async #token() {
    const { token } = this.#options;
    return typeof token === "function" ? await token() : token;
  }

  #sseUrl() {
    const { sse } = this.#options;
    if (sse === false || (this.#options.fetch ?? globalThis.fetch) === undefined) return null;
    const url = new URL(sse ?? this.#url.pathname.replace(/[^/]*$/, "sse"), this.#url);
    url.protocol = url.protocol.replace(/^ws/, "http");
    return url;
  }

  #opened(token) {
    this.#goodbye = null;
    if (this.#connection.kind === "sse") {
      this.#welcome({});
      return this.#followByUrl();
    }
    this.#sayConnect(token);
    this.#followAll();
  }

  #sayConnect(token) {
    this.#send("__connect", "0", { protocol: PROTOCOL, ...(token ? { token } : {}) });
  }

  #welcome({ identity, epoch, expiresMs }) {
    this.#identity = identity ?? null;
    clearTimeout(this.#timers.refresh);
    if (expiresMs !== undefined && typeof this.#options.token === "function") {
      const early = Math.min(60_000, expiresMs / 4);
      const refresh = () => this.refresh().catch((error) => this._tell("error", { error }));
      // Longer than a timer can wait is as good as never.
      if (expiresMs - early < 2 ** 31) this.#timers.refresh = setTimeout(refresh, expiresMs - early);
    }
    if (this.#welcomed) return;
    this.#welcomed = true;
    this.#memory = epoch ?? null;
    clearTimeout(this.#timers.connect);
    if (this.#connection.kind === "websocket") this.#failures = 0;
    this.#timers.stable = setTimeout(() => this.#backoff.stable(), this.#options.stableAfter);
    this.#become({ kind: "connected", over: this.#connection.kind });
    this.#heard();
    if (this.#connection.kind !== "websocket") return;
    this.#publications.forgetForeign(this.#memory);
    this.#writePublications();
  }

  #heard() {
    clearTimeout(this.#timers.ping);
    const { pingEvery, pongTimeout } = this.#options;
    this.#timers.ping = setTimeout(() => {
      if (this.#connection?.kind === "websocket") this.#send("__ping", "", {});
      this.#timers.ping = setTimeout(() => this.#giveUp(4004), pongTimeout);
    }, this.#connection?.kind === "sse" ? pingEvery + pongTimeout : pingEvery);
  }

  /** Gives this connection up for another. */
  #giveUp(code) {
    if (this.#connection) this.#connection.close(code);
    else this.#lost(code);
  }

  #lost(code) {
    if (this.#state.kind === "closed") return;
    // After a time of SSE a WebSocket is tried again, once.
    if (this.#connection?.kind === "sse") this.#failures = this.#options.sseAfter - 1;
    else if (!this.#welcomed) this.#failures += 1;
    this.#disconnected();
    const { retry, retryAfterMs } = this.#goodbye ?? { retry: comesBack(code) };
    this.#goodbye = null;
    if (!retry) return this.#stop(code, null);
    const asked = retryAfterMs === undefined ? null : Math.min(retryAfterMs, this.#options.retryAfterMax);
    const delay = asked ?? this.#backoff.next();
    this.#timers.retry = setTimeout(() => this.#connect(), delay);
    this.#become({ kind: "waiting", delay, code });
  }

  #disconnected() {
    for (const timer of Object.values(this.#timers)) clearTimeout(timer);
    this.#connection = null;
    this.#welcomed = false;
    this.#publications.disconnected();
    for (const [type, topic] of this.#topics) {
      topic.disconnected();
      if (topic.flows().length === 0) this.#topics.delete(type);
    }
  }

  #stop(code, error) {
    if (this.#state.kind === "closed") return;
    const connection = this.#connection;
    this.#disconnected();
    this.#become({ kind: "closed", code });
    connection?.close(1000);
    this.#publications.failAll();
    const why = error ?? (code === 1000 ? null : new PubSubError("closed", `the hub closed the connection with ${code}`));
    for (const topic of this.#topics.values()) {
      for (const flow of topic.flows()) for (const subscription of [...flow.subscriptions]) subscription._end(why);
    }
    this.#topics.clear();
  }

  #become(state) {
    this.#state = state;
    this._tell("state", state);
  }

  #send(type, id, payload) {
    this.#connection?.send?.(JSON.stringify({ type, id, payload }));
  }

  #writePublications() {
    if (!this.#welcomed || this.#connection.kind !== "websocket") return;
    for (const message of this.#publications.unwritten(this.#memory)) this.#connection.send(message);
  }

  // Following addresses.

  /** By URL there are no questions: each change is another request, made once for all that changed together. */
  #followByUrl() {
    const connection = this.#connection;
    if (connection.changing) return;
    connection.changing = true;
    queueMicrotask(() => {
      connection.changing = false;
      if (this.#connection !== connection) return;
      for (const topic of this.#topics.values()) {
        for (const flow of topic.flows()) {
          if (flow.id !== null) flow.keepUpWith(topic.whole?.position ?? null);
        }
        for (const flow of topic.flows()) if (!flow.wanted) topic.remove(flow);
      }
      const flows = [...this.#topics.values()].flatMap((topic) => topic.inOrder());
      for (const flow of flows) {
        flow.position ??= flow.given ?? null;
        Object.assign(flow, { live: false, relation: "own", asked: { subscribe: true, correlation: "" } });
      }
      connection.follow(flows);
    });
  }

  /** Asks the hub for what is wanted, if it does not have it and was not asked. */
  #reconcile(topic, flow) {
    if (!flow.wanted && !flow.live && flow.asked === null) {
      topic.remove(flow);
      if (topic.flows().length === 0) this.#topics.delete(flow.type);
      return;
    }
    if (this.#connection?.kind === "sse" && this.#welcomed) return this.#followByUrl();
    if (flow.asked !== null || !this.#isOpen || flow.wanted === flow.live) return;
    const correlation = String(++this.#correlation);
    flow.asked = { subscribe: flow.wanted, correlation };
    if (flow.wanted) {
      flow.position = flow.given ?? null;
      this.#send("__subscribe", correlation, this.#question(topic, flow));
    } else {
      this.#send("__unsubscribe", correlation, { topic: flow.text });
    }
  }

  get #isOpen() {
    return this.#connection?.kind === "websocket" && this.#connection.socket.readyState === 1;
  }

  /** What was delivered does not come again, and counts as long as it is held. */
  #question(topic, flow) {
    const since = flow.position;
    const window = topic.windowOf(flow);
    const unacknowledged = since === null || window === null ? 0 : flow.held.size;
    Object.assign(flow, { window, handled: 0, acknowledged: unacknowledged > 0 ? since.offset - 1 : Infinity });
    return {
      topic: flow.text,
      ...(since === null ? {} : { since }),
      ...(window === null ? {} : { window }),
      ...(unacknowledged === 0 ? {} : { unacknowledged }),
    };
  }

  /** Tells the hub what it does not know of a window, and of what was handled. */
  #tell(topic, flow) {
    if (!this.#isOpen || !flow.live || flow.asked !== null) return;
    const window = topic.windowOf(flow);
    const other = window !== flow.window;
    const offset = flow.handledUpTo;
    // By an address that is absorbed nothing comes.
    const more = window !== null && flow.relation !== "absorbed" && offset > flow.acknowledged;
    if (!other && !more) return;
    const upTo = Math.max(0, offset);
    Object.assign(flow, { window, handled: 0, acknowledged: upTo });
    this.#send("__ack", "", { topic: flow.text, offset: upTo, ...(other ? { window: window ?? 0 } : {}) });
  }

  #tellOf(topic) {
    for (const flow of topic.flows()) this.#tell(topic, flow);
  }

  #followAll() {
    let batch = [];
    const ask = () => {
      if (batch.length === 0) return;
      const correlation = String(++this.#correlation);
      for (const [, flow] of batch) flow.asked = { subscribe: true, correlation };
      this.#send("__subscribe", correlation, { topics: batch.map(([topic, flow]) => this.#question(topic, flow)) });
      batch = [];
    };
    for (const topic of this.#topics.values()) {
      // What is asked for together is answered together: a type and its ids must not be apart.
      const together = topic.inOrder();
      for (const flow of together) flow.position ??= flow.given ?? null;
      if (batch.length > 0 && batch.length + together.length > BATCH) ask();
      batch.push(...together.map((flow) => [topic, flow]));
    }
    ask();
  }

  /** Events are missing here: asks for them, on the same connection. */
  #recover(topic, flow) {
    if (flow.asked !== null) return;
    if (flow.recoveringFrom !== null && flow.recoveringFrom === flow.position?.offset) return this.#giveUp(4006);
    flow.live = false;
    flow.recoveringFrom = flow.position?.offset ?? null;
    if (this.#connection.kind === "sse") return this.#followByUrl();
    const correlation = String((this.#correlation += 2));
    flow.asked = { subscribe: true, correlation };
    this.#send("__unsubscribe", String(this.#correlation - 1), { topic: flow.text });
    this.#send("__subscribe", correlation, this.#question(topic, flow));
  }

  // What the hub says.

  #receive(text) {
    this.#heard();
    let messages;
    try {
      messages = JSON.parse(text);
    } catch (error) {
      return this._tell("error", { error });
    }
    for (const message of Array.isArray(messages) ? messages : [messages]) {
      if (message === null || typeof message?.type !== "string") {
        this._tell("error", { error: new PubSubError("bad_message", "the hub sent what is no envelope") });
      } else if (message.type.startsWith("__")) {
        this.#answered(message.type, String(message.id ?? ""), message.payload ?? {});
      } else {
        this.#event(message);
      }
    }
  }

  #answered(type, correlation, payload) {
    switch (type) {
      case "__connected":
        return this.#welcome(payload);
      case "__subscribed":
        return this.#subscribed(correlation, payload);
      case "__unsubscribed":
        return this.#unsubscribed(correlation, payload);
      case "__published":
        return void this.#publications.answer(payload.eventId, { eventId: payload.eventId, offset: payload.offset });
      case "__gap":
        return this.#gapped(payload);
      case "__disconnect":
        this.#goodbye = { retry: payload.retry === true, retryAfterMs: payload.retryAfterMs };
        return;
      case "__error":
        return this.#failed(correlation, payload);
    }
  }

  #find(address) {
    const { type, id } = parse(address);
    const topic = this.#topics.get(type);
    return [topic, topic?.flow(id) ?? null];
  }

  #subscribed(correlation, { topic: address, epoch, offset, recovered, replay, gap, missed }) {
    const [topic, flow] = this.#find(address);
    if (flow === null || flow.asked?.subscribe !== true || (flow.asked.correlation || correlation) !== correlation) return;
    const whole = flow.id === null ? null : topic.whole;
    const widerMayBringSome = whole !== null && whole.asked !== null && whole.position !== null;
    const underWider = whole?.live === true;
    const had = flow.position !== null;
    const sameHistory = had && flow.position.epoch === epoch;
    flow.asked = null;
    flow.live = true;
    // Where nothing is replayed, the hub's place is known too; unless a wider address has yet to come there.
    if (!(recovered && had) || (replay === 0 && !underWider)) flow.position = { epoch, offset };
    // Nothing is under way but what was said to be, of the same history.
    if (!sameHistory || flow.acknowledged === Infinity) flow.acknowledged = flow.position.offset;
    flow.relation = underWider ? "absorbed" : "own";
    if (flow.id === null) {
      for (const narrow of topic.ids.values()) if (narrow.live && narrow.relation === "own") narrow.relation = "behind";
    }
    if (flow.wanted && !flow.announced) {
      flow.announced = true;
      for (const subscription of flow.subscriptions) subscription._announce(flow.position);
    }
    if (had && !recovered) this.#lostOn(topic, flow, gap ?? "epoch", widerMayBringSome ? undefined : missed);
    this.#reconcile(topic, flow);
    this.#tellOf(topic);
  }

  #unsubscribed(correlation, { topic: address, code, reason }) {
    const [topic, flow] = this.#find(address);
    if (flow === null) return;
    if (code !== undefined) return this.#refused(topic, flow, new PubSubError(code, reason));
    if (flow.asked?.subscribe !== false || flow.asked.correlation !== correlation) return;
    flow.asked = null;
    flow.live = false;
    if (flow.id === null) topic.standAlone();
    this.#reconcile(topic, flow);
    this.#tellOf(topic);
  }

  #refused(topic, flow, error) {
    const subscriptions = [...flow.subscriptions];
    flow.subscriptions.clear();
    topic.remove(flow);
    if (topic.flows().length === 0) this.#topics.delete(flow.type);
    for (const subscription of subscriptions) subscription._end(error);
    this.#tellOf(topic);
  }

  #failed(correlation, failure) {
    const error = PubSubError.of(failure);
    if (this.#publications.answer(correlation, error)) return;
    // `__connect` was refused: there is nothing to be had here.
    if (correlation === "0") {
      this.#goodbye = { retry: failure.retryable === true, retryAfterMs: failure.retryAfterMs };
      return this.#giveUp(4500);
    }
    const concerned = [];
    for (const topic of this.#topics.values()) {
      for (const flow of topic.flows()) {
        const asked = flow.asked !== null && (flow.asked.correlation || correlation) === correlation;
        if (asked && (failure.topic === undefined || failure.topic === flow.text)) concerned.push([topic, flow]);
      }
    }
    if (concerned.length === 0) return this._tell("error", { error });
    for (const [topic, flow] of concerned) {
      if (flow.asked.subscribe) this.#refused(topic, flow, error);
      // It had no such subscription: so much the better.
      else this.#unsubscribed(correlation, { topic: flow.text });
    }
  }

  #gapped({ topic: address, missed, reason, offset, epoch }) {
    const [topic, flow] = this.#find(address);
    if (flow === null || !flow.live) return;
    if (flow.id === null) topic.absorbAll();
    // A wider address has told it already.
    if (epoch !== undefined && epoch === flow.position?.epoch) return;
    if (flow.position !== null && offset !== undefined) {
      const same = epoch === undefined || epoch === flow.position.epoch;
      if (!same) flow.acknowledged = offset;
      flow.position = same
        ? { epoch: flow.position.epoch, offset: Math.max(flow.position.offset, offset) }
        : { epoch, offset };
    } else {
      flow.unsure = true;
    }
    this.#lostOn(topic, flow, reason, missed);
  }

  /** Events are lost for every address that this one delivered for. */
  #lostOn(topic, flow, reason, missed) {
    const known = flow.position;
    const concerned = flow.announced ? [[flow, missed]] : [];
    if (flow.id === null && known !== null) {
      for (const narrow of topic.ids.values()) {
        if (!(narrow.live && narrow.relation === "absorbed" && narrow.announced)) continue;
        const own = narrow.position;
        if (own !== null && own.epoch === known.epoch && own.offset >= known.offset) continue;
        narrow.position = { ...known };
        concerned.push([narrow, undefined]);
      }
    }
    for (const [{ text, subscriptions }, count] of concerned) {
      const gap = { reason, ...(count === undefined ? {} : { missed: count }) };
      this._tell("gap", { address: text, ...gap });
      for (const subscription of [...subscriptions]) subscription._gap(gap);
    }
  }

  #event(message) {
    const { type, id, payload, eventId, epoch, offset } = message;
    const topic = this.#topics.get(type);
    if (!topic) return;
    // What the hub made of `@self`.
    const own = this.#identity === id && topic.ids.has(SELF_ID) && !topic.ids.has(id);
    const { whole } = topic;
    const narrow = topic.ids.get(own ? SELF_ID : id) ?? null;
    let flow = narrow;
    if (whole?.live) {
      // Up to where the wider one began, a narrower one has its own.
      const beyond = whole.position === null || epoch !== whole.position.epoch || offset > whole.position.offset;
      if (!(narrow?.live && narrow.relation === "behind" && !beyond)) flow = whole;
    } else if (whole?.asked && whole.position !== null && narrow?.relation === "absorbed") {
      // What the wider one delivered for the narrower will come with what it recovers.
      return;
    }
    if (flow === null || !flow.live) return;
    const verdict = flow.judge(message);
    if (verdict === "seen") {
      // It takes room all the same.
      flow.acknowledged = Math.min(flow.acknowledged, offset - 1);
      if (flow.held.size === 0) this.#tell(topic, flow);
      return;
    }
    if (verdict === "hole") return this.#recover(topic, flow);
    flow.advance(message);
    if (flow === whole) topic.absorbAll();
    const at = offset === undefined ? undefined : { epoch: epoch ?? flow.position?.epoch, offset };
    const event = { topic: type, id, payload, ...(eventId ? { eventId } : {}), ...(at ? { position: at } : {}) };
    const to = (flow === whole ? [whole, narrow] : [narrow]).filter((one) => one?.announced && (one === flow || !one.isBeyond(at)));
    const subscriptions = to.flatMap((one) => [...one.subscriptions]);
    const acknowledging = at === undefined ? 0 : subscriptions.filter(({ options }) => options.window !== undefined).length;
    // Where the wider address ends, the narrower one goes on with what it still holds.
    const held = acknowledging > 0 ? new Held(topic, new Set([flow, ...to]), at, acknowledging) : null;
    for (const subscription of subscriptions) subscription._deliver(event, subscription.options.window === undefined ? null : held);
    if (held !== null || flow.window === null) return;
    flow.handled += 1;
    if (flow.isDue) this.#tell(topic, flow);
  }
}

function uuid() {
  if (globalThis.crypto?.randomUUID) return crypto.randomUUID();
  // Pages that were not loaded over HTTPS have no `randomUUID`: RFC 9562, version 4.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
