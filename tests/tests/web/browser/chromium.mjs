// Chromium without a window, by its DevTools protocol: https://chromedevtools.github.io/devtools-protocol/
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";
import WebSocket from "ws";

const DEADLINE = 30_000;
const COMMAND = process.env.CHROMIUM ?? "chromium";

/** A browser of its own, with an empty profile. */
export class Chromium {
  #socket;
  #last = 0;
  #asked = new Map();
  #pages = new Map();

  static async start(t) {
    const chromium = new Chromium();
    const profile = await mkdtemp(path.join(os.tmpdir(), "pubsub-chromium-"));
    const flags = ["--headless=new", "--remote-debugging-port=0", `--user-data-dir=${profile}`, "--no-first-run", "--disable-gpu"];
    // The sandbox refuses to be the administrator's, as which containers run.
    if (process.getuid?.() === 0) flags.push("--no-sandbox");
    const child = spawn(COMMAND, [...flags, "--disable-dev-shm-usage", "about:blank"], { stdio: ["ignore", "ignore", "pipe"] });
    const exited = new Promise((resolve) => child.once("exit", resolve));
    t.after(async () => {
      // In an orderly way, so that no process of it stays.
      await chromium.#call("Browser.close").catch(() => child.kill("SIGKILL"));
      await exited;
      await rm(profile, { recursive: true, force: true, maxRetries: 10 });
    });
    const lines = readline.createInterface({ input: child.stderr });
    const url = await new Promise((resolve, reject) => {
      lines.on("line", (line) => line.startsWith("DevTools listening on ") && resolve(line.slice("DevTools listening on ".length)));
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`Chromium ended with ${code}`)));
    });
    chromium.#socket = new WebSocket(url, { perMessageDeflate: false });
    await new Promise((resolve, reject) => chromium.#socket.once("open", resolve).once("error", reject));
    chromium.#socket.on("message", (data) => chromium.#told(JSON.parse(data)));
    chromium.#socket.on("close", () => {
      for (const { reject } of chromium.#asked.values()) reject(new Error("Chromium is gone"));
    });
    return chromium;
  }

  #told({ id, sessionId, method, params, result, error }) {
    if (id === undefined) return this.#pages.get(sessionId)?.told(method, params);
    const { resolve, reject } = this.#asked.get(id);
    this.#asked.delete(id);
    if (error) reject(new Error(error.message));
    else resolve(result);
  }

  #call(method, params = {}, sessionId) {
    return new Promise((resolve, reject) => {
      this.#last += 1;
      this.#asked.set(this.#last, { resolve, reject });
      this.#socket.send(JSON.stringify({ id: this.#last, method, params, sessionId }));
    });
  }

  /** A page of this size and these preferences: `dark`, `calm` for less motion, `phone`. */
  async open(url, { width = 1280, height = 860, dark = false, calm = false, phone = false } = {}) {
    const { targetId } = await this.#call("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await this.#call("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page((method, params) => this.#call(method, params, sessionId));
    this.#pages.set(sessionId, page);
    for (const domain of ["Page", "Runtime", "Log"]) await page.call(`${domain}.enable`);
    const size = phone ? { width: 390, height: 844, deviceScaleFactor: 2, mobile: true } : { width, height, deviceScaleFactor: 1, mobile: false };
    await page.call("Emulation.setDeviceMetricsOverride", size);
    await page.call("Emulation.setEmulatedMedia", {
      features: [
        { name: "prefers-color-scheme", value: dark ? "dark" : "light" },
        { name: "prefers-reduced-motion", value: calm ? "reduce" : "no-preference" },
      ],
    });
    await page.go(url);
    return page;
  }
}

/** One page, and what went wrong on it. */
class Page {
  /** What the console says of errors, exceptions, and what the Content-Security-Policy refused. */
  errors = [];
  #loaded = null;

  constructor(call) {
    this.call = call;
  }

  told(method, params) {
    if (method === "Page.loadEventFired") this.#loaded?.();
    if (method === "Runtime.exceptionThrown") {
      const { exception, text } = params.exceptionDetails;
      this.errors.push(exception?.description ?? text);
    }
    if (method === "Runtime.consoleAPICalled" && ["error", "warning", "assert"].includes(params.type)) {
      this.errors.push(params.args.map(({ value, description }) => value ?? description).join(" "));
    }
    if (method === "Log.entryAdded" && params.entry.level === "error") this.errors.push(`${params.entry.text} ${params.entry.url ?? ""}`);
  }

  async go(url) {
    const loaded = new Promise((resolve) => (this.#loaded = resolve));
    const { errorText } = await this.call("Page.navigate", { url });
    if (errorText) throw new Error(`${url}: ${errorText}`);
    await loaded;
  }

  /** The value of an expression, of what it promises if it is a promise. */
  async evaluate(expression) {
    const asked = { expression, awaitPromise: true, returnByValue: true, userGesture: true };
    const { result, exceptionDetails } = await this.call("Runtime.evaluate", asked);
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits until an expression holds; gives its value. */
  async until(expression) {
    for (const began = Date.now(); Date.now() - began < DEADLINE; ) {
      const value = await this.evaluate(expression);
      if (value) return value;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    const text = await this.evaluate("document.body.innerText");
    throw new Error(`never: ${expression}\n${text}`);
  }

  /** Presses a key, as a person does. */
  async press(key, text) {
    for (const type of ["keyDown", "keyUp"]) await this.call("Input.dispatchKeyEvent", { type, key, code: key, text: type === "keyDown" ? text : undefined });
  }

  async screenshot() {
    const { data } = await this.call("Page.captureScreenshot", { format: "png", captureBeyondViewport: false });
    return Buffer.from(data, "base64");
  }
}
