import { relative } from "node:path";
import type { ModelConfig } from "../models/adapter.js";
import type { Setting } from "../models/model-config.js";
import { quantity } from "../shared/text.js";
import { showAs, showRows } from "../show/show-as.js";
import type { View } from "../show/view.js";

interface Shown {
  path: string;
  device?: string;
  identity: { name: string; sha256: string; precision: string };
}

/**
 * Makes a model show itself: what it takes, its front end, its dimension, its golden check.
 *
 * @param isChecked whether the model has given its golden vector on this machine
 */
export const showModel = <M extends Shown>(model: M, config: ModelConfig, isChecked: () => boolean): M =>
  showAs(model, () => modelView(model, config, isChecked));

/** The same for a model that was only looked at, with who told what. */
export function showInspection<M extends Shown & { settings: Setting[] }>(
  model: M,
  config: ModelConfig,
  isChecked: () => boolean,
): M {
  showRows(model.settings, "setting");
  return showModel(model, config, isChecked);
}

function modelView({ path, device, identity }: Shown, config: ModelConfig, isChecked: () => boolean): View {
  const { name, sha256, precision } = identity;
  return {
    title: `${name}${device === undefined ? "" : ` on ${device}`}: ${quantity(config.dimension, "number")} an utterance`,
    parts: [
      `File: ${nearPath(path)} (${precision}, SHA-256 ${sha256.slice(0, 12)}…)`,
      `Takes: ${takes(config)}`,
      `Front end: ${frontEnd(config)}`,
      `Golden check: ${config.golden === undefined ? "none, the configuration names no known embedding" : isChecked() ? `passed, with ${config.golden.audio}` : "not yet made, opening the model makes it"}`,
    ],
  };
}

/** From the working directory where that is shorter: a notebook should not hold paths of one machine. */
function nearPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near !== "" && near.length < path.length ? near : path;
}

function takes({ sampleRate, layout, maxSeconds, minFrames, partials }: ModelConfig): string {
  const what = layout === "waveform" ? "samples" : "filter banks";
  const limits = [
    layout === "waveform" || minFrames <= 1 ? "" : `at least ${minFrames} frames`,
    maxSeconds === undefined ? "any length" : `at most ${maxSeconds} s`,
    partials === undefined ? "" : `in parts of ${partials.frames} frames`,
  ].filter(Boolean);
  return `${what} at ${sampleRate} Hz, ${limits.join(", ")}`;
}

/** The settings by their names: those of a family are not all the same. */
function frontEnd({ layout, frontend }: ModelConfig): string {
  if (layout === "waveform") return "none, the model computes its own features";
  return Object.entries(frontend)
    .filter(([name, value]) => name !== "sampleRate" && typeof value !== "object" && value !== false)
    .map(([name, value]) => (value === true ? name : `${name} ${value}`))
    .join(", ");
}
