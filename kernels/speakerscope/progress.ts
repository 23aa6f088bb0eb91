import { randomUUID } from "node:crypto";
import { escapeHtml } from "../../src/shared/escape-html.js";
import { show } from "./display/display.js";
import { host } from "./host.js";

/** What a long job says of itself: the toolkit's `onProgress` events fit, and so do your own. */
export interface ProgressEvent {
  /** One bar for each stage and rank. */
  stage?: string;
  rank?: number;
  done?: number;
  failed?: number;
  /** Without it the bar only counts. */
  total?: number;
  /** Counted in place of `done` by stages that do not know it. */
  files?: number;
}

/** Takes events; `end` shows the last state now. */
export interface ProgressBar {
  (event: ProgressEvent): void;
  end(): void;
}

interface Row {
  label: string;
  done: number;
  failed: number;
  total: number | null;
  began: number;
  moved: number;
}

/** Five frames a second look smooth. All bars of a notebook share them: each frame draws up to three. */
const frameMs = 200;
const barsAFrame = 3;
const consoleMs = 2000;

/** Draws the bars that have changed, those that have waited longest first. */
const changed = new Set<() => void>();
let isTimerSet = false;
let lastFrame = 0;

/**
 * Bars that move in place while a long job runs.
 *
 * Give it to the job as `onProgress`. A job of several ranks gets a bar for each rank. In the saved notebook
 * the last state is left; outside the kernel a line is printed now and then.
 *
 * @example
 * await extract(corpus, { onProgress: progress("extract"), abortSignal: cellSignal() });
 */
export function progress(title = ""): ProgressBar {
  const rows = new Map<string, Row>();
  const kernel = host();
  const id = randomUUID();
  /** The cell of the first event: what draws the bar may be the timer of another. */
  let cell: number | null = null;
  let isShown = false;
  let drawn = 0;

  function draw(): void {
    drawn = Date.now();
    changed.delete(draw);
    const list = [...rows.values()];
    if (list.length === 0) return;
    if (!kernel) return void console.error(list.map((row) => lineOf(row)).join("\n"));
    const bundle = { "text/plain": list.map(lineOf).join("\n"), "text/html": htmlOf(title, list) };
    show(bundle, isShown ? "update_display_data" : "display_data", id, cell, { raw: true });
    isShown = true;
  }

  function bar(event: ProgressEvent): void {
    const label = [title, event.stage, event.rank === undefined ? "" : `rank ${event.rank}`]
      .filter((part, i, parts) => part && parts.indexOf(part) === i)
      .join(" ");
    cell ??= kernel?.cell() ?? null;
    const now = Date.now();
    const row = rows.get(label) ?? { label, done: 0, failed: 0, total: null, began: now, moved: now };
    rows.set(label, row);
    row.done = event.done ?? event.files ?? row.done;
    row.failed = event.failed ?? row.failed;
    row.total = event.total ?? row.total;
    row.moved = now;
    if (kernel) drawSoon(draw);
    else if (now - drawn >= consoleMs) draw();
  }

  kernel?.atEnd(() => changed.has(draw) && draw());
  return Object.assign(bar, { end: draw });
}

/** Wraps what is counted: a bar for a loop. */
export function* progressOf<T>(items: readonly T[], title = ""): Generator<T> {
  const bar = progress(title);
  bar({ done: 0, total: items.length });
  for (const [i, item] of items.entries()) {
    yield item;
    bar({ done: i + 1, total: items.length });
  }
  bar.end();
}

function drawSoon(draw: () => void): void {
  changed.add(draw);
  // A busy loop never lets the timer run, so each event looks at the clock too.
  drawIfDue();
}

function drawIfDue(): void {
  const now = Date.now();
  if (now - lastFrame >= frameMs) {
    lastFrame = now;
    for (const draw of [...changed].slice(0, barsAFrame)) draw();
  }
  if (changed.size === 0 || isTimerSet) return;
  isTimerSet = true;
  const frame = () => {
    isTimerSet = false;
    drawIfDue();
  };
  setTimeout(frame, lastFrame + frameMs - now).unref();
}

function lineOf({ label, done, failed, total, began, moved }: Row): string {
  const seconds = (moved - began) / 1000;
  const parts = [label, total === null ? String(done) : `${done}/${total}`];
  if (total) parts.push(`${Math.floor((100 * (done + failed)) / total)} %`);
  if (failed) parts.push(`${failed} failed`);
  if (seconds >= 1) parts.push(`${(done / seconds).toFixed(1)}/s`, `${seconds.toFixed(0)} s`);
  return parts.filter(Boolean).join("  ");
}

function htmlOf(title: string, rows: Row[]): string {
  const body = rows
    .map((row) => {
      const value = row.total === null ? "" : ` max="${row.total}" value="${row.done + row.failed}"`;
      const text = escapeHtml(lineOf(row));
      return `<div><progress${value} style="width:16em;vertical-align:middle"></progress> <code>${text}</code></div>`;
    })
    .join("");
  return `<div role="group" aria-label="${escapeHtml(title)}">${body}</div>`;
}
