/** Types of `pubsub.js`. Without a type argument topics are any strings; with an event map they are those of the map. */

/** What an event map is to the client: by topic, the type of its id (on the wire: text) and of its payload. */
export type EventMap = { [topic: string]: { id: string; payload: unknown } };

/** Where an event stands in the history of its type. Can be stored, and be given to `since`. */
export interface Position {
  epoch: string;
  offset: number;
}

/** Events were lost on the way. `missed` is how many, where that is known. */
export interface Gap {
  reason: "overflow" | "epoch" | "evicted" | "too_many" | (string & {});
  missed?: number;
}

/** One event of a topic. */
export type EventOf<M extends EventMap, T extends keyof M & string> = T extends unknown
  ? {
      readonly topic: T;
      readonly id: M[T]["id"];
      readonly payload: M[T]["payload"];
      readonly eventId?: string;
      readonly position?: Position;
      /** So many events before this one gave way, because the reader was slow. */
      readonly missed?: number;
      /** Events before this one were lost on the way. */
      readonly gap?: Gap;
    }
  : never;

/** `type` for every id, `type:id` for one. */
export type Address<M extends EventMap> = (keyof M & string) | { [T in keyof M & string]: `${T}:${M[T]["id"] | "@self"}` }[keyof M & string];

/** The topic of an address. */
export type TopicOf<M extends EventMap, A extends string> = string extends keyof M
  ? string
  : A extends keyof M & string
  ? A
  : A extends `${infer T}:${string}`
    ? T & keyof M & string
    : keyof M & string;

export interface SubscribeOptions {
  /** Go on after this position. */
  since?: Position;
  /** Told of each loss at once; the next event has it too. */
  onGap?: (gap: Gap) => unknown;
  /** How many events wait for a slow reader: 1,024 by default, and twice the `window` at least. */
  capacity?: number;
  /**
   * Acknowledged delivery: the hub sends no more than so many events that were not handled. A handler gets one at a time, which
   * is handled when its promise has settled; what an iterator gave is handled when the next is asked for. From 1; none by
   * default. Over server-sent events nothing is acknowledged: what waits is bounded by `capacity` alone.
   */
  window?: number;
}

export type State =
  | { kind: "connecting" }
  | { kind: "connected"; over: "websocket" | "sse" }
  | { kind: "waiting"; delay: number; code: number }
  | { kind: "closed"; code: number };

export interface PubSubOptions {
  /** What proves who this is; a function is asked before each connection. */
  token?: string | (() => string | Promise<string>);
  /** The URL of the hub's server-sent events: `/sse` beside the WebSocket by default, `false` for none. */
  sse?: string | URL | false;
  /** Where the environment has none, or another is wanted: the class `WebSocket`, the function `fetch`. */
  WebSocket?: unknown;
  fetch?: typeof fetch;
  /** All times are in milliseconds. */
  connectTimeout?: number;
  stableAfter?: number;
  backoffMin?: number;
  backoffMax?: number;
  retryAfterMax?: number;
  pingEvery?: number;
  pongTimeout?: number;
  publishTimeout?: number;
  /** How many publications may wait for their answer: 1,024. */
  maxPending?: number;
  /** How many events wait for a slow reader of a subscription: 1,024. */
  capacity?: number;
  /** After how many failures to open a WebSocket events are read by SSE: 3. */
  sseAfter?: number;
}

export declare const SELF_ID: "@self";

export declare function comesBack(code: number): boolean;

export declare class PubSubError extends Error {
  readonly code: string;
  readonly retryable: boolean;
  /** Milliseconds. */
  readonly retryAfter?: number;
}

export declare class Subscription<E> implements AsyncIterable<E> {
  readonly address: string;
  readonly ready: Promise<Position>;
  readonly error: Error | null;
  unsubscribe(): void;
  [Symbol.asyncIterator](): AsyncGenerator<E, void, void>;
}

export interface PubSubEventMap {
  state: CustomEvent<State>;
  gap: CustomEvent<Gap & { address: string }>;
  error: CustomEvent<{ error: Error }>;
}

export declare class PubSub<M extends EventMap = EventMap> extends EventTarget {
  constructor(url: string | URL, options?: PubSubOptions);
  readonly state: State;
  readonly identity: string | null;
  readonly inFlight: number;
  subscribe<const A extends Address<M>>(address: A, options?: SubscribeOptions): Subscription<EventOf<M, TopicOf<M, A>>>;
  subscribe<const A extends Address<M>>(
    address: A,
    handler: (event: EventOf<M, TopicOf<M, A>>) => unknown,
    options?: SubscribeOptions,
  ): Subscription<EventOf<M, TopicOf<M, A>>>;
  publish<T extends keyof M & string>(
    type: T,
    id: M[T]["id"] | "@self",
    payload: M[T]["payload"],
    options?: { eventId?: string },
  ): Promise<{ eventId: string; offset: number }>;
  refresh(): Promise<void>;
  close(): void;
  addEventListener<K extends keyof PubSubEventMap>(
    type: K,
    listener: (event: PubSubEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
}
