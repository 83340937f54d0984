/** The hub's page: what `/stats` says, once a second, and the events of the topic that is chosen. */
import { PubSub } from "./pubsub.js";

const MINUTE = 60;
const SHOWN = 100;
const QUEUES = 15;
/** Events that come within so many milliseconds are drawn together. */
const TOGETHER = 100;
const $ = (id) => document.getElementById(id);
const count = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const exact = new Intl.NumberFormat("en");
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });

/** By topic: its last offset, and its rates of the last minute. */
const seen = new Map();
let last = null;

/** An element, with text as text: names come from whoever published. */
function cell(tag, text, name) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.textContent = text;
  return element;
}

function holding(name, ...children) {
  const element = cell("td", "", name);
  element.append(...children);
  return element;
}

/** The rates of a minute: the newest on the right. */
function chart(rates) {
  const top = Math.max(1, ...rates);
  const points = rates.map((rate, at) => `${((MINUTE - rates.length + at) * 100) / (MINUTE - 1)},${19 - (rate * 18) / top}`);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 100 20");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const shape = (name, places) => {
    const element = document.createElementNS(svg.namespaceURI, name);
    element.setAttribute("points", places.join(" "));
    svg.append(element);
  };
  if (points.length > 1) {
    shape("polygon", [`${points[0].split(",")[0]},20`, ...points, "100,20"]);
    shape("polyline", points);
  }
  return svg;
}

function topicRow({ topic, offset, history, subscriptions }, seconds) {
  const known = seen.get(topic) ?? { offset: seconds === null ? offset : 0, rates: [] };
  // A lower one is another history.
  const rate = seconds === null ? null : (offset - (offset < known.offset ? 0 : known.offset)) / seconds;
  known.offset = offset;
  if (rate !== null) known.rates = [...known.rates, rate].slice(-MINUTE);
  seen.set(topic, known);
  const name = cell("button", topic);
  name.type = "button";
  name.title = "Show its events";
  name.setAttribute("aria-pressed", String(followed === topic));
  name.onclick = () => follow(topic);
  const row = document.createElement("tr");
  row.append(holding("name", name), holding("drawn", chart(known.rates)), cell("td", rate === null ? "–" : count.format(rate), "number"));
  row.append(cell("td", exact.format(offset), "number wide"), cell("td", exact.format(history), "number wide"));
  row.append(cell("td", exact.format(subscriptions), "number"));
  return [row, rate ?? 0];
}

function queueRow({ connection, identity, subscriptions, queuedBytes, unacknowledged, slow }, longest) {
  const bar = cell("span", "", slow ? "bar slow" : "bar");
  bar.style.width = `${longest === 0 ? 0 : (queuedBytes * 100) / longest}%`;
  bar.hidden = queuedBytes === 0;
  const row = cell("tr", "", slow ? "slow" : "");
  row.append(holding("name", `#${connection} `, cell("small", identity ?? "anonymous")), cell("td", exact.format(subscriptions), "number"));
  const notes = slow ? ["slow"] : [];
  if (unacknowledged > 0) notes.push(slow ? " " : "", cell("small", `${exact.format(unacknowledged)} unacknowledged`, "wide"));
  row.append(cell("td", exact.format(queuedBytes), "number"), holding("drawn", bar, ...notes));
  return row;
}

function show(stats, seconds) {
  const topics = stats.topics.map((topic) => topicRow(topic, seconds));
  const present = new Set(stats.topics.map(({ topic }) => topic));
  for (const topic of seen.keys()) if (!present.has(topic)) seen.delete(topic);
  const longest = Math.max(0, ...stats.queues.map(({ queuedBytes }) => queuedBytes));
  fill("topics", topics.map(([row]) => row));
  fill("queues", stats.queues.slice(0, QUEUES).map((queue) => queueRow(queue, longest)));
  const more = stats.connections - Math.min(QUEUES, stats.queues.length);
  $("more-queues").hidden = more <= 0;
  $("more-queues").textContent = `and ${exact.format(more)} more`;
  $("rate").textContent = seconds === null ? "–" : count.format(topics.reduce((sum, [, rate]) => sum + rate, 0));
  for (const name of ["connections", "subscriptions", "gaps", "missed", "slowConsumers"]) {
    $(name).textContent = count.format(stats[name]);
    const { parentElement: parent } = $(name);
    parent.classList.toggle("bad", parent.classList.contains("loss") && stats[name] > 0);
  }
}

function fill(table, rows) {
  // Focus stays on the button that has it.
  const focus = document.activeElement?.textContent;
  const inside = $(table).contains(document.activeElement);
  $(table).tBodies[0].replaceChildren(...rows);
  $(table).hidden = rows.length === 0;
  $(`no-${table}`).hidden = rows.length > 0;
  if (inside) [...$(table).querySelectorAll("button")].find(({ textContent }) => textContent === focus)?.focus();
}

/** Said once for each change: a screen reader hears it. */
function say(text, name) {
  if ($("state").textContent !== text) $("state").textContent = text;
  $("state").className = name;
}

async function look() {
  try {
    const response = await fetch("stats", { cache: "no-store" });
    if (!response.ok) throw new Error(`${response.status}`);
    const [stats, now] = [await response.json(), performance.now()];
    show(stats, last === null ? null : (now - last) / 1000);
    last = now;
    say("live", "live");
  } catch {
    say("the hub does not answer", "lost");
  }
  setTimeout(look, 1000);
}

let followed = null;
let bus = null;
let subscription = null;
let paused = false;

/** Rows that came since the list was last drawn. */
let rows = [];
let timer = null;

function add(row) {
  if (paused) return;
  row.prepend(cell("time", clock.format(new Date())));
  rows = [row, ...rows].slice(0, SHOWN);
  timer ??= setTimeout(draw, TOGETHER);
}

function draw() {
  timer = null;
  const list = $("events");
  // Whoever reads further down is not moved.
  const [place, height] = [list.scrollTop, list.scrollHeight];
  list.prepend(...rows);
  rows = [];
  while (list.children.length > SHOWN) list.lastElementChild.remove();
  if (place > 0) list.scrollTop = place + list.scrollHeight - height;
}

function pause(now) {
  paused = now;
  $("pause").setAttribute("aria-pressed", String(now));
}
$("pause").onclick = () => pause(!paused);

function follow(topic) {
  subscription?.unsubscribe();
  pause(false);
  rows = [];
  $("events").replaceChildren();
  followed = followed === topic ? null : topic;
  for (const button of $("topics").querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.textContent === followed));
  for (const id of ["events", "pause"]) $(id).hidden = followed === null;
  $("no-events").hidden = followed !== null;
  $("followed").textContent = followed ?? "";
  if (followed === null) return;
  // Beside this page, so not in the way of the hub's own root.
  bus ??= new PubSub(new URL("ws", document.baseURI));
  const event = ({ id, payload, missed }) => {
    if (missed) add(cell("li", `${exact.format(missed)} events gave way: this page was too slow`, "gap"));
    const row = cell("li", "");
    row.append(cell("b", id || "–"), ` ${JSON.stringify(payload)}`);
    add(row);
  };
  const onGap = ({ reason, missed }) => add(cell("li", `gap: ${missed === undefined ? "events" : exact.format(missed)} lost, ${reason}`, "gap"));
  const mine = (subscription = bus.subscribe(topic, event, { onGap }));
  mine.ready.catch((error) => mine === subscription && mine.error && add(cell("li", `refused: ${error.message}`, "gap")));
}

look();
