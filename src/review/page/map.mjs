import { h, plain, s } from "./dom.mjs";

/** Okabe and Ito's hues, which can be told apart with any kind of colour vision. */
const hues = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];
const [width, height, edge] = [300, 180, 12];

/**
 * The recordings of the speakers concerned, as points: the nearer, the more alike. Points of one name have a colour and a shape;
 * the recording in question has a ring.
 */
export function drawMap({ names, points }) {
  const x = (value) => edge + (value / 1000) * (width - 2 * edge);
  const y = (value) => height - edge - (value / 1000) * (height - 2 * edge);
  const ringed = points.filter(([, , , isMarked]) => isMarked).length;
  const marks = points.map(([px, py, name, isMarked, key]) => {
    const [cx, cy, colour] = [x(px), y(py), hues[name % hues.length]];
    const shape =
      name % 2 === 0
        ? s("circle", { cx, cy, r: 4, fill: colour })
        : s("rect", { x: cx - 3.6, y: cy - 3.6, width: 7.2, height: 7.2, fill: colour });
    shape.append(s("title", {}, plain(key)));
    return isMarked
      ? s("g", {}, s("circle", { cx, cy, r: 8.5, fill: "none", stroke: "#222", "stroke-width": 1.6 }), shape)
      : shape;
  });
  const legend = names.map((name, n) =>
    h(
      "li",
      {},
      s(
        "svg",
        { viewBox: "0 0 10 10", width: 10, height: 10, "aria-hidden": "true" },
        n % 2 === 0
          ? s("circle", { cx: 5, cy: 5, r: 4, fill: hues[n % hues.length] })
          : s("rect", { x: 1, y: 1, width: 8, height: 8, fill: hues[n % hues.length] }),
      ),
      plain(name),
    ),
  );
  return h(
    "figure",
    { class: "desk-map" },
    s(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Map of ${points.length} recordings` },
      ...marks,
    ),
    h(
      "figcaption",
      {},
      h("ul", {}, legend),
      h(
        "p",
        {},
        "Every point is a recording of a speaker concerned: the nearer two are, the more alike the voices.",
        ringed === 0
          ? ""
          : ringed === 1
            ? " The ring is this recording."
            : " The rings are these recordings.",
      ),
    ),
  );
}
