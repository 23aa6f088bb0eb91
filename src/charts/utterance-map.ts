import { quantity, shorten, whole } from "../shared/text.js";
import { evenly } from "../util/evenly.js";
import { tidy } from "./bins.js";
import { type Chart, chart, emptyView, headed, numeric, type Part } from "./chart.js";
import { GREY, groupsOf } from "./groups.js";
import { rowsOf, type SpeakerColumns, speakerOf, type Table } from "./options.js";
import { zoom } from "./zoom.js";

/** One utterance in two dimensions. */
export interface MapRow extends SpeakerColumns {
  x: number;
  y: number;
  utteranceId: string;
}

export interface UtteranceMapOptions {
  /** Default "Utterances by voice". */
  title?: string;
  /** How the coordinates were made, such as `t-SNE`, for the title; default: not named. */
  method?: string;
  /** Most speakers with a colour and shape of their own, by number of utterances; default 24. */
  maxSpeakers?: number;
  /** Most utterances to draw; of more, a sample is drawn. Default 4000. */
  maxPoints?: number;
  /** Pixels; default 520. */
  size?: number;
}

/**
 * With eight hues: 32 speakers that can be told apart. Neighbours differ in both, so that few speakers do for whoever sees no
 * colours.
 */
const SHAPES = ["circle", "triangle-up", "square", "diamond"];

/**
 * Utterances as dots, coloured by speaker and close together where the voices are similar: listen to a dot among those of
 * another speaker. Hover over a dot to highlight its speaker; drag to pan, Ctrl + wheel to zoom.
 *
 * @param rows one per utterance, with `speakerKey` or `dataset` and `speakerId`
 * @throws `missing` when a column is not there
 *
 * @example
 * utteranceMap(map2d(utterances).points, { method: "first two principal components" })
 */
export function utteranceMap(
  rows: Table<MapRow>,
  {
    title = "Utterances by voice",
    method,
    maxSpeakers = 24,
    maxPoints = 4000,
    size = 520,
  }: UtteranceMapOptions = {},
): Chart {
  const all = rowsOf<MapRow>("utteranceMap", rows, ["x", "y", "utteranceId"]).filter(
    ({ x, y }) => Number.isFinite(x) && Number.isFinite(y),
  );
  const shown = evenly(all, maxPoints);
  const name =
    shown.length < all.length
      ? `${title}, a sample of ${whole(shown.length)} of ${whole(all.length)}`
      : title;
  const most = Math.min(maxSpeakers, 8 * SHAPES.length);
  const groups = groupsOf(all.map(speakerOf), most);
  const speakers = groups.others > 0 ? groups.others + groups.domain.length - 1 : groups.domain.length;
  const facts = [
    quantity(shown.length, "utterance"),
    `${quantity(speakers, "speaker")}${groups.others > 0 ? `, the ${most} with the most utterances in colour` : ""}`,
    ...(method ? [method] : []),
  ].join("; ");
  const heading = headed("Scatter plot", name, facts, size);
  if (all.length === 0) return chart(emptyView("No utterances", { width: size, height: 200 }), heading);
  // Grey dots are drawn first, below the coloured ones.
  const inColor = new Set(groups.others > 0 ? groups.domain.slice(0, -1) : groups.domain);
  const isGrey = (row: MapRow) => !inColor.has(groups.nameOf(speakerOf(row)));
  const values = [...shown.filter(isGrey), ...shown.filter((row) => !isGrey(row))].map((row) => {
    const speaker = shorten(speakerOf(row), 60);
    const group = groups.nameOf(speakerOf(row));
    return {
      x: tidy(row.x, 4),
      y: tidy(row.y, 4),
      speaker,
      utterance: shorten(row.utteranceId, 60),
      ...(group === speaker ? {} : { group }),
    };
  });
  const axis = { labels: false, ticks: false, grid: false, title: null, domainColor: "#d5d5d5" };
  const view: Part = {
    width: size,
    height: size,
    params: [
      {
        name: "hover",
        select: { type: "point", fields: ["speaker"], on: "pointerover", clear: "pointerout" },
      },
      zoom,
    ],
    data: { values },
    transform: [{ calculate: "datum.group || datum.speaker", as: "colour" }],
    mark: { type: "point", filled: true, clip: true, size: shown.length > 1000 ? 30 : 55, aria: false },
    encoding: {
      x: numeric("x", square(values, "x"), axis),
      y: numeric("y", square(values, "y"), axis),
      color: {
        field: "colour",
        type: "nominal",
        scale: { domain: groups.domain, range: groups.range },
        legend: { title: "speaker", symbolLimit: 0, columns: 1, symbolSize: 60 },
      },
      shape: {
        field: "colour",
        type: "nominal",
        scale: {
          domain: groups.domain,
          range: groups.range.map((hue, k) =>
            hue === GREY ? "circle" : SHAPES[(k + Math.floor(k / 8)) % SHAPES.length],
          ),
        },
      },
      opacity: { condition: { param: "hover", value: 0.85 }, value: 0.08 },
      tooltip: [
        { field: "speaker", title: "speaker" },
        { field: "utterance", title: "utterance" },
      ],
    },
  };
  return chart(view, heading);
}

/** The same scale on both axes, because a stretched map distorts distances. */
function square(values: { x: number; y: number }[], field: "x" | "y"): Part {
  const range = (of: "x" | "y") => {
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const value of values) {
      low = Math.min(low, value[of]);
      high = Math.max(high, value[of]);
    }
    return [low, high];
  };
  const reach = Math.max(...(["x", "y"] as const).map((of) => range(of)[1] - range(of)[0])) * 0.54 || 1;
  const [low, high] = range(field);
  const middle = (low + high) / 2;
  return { domain: [tidy(middle - reach), tidy(middle + reach)], nice: false, zero: false };
}
