/** The map: follows the hub's quakes and draws them. */
import { PubSub } from "./hub/pubsub.js";
import { LAND } from "./land.js";
import { WIDTH, line, project, range } from "./projection.js";

const $ = (id) => document.getElementById(id);
const LISTED = 60;
const RIPPLES = 40;
/** The first depth, in kilometres, of each colour. */
const DEPTHS = [[0, "< 10"], [10, "10–35"], [35, "35–70"], [70, "70–300"], [300, "> 300 km"]];
/** From this magnitude quakes are read out. */
const SPOKEN = 5;

const number = new Intl.NumberFormat("en");
const utc = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", hourCycle: "h23", ...options });
const moment = utc({ weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
const when = (time) => `${moment.format(time)} UTC`;
const size = (magnitude) => 1.15 * 1.5 ** Math.max(0, magnitude);
const colour = (depth) => `d${DEPTHS.findLastIndex(([from]) => depth >= from || from === 0)}`;
const magnitude = (quake) => quake.mag.toFixed(1);
const sentence = (quake) => `${quake.kind === "earthquake" ? "" : `${quake.kind}, `}${quake.place}`;

/** An element, with text as text: names come from whoever published. */
function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// What does not change.

const map = $("map");
const edge = [...range(-90, 90, 5).map((lat) => [0, lat]), ...range(90, -90, -5).map((lat) => [360, lat])];
const meridians = range(30, 330, 30).map((east) => line(range(-90, 90, 5).map((lat) => [east, lat])));
const parallels = range(-60, 60, 30).map((lat) => line(range(0, 360, 10).map((east) => [east, lat])));
$("sea").setAttribute("d", `${line(edge)}Z`);
$("land").setAttribute("d", LAND);
$("grid").setAttribute("d", [...meridians, ...parallels].join(""));
new ResizeObserver(() => {
  const pixels = map.clientWidth;
  map.style.setProperty("--k", (WIDTH / pixels) * Math.min(1, 0.35 + pixels / 1400));
}).observe(map);
$("depths").append(...DEPTHS.map(([, text], at) => element("span", {}, element("i", { className: `d${at}` }), text)));
for (const from of [1, 3, 5, 6]) {
  const circle = element("i");
  circle.style.setProperty("--r", size(from));
  $("sizes").append(element("span", {}, circle, String(from)));
}

// The quakes of this week.

/** In the order of their offsets: the quake, its circle on the map, its bar on the line of time. */
let drawn = [];
let strongest = null;
let chosen = null;
let week = { quakes: 0, before: 0, from: 0, to: 0 };

/** A shape on the map or on the line of time. */
function shape(name, quake, attributes) {
  const made = document.createElementNS(map.namespaceURI, name);
  made.setAttribute("class", colour(quake.depth_km));
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  return made;
}

function circle(quake) {
  const [x, y] = project(quake.lon, quake.lat);
  const made = shape("circle", quake, { cx: x.toFixed(1), cy: y.toFixed(1) });
  made.style.setProperty("--r", size(quake.mag).toFixed(2));
  return made;
}

/** On the line of time: as high as it was strong. */
function bar(quake) {
  const x = (1000 * (quake.time - week.from)) / Math.max(1, week.to - week.from);
  return shape("path", quake, { d: `M${x.toFixed(1)} 100v${-(4 + Math.max(0, quake.mag) * 14).toFixed(1)}` });
}

/** What came and is not drawn yet: what comes together, as after an outage, is drawn together. */
let waiting = [];
let timer = null;

function come(quake, offset) {
  waiting.push({ quake, offset });
  timer ??= setTimeout(draw, 16);
}

function draw() {
  clearTimeout(timer);
  timer = null;
  if (waiting.length === 0) return;
  const fresh = waiting.map(({ quake, offset }) => ({ quake, offset, dot: circle(quake), bar: bar(quake) }));
  waiting = [];
  drawn.push(...fresh);
  $("quakes").append(...fresh.map(({ dot }) => dot));
  $("bars").append(...fresh.map(({ bar }) => bar));
  for (const { quake, dot } of fresh) {
    dot.onclick = () => choose(quake);
    if (strongest === null || quake.mag > strongest.mag) strongest = quake;
  }
  list(fresh.map(({ quake }) => quake));
  $("clock").textContent = when(fresh.at(-1).quake.time);
  tell();
  // A page that is not looked at needs no ripples, and is not read out.
  if (document.hidden) return;
  for (const { quake, dot } of fresh.slice(-RIPPLES)) {
    if ($("ripples").childElementCount >= RIPPLES) break;
    dot.classList.add("fresh");
    const ripple = circle(quake);
    ripple.onanimationend = () => ripple.remove();
    $("ripples").append(ripple);
  }
  const loud = fresh.findLast(({ quake }) => quake.mag >= SPOKEN)?.quake;
  if (loud) $("spoken").textContent = `Magnitude ${magnitude(loud)}, ${sentence(loud)}`;
}

/** The quakes up to this offset belong to another week. */
function forget(before) {
  draw();
  const gone = drawn.filter(({ offset }) => offset <= before);
  if (gone.length === 0) return;
  drawn = drawn.filter(({ offset }) => offset > before);
  for (const { dot, bar } of gone) for (const shape of [dot, bar]) shape.remove();
  const all = drawn.map(({ quake }) => quake);
  strongest = all.reduce((so, quake) => (so === null || quake.mag > so.mag ? quake : so), null);
  if (!all.includes(chosen)) choose(null);
  relist();
  tell();
}

/** What is below the map: the quake that was chosen, or the strongest so far. */
function tell() {
  const [quake, what] = chosen === null ? [strongest, "strongest so far"] : [chosen, "chosen"];
  $("told").dataset.what = chosen === null ? "strongest" : "chosen";
  if (quake === null) $("told").replaceChildren("No quake yet.");
  else {
    const more = `${what}: ${when(quake.time)}, ${Math.round(quake.depth_km)} km deep`;
    $("told").replaceChildren(element("b", { textContent: `M ${magnitude(quake)} ` }), sentence(quake), element("small", { textContent: more }));
  }
  $("count").textContent = week.quakes ? `${number.format(drawn.length)} of ${number.format(week.quakes)} quakes` : "";
  $("progress").value = drawn.length === 0 || week.to === week.from ? 0 : (drawn.at(-1).quake.time - week.from) / (week.to - week.from);
}

function choose(quake) {
  chosen = quake === chosen ? null : quake;
  $("mark").toggleAttribute("hidden", chosen === null);
  for (const ring of $("mark").children) {
    if (chosen === null) break;
    const [x, y] = project(chosen.lon, chosen.lat);
    ring.setAttribute("cx", x);
    ring.setAttribute("cy", y);
    ring.style.setProperty("--r", size(chosen.mag) + 5);
  }
  for (const button of $("list").querySelectorAll("button")) button.setAttribute("aria-pressed", String(button.quake === chosen));
  tell();
}
addEventListener("keydown", ({ key }) => key === "Escape" && chosen !== null && choose(chosen));

// The list.

let listedFrom = 2.5;

function row(quake) {
  const more = `${when(quake.time)} · ${Math.round(quake.depth_km)} km deep`;
  const badge = element("b", { className: colour(quake.depth_km), textContent: magnitude(quake) });
  const button = element("button", { type: "button", quake, onclick: () => choose(quake) }, badge);
  button.append(element("span", {}, sentence(quake), element("small", { textContent: more })));
  button.setAttribute("aria-pressed", String(quake === chosen));
  return element("li", {}, button);
}

/** The newest of these, those that are strong enough. */
function list(quakes) {
  enlist(quakes.filter(({ mag }) => mag >= listedFrom).slice(-LISTED).reverse().map(row));
}

function enlist(rows) {
  if (rows.length === 0) return;
  const list = $("list");
  // Whoever reads further down is not moved.
  const [place, height] = [list.scrollTop, list.scrollHeight];
  list.prepend(...rows);
  while (list.childElementCount > LISTED) list.lastElementChild.remove();
  if (place > 0) list.scrollTop = place + list.scrollHeight - height;
}

function relist() {
  const gaps = [...$("list").querySelectorAll(".gap")];
  $("list").replaceChildren();
  list(drawn.map(({ quake }) => quake));
  $("list").prepend(...gaps.slice(0, 3));
}

for (const input of document.querySelectorAll("[name=from]")) {
  input.onchange = () => {
    listedFrom = Number(input.value);
    relist();
  };
}

// What was lost is said, and where it was.

const WHY = {
  epoch: "the server was started anew, and what it had shown is gone",
  evicted: "the hub no longer had them",
  too_many: "there were more than the hub sends again",
  overflow: "this page was too slow",
};
let gaps = 0;
let missed = 0;

function lost({ reason, missed: count }) {
  gaps += 1;
  missed += count ?? 0;
  const what = count === undefined ? "Some quakes are missing here" : `${number.format(count)} quakes are missing here`;
  draw();
  enlist([element("li", { className: "gap", textContent: `${what}: ${WHY[reason] ?? reason}.` })]);
  $("gaps").dataset.gaps = gaps;
  $("gaps").textContent = `${gaps} ${gaps === 1 ? "gap" : "gaps"}${missed > 0 ? `, ${number.format(missed)} quakes missed` : ""}`;
}

// The hub.

const bus = new PubSub("hub/ws");
const TEXTS = {
  connecting: () => "connecting",
  connected: ({ over }) => (over === "sse" ? "live, by server-sent events" : "live"),
  waiting: ({ delay }) => `connection lost, again in ${(delay / 1000).toFixed(1)} s`,
  closed: ({ code }) => `closed by the hub (${code})`,
};

function state() {
  // Between two tries it is still the same outage.
  if (bus.state.kind === "connecting" && $("state").dataset.kind === "waiting") return;
  $("state").dataset.kind = bus.state.kind;
  $("state").textContent = TEXTS[bus.state.kind](bus.state);
}
bus.addEventListener("state", state);
bus.addEventListener("error", ({ detail }) => console.warn(detail.error));

let following = [];

/** Where a topic stands: who subscribes is told. */
async function position(topic) {
  const subscription = bus.subscribe(topic, () => {});
  try {
    return await subscription.ready;
  } finally {
    subscription.unsubscribe();
  }
}

/** From the beginning of the week that is shown now, and on. */
async function follow() {
  const [replays, quakes] = await Promise.all([position("replay.started"), position("quake.reported")]);
  const ended = ({ payload }) => ($("over").textContent = payload.again ? "The week is over, and begins again." : "The week is over.");
  const started = ({ payload }) => {
    week = payload;
    $("over").textContent = "";
    forget(week.before);
    tell();
    if (following.length === 3) return;
    const since = { epoch: quakes.epoch, offset: week.before };
    following.push(bus.subscribe("quake.reported", ({ payload, position }) => come(payload, position.offset), { since }));
  };
  const since = { epoch: replays.epoch, offset: Math.max(0, replays.offset - 1) };
  following = [bus.subscribe("replay.ended", ended), bus.subscribe("replay.started", started, { since })];
}

/** Another epoch is another history: its offsets say nothing about what is drawn. */
let renewing = false;
bus.addEventListener("gap", ({ detail }) => {
  if (detail.reason !== "epoch") {
    if (detail.address === "quake.reported") lost(detail);
    return;
  }
  $("over").textContent = "";
  if (renewing) return;
  renewing = true;
  lost(detail);
  for (const subscription of following) subscription.unsubscribe();
  forget(Infinity);
  follow().then(() => (renewing = false), failed);
});

function failed(error) {
  $("state").dataset.kind = "closed";
  $("state").textContent = `the hub refuses: ${error.message}`;
}

state();
follow().catch(failed);
