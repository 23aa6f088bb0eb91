import { duration, quantity, whole } from "../shared/text.js";
import { groupBy } from "../util/group-by.js";
import { type Bin, roundBins, tidy } from "./bins.js";
import { type Chart, chart, emptyView, numeric, type Part, panelTitle, silent } from "./chart.js";
import { binned, countAxis } from "./distribution.js";
import { type Groups, groupColor, groupsOf } from "./groups.js";
import { rowsOf, speakerOf, type Table } from "./options.js";

/** One audio file of a scanned corpus. */
export interface CorpusRow {
  dataset: string;
  /** Null where it is not known whose voice it is. */
  speakerId: string | null;
  /** Length of the recording. */
  seconds?: number;
  /** Samples per second, as in the file. */
  sampleRate?: number;
}

export interface CorpusChartOptions {
  /** Default: what the chart shows, in words. */
  title?: string;
  /** Pixels; default 560. */
  width?: number;
  /** Pixels; default 240. */
  height?: number;
}

/** More data sets than this share one colour. */
const MOST_DATASETS = 7;

/**
 * A corpus on one page: the sizes of its data sets, the utterances per speaker and, where the rows have them, the lengths
 * and sample rates of the recordings.
 *
 * @param rows one per audio file
 * @throws `missing` when the rows lack `dataset` or `speakerId`
 *
 * @example
 * corpusOverview((await scan("data/speech")).utterances)
 */
export function corpusOverview(
  rows: Table<CorpusRow>,
  { title = "The corpus" }: { title?: string } = {},
): Chart {
  const files = rowsOf<CorpusRow>("corpusOverview", rows, ["dataset", "speakerId"]);
  const size = { width: 360, height: 200 };
  const groups = datasetsOf(files);
  const facts = corpusFacts(files);
  const panel = (name: string, { view, subtitle }: Panel): Part => ({
    ...view,
    title: panelTitle(name, subtitle, size.width),
  });
  const panels = [
    panel("Data sets", datasetPanel(files, groups, size)),
    panel("Utterances per speaker", utterancesPanel(files, groups, size)),
    ...(has(files, "seconds") ? [panel("Length of the recordings", durationPanel(files, groups, size))] : []),
    ...(has(files, "sampleRate") ? [panel("Sample rates", ratePanel(files, groups, size))] : []),
  ];
  const view = { columns: 2, concat: panels, resolve: { scale: { color: "independent" } } };
  return chart(view, { title, subtitle: facts, width: 780, description: `${title}: ${facts}.` });
}

/**
 * How long the recordings are, by data set. The longest 1 % may lie beyond the chart; the title then says so.
 *
 * @param rows one per audio file, with `seconds`
 * @throws `missing` when the rows lack `dataset` or `seconds`
 *
 * @example
 * durations(files)
 */
export function durations(rows: Table<CorpusRow>, options: CorpusChartOptions = {}): Chart {
  const files = rowsOf<CorpusRow>("durations", rows, ["dataset", "seconds"]);
  return single("How long the recordings are", durationPanel, files, options);
}

/**
 * How many utterances the speakers have, by data set.
 *
 * @param rows one per audio file
 * @throws `missing` when the rows lack `dataset` or `speakerId`
 *
 * @example
 * utterancesPerSpeaker(files)
 */
export function utterancesPerSpeaker(rows: Table<CorpusRow>, options: CorpusChartOptions = {}): Chart {
  const files = rowsOf<CorpusRow>("utterancesPerSpeaker", rows, ["dataset", "speakerId"]);
  return single("How many utterances a speaker has", utterancesPanel, files, options);
}

/**
 * How many recordings there are at each sample rate, by data set.
 *
 * @param rows one per audio file, with `sampleRate`
 * @throws `missing` when the rows lack `dataset` or `sampleRate`
 *
 * @example
 * sampleRates(files)
 */
export function sampleRates(rows: Table<CorpusRow>, options: CorpusChartOptions = {}): Chart {
  const files = rowsOf<CorpusRow>("sampleRates", rows, ["dataset", "sampleRate"]);
  return single("Sample rates of the recordings", ratePanel, files, options);
}

interface Panel {
  view: Part;
  subtitle: string;
}
type Size = { width: number; height: number };
type PanelOf = (files: CorpusRow[], groups: Groups, size: Size, legend?: Part) => Panel;

function single(
  name: string,
  panel: PanelOf,
  files: CorpusRow[],
  { title = name, width = 560, height = 240 }: CorpusChartOptions,
): Chart {
  const legend = { title: null, orient: "top", symbolType: "square" };
  const { view, subtitle } = panel(files, datasetsOf(files), { width, height }, legend);
  return chart(view, { title, subtitle, width, description: `${title}: ${subtitle}.` });
}

const datasetsOf = (files: CorpusRow[]): Groups =>
  groupsOf(
    files.map(({ dataset }) => dataset),
    MOST_DATASETS,
  );

const isKnown = ({ speakerId }: CorpusRow): boolean => speakerId !== null;

/** How many speakers there are, and how many utterances of nobody that is known. */
function speakersOf(files: CorpusRow[]): string {
  const known = files.filter(isKnown);
  const speakers = quantity(new Set(known.map(speakerOf)).size, "speaker");
  return known.length === files.length
    ? speakers
    : `${speakers}, ${whole(files.length - known.length)} unknown`;
}

const has = (files: CorpusRow[], column: "seconds" | "sampleRate"): boolean =>
  files.some((file) => Number.isFinite(file[column]));

function corpusFacts(files: CorpusRow[]): string {
  const facts = [
    quantity(files.length, "utterance"),
    speakersOf(files),
    quantity(new Set(files.map(({ dataset }) => dataset)).size, "data set"),
  ];
  if (has(files, "seconds")) facts.push(duration(sum(files.map(({ seconds = 0 }) => seconds || 0))));
  return facts.join(", ");
}

function datasetPanel(files: CorpusRow[], groups: Groups, { width, height }: Size): Panel {
  if (files.length === 0) return { view: emptyView("No recordings", { width, height }), subtitle: "none" };
  const values = groups.domain.map((dataset, row) => {
    const own = files.filter((file) => groups.nameOf(file.dataset) === dataset);
    const length = has(own, "seconds")
      ? `, ${duration(sum(own.map(({ seconds = 0 }) => seconds || 0)))}`
      : "";
    return { row, dataset, utterances: own.length, label: `${speakersOf(own)}${length}` };
  });
  const most = Math.max(...values.map(({ utterances }) => utterances));
  const step = height / values.length;
  const y = { field: "row", type: "ordinal", axis: null };
  const text = (dy: number, field: string, more: Part = {}): Part => ({
    mark: { type: "text", align: "left", dx: 1, dy, ...silent, ...more },
    encoding: { x: { value: 0 }, text: { field } },
  });
  const view = {
    width,
    height,
    data: { values },
    encoding: { y },
    layer: [
      {
        mark: { type: "bar", height: Math.min(14, step * 0.35), yOffset: step * 0.16, cornerRadiusEnd: 2 },
        encoding: {
          x: numeric(
            "utterances",
            { domain: [0, most], nice: true },
            { ...countAxis("utterances", most), grid: false },
          ),
          color: groupColor(groups),
          tooltip: [
            { field: "dataset", title: "data set" },
            { field: "utterances", format: "," },
            { field: "label", title: "from" },
          ],
        },
      },
      text(-step * 0.18, "dataset", { fontWeight: 600 }),
      {
        mark: { type: "text", align: "right", dy: -step * 0.18, ...silent },
        encoding: { x: { value: width }, text: { field: "label" } },
      },
    ],
  };
  return {
    view,
    subtitle:
      groups.others > 0
        ? `the largest ${MOST_DATASETS}; the others in grey`
        : quantity(values.length, "data set"),
  };
}

function utterancesPanel(files: CorpusRow[], groups: Groups, size: Size, legend?: Part): Panel {
  const speakers = Array.from(groupBy(files.filter(isKnown), speakerOf).values(), (own) => ({
    dataset: own[0].dataset,
    value: own.length,
  }));
  const counts = speakers.map(({ value }) => value).sort((a, b) => a - b);
  if (counts.length === 0) return { view: emptyView("No speakers", size), subtitle: "none" };
  const middle = counts[Math.floor(counts.length / 2)];
  const [fewest, most] = [counts[0], counts[counts.length - 1]];
  const spread =
    fewest === most
      ? `with ${whole(most)} each`
      : `from ${whole(fewest)} to ${whole(most)}, half have ${whole(middle)} or more`;
  const facts = `${quantity(counts.length, "speaker")}, ${spread}`;
  // While every whole number has its own bar, bars are centred on the numbers.
  const bins =
    most - fewest < 30
      ? Array.from({ length: Math.max(6, most - fewest + 1) }, (_, k) => ({
          from: fewest + k - 0.5,
          to: fewest + k + 0.5,
        }))
      : roundBins(counts);
  return {
    view: stacked(speakers, bins, groups, size, "utterances of a speaker", "speakers", legend),
    subtitle: facts,
  };
}

function durationPanel(files: CorpusRow[], groups: Groups, size: Size, legend?: Part): Panel {
  const known = files.filter(({ seconds }) => Number.isFinite(seconds));
  const sorted = Float64Array.from(known, ({ seconds }) => seconds!).sort();
  if (sorted.length === 0) return { view: emptyView("No durations", size), subtitle: "none" };
  const longest = sorted[sorted.length - 1];
  const end = sorted[Math.floor((sorted.length - 1) * 0.99)];
  const limit = longest > end * 2 ? end * 1.2 : longest;
  const beyond = known.filter(({ seconds }) => seconds! > limit).length;
  const drawn = known.filter(({ seconds }) => seconds! <= limit);
  const facts = `${seconds(sorted[0])} to ${seconds(longest)}, half up to ${seconds(sorted[Math.floor((sorted.length - 1) / 2)])}`;
  const values = drawn.map((file) => ({ dataset: file.dataset, value: file.seconds! }));
  const bins = roundBins(values.map(({ value }) => value));
  return {
    view: stacked(values, bins, groups, size, "length (seconds)", "recordings", legend),
    subtitle: beyond === 0 ? facts : `${facts}; ${quantity(beyond, "recording")} beyond the chart`,
  };
}

function ratePanel(files: CorpusRow[], groups: Groups, size: Size, legend?: Part): Panel {
  const known = files.filter(({ sampleRate }) => Number.isFinite(sampleRate));
  const labelOf = (rate: number) => `${tidy(rate / 1000)} kHz`;
  const bars = groupBy(known, ({ dataset, sampleRate }) =>
    JSON.stringify([sampleRate, groups.nameOf(dataset)]),
  );
  const values = Array.from(bars.values(), (own) => {
    const [{ dataset, sampleRate: rate = 0 }] = own;
    return { rate, dataset: groups.nameOf(dataset), count: own.length, label: labelOf(rate) };
  });
  if (values.length === 0) return { view: emptyView("No sample rates", size), subtitle: "none" };
  const rates = [...new Set(values.map(({ rate }) => rate))].sort((a, b) => a - b);
  const view = {
    ...size,
    data: { values },
    mark: { type: "bar", size: Math.min(60, (size.width / rates.length) * 0.7) },
    encoding: {
      x: {
        field: "label",
        type: "nominal",
        scale: { domain: rates.map(labelOf) },
        axis: { title: "sample rate", labelAngle: rates.length > 6 ? -45 : 0, ticks: false },
      },
      y: { field: "count", type: "quantitative", axis: countAxis("recordings", known.length) },
      color: groupColor(groups, legend),
      tooltip: [
        { field: "label", title: "sample rate" },
        { field: "dataset", title: "data set" },
        { field: "count", title: "recordings", format: "," },
      ],
    },
  };
  return { view, subtitle: rates.length === 1 ? "all the same" : quantity(rates.length, "sample rate") };
}

/** A histogram with bars stacked by data set. */
function stacked(
  rows: { dataset: string; value: number }[],
  bins: Pick<Bin, "from" | "to">[],
  groups: Groups,
  size: Size,
  xTitle: string,
  yTitle: string,
  legend?: Part,
): Part {
  const [first, width] = [bins[0].from, bins[0].to - bins[0].from];
  const counts = groups.domain.map(() => new Float64Array(bins.length));
  const index = new Map(groups.domain.map((name, g) => [name, g]));
  for (const { dataset, value } of rows) {
    const bin = Math.max(0, Math.min(bins.length - 1, Math.floor((value - first) / width + 1e-9)));
    counts[index.get(groups.nameOf(dataset))!][bin]++;
  }
  const values = bins.flatMap(({ from, to }, b) =>
    groups.domain
      .map((dataset, g) => ({ from, to, dataset, count: counts[g][b] }))
      .filter(({ count }) => count > 0),
  );
  const domain: [number, number] = [bins[0].from, bins[bins.length - 1].to];
  const isWhole = first % 1 !== 0 && width === 1;
  return {
    ...size,
    data: { values },
    ...(isWhole ? { transform: [{ calculate: "datum.from + 0.5", as: "middle" }] } : {}),
    mark: { type: "bar", binSpacing: 1 },
    encoding: {
      ...binned(domain, {
        title: xTitle,
        grid: false,
        tickCount: Math.min(8, bins.length),
        tickMinStep: isWhole ? 1 : 0,
      }),
      y: {
        field: "count",
        type: "quantitative",
        axis: countAxis(
          yTitle,
          Math.max(...bins.map((_, b) => counts.reduce((sum, own) => sum + own[b], 0))),
        ),
      },
      color: groupColor(groups, legend),
      tooltip: [
        ...(isWhole
          ? [{ field: "middle", title: xTitle }]
          : [
              { field: "from", title: `${xTitle} from` },
              { field: "to", title: "to" },
            ]),
        { field: "dataset", title: "data set" },
        { field: "count", title: yTitle, format: "," },
      ],
    },
  };
}

const sum = (values: number[]): number => values.reduce((a, b) => a + b, 0);

function seconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : whole(value)} s`;
}
