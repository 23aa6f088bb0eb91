import { h, plain, s } from "./dom.mjs";

/** A shape for each group, and a hue by the style sheet. */
const shapes = ["circles", "squares", "triangles", "diamonds"];
const [width, edge] = [300, 14];
const unit = (width - 2 * edge) / 1000;
const bottom = 2 * edge + 600 * unit;

/** A point of a group, of about equal area whatever its shape. */
function point(group, cx, cy) {
  const hue = { class: `desk-hue-${group % shapes.length}` };
  const polygon = (...corners) =>
    s("polygon", { points: corners.map(([x, y]) => `${cx + x},${cy + y}`).join(" "), ...hue });
  switch (group % shapes.length) {
    case 0:
      return s("circle", { cx, cy, r: 4, ...hue });
    case 1:
      return s("rect", { x: cx - 3.6, y: cy - 3.6, width: 7.2, height: 7.2, ...hue });
    case 2:
      return polygon([0, -5], [5, 4], [-5, 4]);
    default:
      return polygon([0, -5.2], [5.2, 0], [0, 5.2], [-5.2, 0]);
  }
}

/**
 * The recordings of the speakers concerned, as points: the nearer, the more alike. Points of one group have a colour and a shape;
 * the recording in question has a ring, and what can be heard its letter.
 *
 * @param letters of the voices, by their keys
 */
export function drawMap({ groups, points, apart }, letters) {
  const x = (value) => edge + value * unit;
  const y = (value) => bottom - edge - value * unit;
  const height = bottom + (apart === undefined ? 0 : 12);
  const ringed = points.filter(([, , , isMarked]) => isMarked).length;
  // What is in question, and what is heard, lies on top.
  const rank = ([, , , isMarked, key]) => 2 * Number(isMarked) + Number(letters.has(key));
  const marks = points
    .toSorted((a, b) => rank(a) - rank(b))
    .map(([px, py, group, isMarked, key]) => {
      const [cx, cy] = [x(px), y(py)];
      const letter = letters.get(key);
      return s(
        "g",
        {},
        s("title", {}, plain(`${key}, ${groups[group]}`)),
        ...(isMarked ? [s("circle", { class: "desk-ring", cx, cy, r: 8.5 })] : []),
        point(group, cx, cy),
        ...(letter === undefined
          ? []
          : [s("text", { class: "desk-letter", x: cx + 7, y: cy - (isMarked ? 8 : 5) }, letter)]),
      );
    });
  const count = (group) => points.filter(([, , of]) => of === group).length;
  const legend = groups.map((name, group) =>
    h(
      "li",
      {},
      s("svg", { viewBox: "0 0 12 12", width: 12, height: 12, "aria-hidden": "true" }, point(group, 6, 6)),
      h("span", {}, plain(name), h("small", {}, ` ${count(group)}`)),
    ),
  );
  const words = [
    "Every point is a recording: the nearer two are, the more alike they sound.",
    ringed === 0 ? "" : ringed === 1 ? "The ring is this recording." : "The rings are these recordings.",
    apart === undefined ? "" : "The bar is as long as two people of this corpus are usually apart.",
  ];
  const inWords = groups.map(
    (name, group) => `${count(group)} of ${name} (${shapes[group % shapes.length]})`,
  );
  return h(
    "figure",
    { class: "desk-map" },
    s(
      "svg",
      {
        viewBox: `0 0 ${width} ${height}`,
        role: "img",
        "aria-label": plain(`Map of ${points.length} recordings: ${inWords.join(", ")}`),
      },
      ...marks,
      ...(apart === undefined
        ? []
        : [s("path", { class: "desk-apart", d: `M${edge} ${bottom - 2}v6m0-3h${apart * unit}m0-3v6` })]),
    ),
    h("figcaption", {}, h("ul", {}, legend), h("p", {}, words.filter(Boolean).join(" "))),
  );
}
