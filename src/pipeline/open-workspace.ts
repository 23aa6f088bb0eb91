import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { identifyModel } from "../embed/open-model.js";
import { packageRoot, packageVersion } from "../util/package-root.js";
import type { CorpusSettings } from "./open-corpus.js";

/** Which corpus, and how it is read: what a manifest or a layout needs beside the folder. */
type Source = Pick<CorpusSettings, "manifest" | "format" | "layout" | "dataset" | "columns" | "pathPrefix">;

/** Where they may be set from outside. */
const variables = {
  manifest: "SPEAKERSCOPE_MANIFEST",
  format: "SPEAKERSCOPE_FORMAT",
  layout: "SPEAKERSCOPE_LAYOUT",
  dataset: "SPEAKERSCOPE_DATASET",
  columns: "SPEAKERSCOPE_COLUMNS",
  pathPrefix: "SPEAKERSCOPE_PATH_PREFIX",
} as const;

export interface WorkspaceOptions extends Source {
  /** The corpus, laid out as `data set/speaker/utterance.wav`; default `data/speech`, the bundled speech. */
  dataRoot?: string;
  /** Where the notebooks write, and find each other's results; default `results/notebooks`. */
  resultsDir?: string;
  /** Path of an .onnx file; default: the bundled CAM++. */
  modelPath?: string;
  /** Processes of an extraction; default: one per GPU, or one per core. */
  numRanks?: number;
}

/** Where a notebook reads and writes. It can be passed as options: `extract(corpus, workspace)`. */
export interface Workspace extends Source {
  dataRoot: string;
  resultsDir: string;
  /** Folder of the extraction; each model has its own. */
  outputDir: string;
  /** Folder of the merged files. */
  finalDir: string;
  /** Notes of finished stages, by which they are skipped. */
  stagesFile: string;
  modelPath?: string;
  numRanks?: number;
  /** Whether a pickle is written for every utterance and speaker. */
  saveIndividual: boolean;
}

/**
 * The folders of a notebook. Relative paths are looked up in the working directory (in a notebook: its folder), then in the
 * package. Which corpus it is may also be set in the environment: SPEAKERSCOPE_MANIFEST, _FORMAT, _LAYOUT, _DATASET, _COLUMNS,
 * _PATH_PREFIX. Folders that do not exist yet are created in the package, or in the working directory where the package is
 * installed as a dependency.
 *
 * Paths in the result are relative to the working directory where both lie in the same project, so that the outputs of a
 * notebook do not contain paths of the machine.
 *
 * @throws what `identifyModel` throws where there is no such model
 * @example
 * const workspace = openWorkspace({ dataRoot: "data/speech" });
 * await extract(await openCorpus(workspace), workspace);
 */
export function openWorkspace({
  dataRoot = "data/speech",
  resultsDir = "results/notebooks",
  modelPath = "",
  numRanks,
  ...source
}: WorkspaceOptions = {}): Workspace {
  const here = process.cwd();
  const home = packageRoot.includes(`${sep}node_modules${sep}`) ? here : packageRoot;
  const locate = (path: string): string => {
    const full = [here, home, packageRoot].map((folder) => resolve(folder, path)).find(existsSync);
    return shortPath(full ?? resolve(home, path), here, home);
  };
  const model = modelPath === "" ? undefined : locate(modelPath);
  const folder = locate(resultsDir);
  const { identity } = identifyModel({ modelPath: model });
  const digest = createHash("sha256").update(JSON.stringify(identity)).digest("hex").slice(0, 8);
  return {
    dataRoot: locate(dataRoot),
    resultsDir: folder,
    outputDir: join(folder, `embeddings_output-${digest}`),
    finalDir: join(folder, "final_embeddings"),
    stagesFile: join(folder, "stages.json"),
    saveIndividual: true,
    ...sourceOf(source, locate),
    ...(model === undefined ? {} : { modelPath: model }),
    ...(numRanks === undefined ? {} : { numRanks }),
  };
}

/** What is set here, else in the environment. */
function sourceOf(source: Source, locate: (path: string) => string): Source {
  const entries = Object.entries(variables).flatMap(([name, variable]) => {
    const value = source[name as keyof Source] ?? process.env[variable];
    if (value === undefined || value === "") return [];
    return [[name, name === "manifest" ? locate(String(value)) : value]];
  });
  return Object.fromEntries(entries) as Source;
}

/** Relative to `here` where both lie in `home`. */
function shortPath(path: string, here: string, home: string): string {
  return isIn(home, path) && isIn(home, here) ? relative(here, path) || "." : path;
}

function isIn(folder: string, path: string): boolean {
  const way = relative(folder, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

/**
 * What it takes to reproduce the results: parameters, versions, the model's hash, the date. The last cell of a notebook
 * shows it.
 *
 * @example
 * provenance(workspace, { threshold: 0.5 })
 */
export function provenance(
  { dataRoot, manifest, resultsDir, modelPath }: Workspace,
  parameters: Record<string, string | number | boolean> = {},
): { what: string; value: string }[] {
  const { identity } = identifyModel({ modelPath });
  const rows = {
    ...(manifest === undefined ? { dataRoot } : { manifest }),
    resultsDir,
    ...parameters,
    speakerscope: packageVersion(),
    "Node.js": process.version,
    model: `${identity.name}, ${identity.dimension} dimensions, ${identity.precision}`,
    "SHA-256 of the model": identity.sha256,
    date: new Date().toISOString().slice(0, 10),
  };
  return Object.entries(rows).map(([what, value]) => ({ what, value: String(value) }));
}
