import type { Part } from "./chart.js";

/** Drag pans, a pinch or Ctrl + wheel zooms (the plain wheel still scrolls the page), a double click goes back. */
export const zoom: Part = {
  name: "zoom",
  select: { type: "interval", zoom: "wheel![event.ctrlKey]", clear: "dblclick" },
  bind: "scales",
};

/** The same along x alone. */
export const zoomX: Part = { ...zoom, select: { ...(zoom.select as Part), encodings: ["x"] } };
