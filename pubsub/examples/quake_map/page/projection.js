/**
 * The Equal Earth projection, with the Pacific in the middle: areas are true, and the ring of fire is whole.
 *
 * After B. Savric, T. Patterson and B. Jenny, "The Equal Earth map projection", 2018.
 */

/** The meridian in the middle, and the one along which the world is cut open. */
export const MIDDLE = 154;
export const CUT = MIDDLE - 180;

/** The size of the map, in units of its own. */
export const WIDTH = 2000;
export const HEIGHT = 974;

const [A1, A2, A3, A4] = [1.340264, -0.081106, 0.000893, 0.003796];
const M = Math.sqrt(3) / 2;
/** Half the width of the world in the formula's own units. */
const HALF = Math.PI / (M * A1);

/** Where a place is: `lon` is in degrees east of the middle, from -180 to 180. */
function fromMiddle(lon, lat) {
  const theta = Math.asin(M * Math.sin((lat * Math.PI) / 180));
  const [t2, t6] = [theta ** 2, theta ** 6];
  const x = ((lon * Math.PI) / 180) * Math.cos(theta) / (M * (A1 + 3 * A2 * t2 + t6 * (7 * A3 + 9 * A4 * t2)));
  const y = theta * (A1 + A2 * t2 + t6 * (A3 + A4 * t2));
  const scale = WIDTH / 2 / HALF;
  return [WIDTH / 2 + x * scale, HEIGHT / 2 - y * scale];
}

/** Where a place is on the map, by its degrees east and north. */
export function project(lon, lat) {
  return fromMiddle(((((lon - CUT) % 360) + 360) % 360) - 180, lat);
}

/** The same for one that is on the cut: on its left or on its right. */
export function projectUncut(lon, lat) {
  return fromMiddle(lon - MIDDLE, lat);
}

/** A path of SVG through places, each by degrees east of the cut and north. */
export function line(places) {
  const points = places.map(([east, lat]) => projectUncut(CUT + east, lat).map((part) => part.toFixed(1)));
  return `M${points.join("L")}`;
}

/** Numbers from one to another. */
export function range(from, to, step) {
  const count = Math.round((to - from) / step);
  return Array.from({ length: count + 1 }, (_, at) => from + at * step);
}
