// Makes `page/land.js`, the land of the map, from Natural Earth's 1:110m land, which is in the public domain
// (https://www.naturalearthdata.com/about/terms-of-use/). The package `world-atlas` has it as TopoJSON:
//
//   npm pack world-atlas@2.0.2 && tar -xzf world-atlas-2.0.2.tgz package/land-110m.json
//   node land.mjs package/land-110m.json > page/land.js
//
// Each ring is cut along the edge of the map, projected, rounded to whole units of the map and written as a path of SVG.
import { readFileSync } from "node:fs";

import { CUT, projectUncut } from "./page/projection.js";

/** Islands of less than this many square units are left out. */
const SMALLEST = 6;
/** Edges are straight on the globe's grid, and curved on the map: none spans more degrees than this. */
const LONGEST = 4;

const { arcs, objects, transform } = JSON.parse(readFileSync(process.argv[2], "utf8"));

/** An arc in degrees: its points are told as differences. */
function decoded(arc) {
  let [x, y] = [0, 0];
  return arc.map(([dx, dy]) => {
    [x, y] = [x + dx, y + dy];
    return [x * transform.scale[0] + transform.translate[0], y * transform.scale[1] + transform.translate[1]];
  });
}

/** A ring is made of arcs; one with a negative number is taken backwards. */
const degrees = arcs.map(decoded);
const ring = (numbers) => numbers.flatMap((number) => (number < 0 ? [...degrees[~number]].reverse() : degrees[number]).slice(1));

/**
 * A ring crosses the 180th meridian as if there were none: its degrees go on beyond. The one around the pole ends where it
 * began, a whole turn further, and is closed along the pole.
 */
function unrolled(points) {
  const places = [points[0]];
  for (const [lon, lat] of points.slice(1)) {
    const last = places.at(-1)[0];
    places.push([lon + 360 * Math.round((last - lon) / 360), lat]);
  }
  const [first, last] = [places[0], places.at(-1)];
  const turn = first[0] + 360 * Math.round((last[0] - first[0]) / 360);
  return turn === first[0] ? places : [...places, [turn, first[1]], [turn, -90], [first[0], -90]];
}

/** What of a ring is east (`side` 1) or west (-1) of a meridian. */
function half(points, meridian, side) {
  const inside = ([lon]) => (lon - meridian) * side >= 0;
  return points.flatMap((to, at) => {
    const from = points.at(at - 1);
    const crossing = () => {
      const part = (meridian - from[0]) / (to[0] - from[0]);
      return [meridian, from[1] + part * (to[1] - from[1])];
    };
    if (inside(from) !== inside(to)) return inside(to) ? [crossing(), to] : [crossing()];
    return inside(to) ? [to] : [];
  });
}

function divided(points) {
  return points.flatMap((to, at) => {
    const from = points.at(at - 1);
    const parts = Math.ceil(Math.max(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1])) / LONGEST) || 1;
    return Array.from({ length: parts }, (_, part) => from.map((start, axis) => start + ((to[axis] - start) * (part + 1)) / parts));
  });
}

/** A closed path of whole units, or nothing where nothing is left of it. */
function path(points) {
  const whole = points.map(([x, y]) => [Math.round(x), Math.round(y)]);
  const kept = whole.filter(([x, y], at) => x !== whole.at(at - 1)[0] || y !== whole.at(at - 1)[1]);
  const area = kept.reduce((sum, [x, y], at) => sum + kept.at(at - 1)[0] * y - x * kept.at(at - 1)[1], 0) / 2;
  if (kept.length < 3 || Math.abs(area) < SMALLEST) return "";
  const steps = kept.slice(1).map(([x, y], at) => `${x - kept[at][0]} ${y - kept[at][1]}`);
  return `M${kept[0].join(" ")}l${steps.join(" ").replaceAll(" -", "-")}z`;
}

const rings = objects.land.geometries.flatMap((geometry) => geometry.arcs.flat()).map(ring);
const land = rings.flatMap((points) =>
  [-360, 0, 360].map((turn) => {
    const turned = unrolled(points).map(([lon, lat]) => [lon + turn, lat]);
    const shown = half(half(turned, CUT, 1), CUT + 360, -1);
    return path(divided(shown).map(([lon, lat]) => projectUncut(lon, lat)));
  }),
);
console.log("// Natural Earth, 1:110m land, public domain, in the units of `projection.js`: written by `land.mjs`.");
console.log(`export const LAND =\n  "${land.join("").replace(/(.{1,110})(?=[Mlz -])/g, '$1" +\n  "')}";`);
