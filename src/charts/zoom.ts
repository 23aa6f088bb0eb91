import type { Part } from "./chart.js";

/** Drag to pan, pinch or Ctrl + wheel to zoom (the plain wheel still scrolls the page), double-click to reset. */
export const zoom: Part = {
  name: "zoom",
  select: { type: "interval", zoom: "wheel![event.ctrlKey]", clear: "dblclick" },
  bind: "scales",
};

/** The same along x alone. */
export const zoomX: Part = { ...zoom, select: { ...(zoom.select as Part), encodings: ["x"] } };
