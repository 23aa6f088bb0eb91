import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { isAbsolute, join, relative, resolve, sep } from "node:path";
import { identifyModel } from "../embed/open-model.js";
import { packageRoot } from "../util/package-root.js";

export interface WorkspaceOptions {
  /** Corpus: `data set/speaker/utterance.wav`. */
  dataRoot?: string;
  /** What the notebooks make goes here, and what one made the others find here. */
  resultsDir?: string;
  /** Path of an .onnx file; empty or left out: the bundled CAM++. */
  modelPath?: string;
  /** Processes of an extraction. */
  numRanks?: number;
}

/** Where a notebook reads and writes, as options of the stages: `extract(corpus, workspace)`. */
export interface Workspace {
  dataRoot: string;
  resultsDir: string;
  /** Of the extraction: another model has another, so that each keeps its own. */
  outputDir: string;
  /** Of the merged files. */
  finalDir: string;
  /** By which a stage knows that it was done. */
  stagesFile: string;
  modelPath?: string;
  numRanks?: number;
  /** Written for every utterance and speaker. */
  saveIndividual: boolean;
}

/** The folder that the process was started in, wherever a notebook goes from there. */
const startedIn = process.cwd();

/**
 * The folders of a notebook, and the folder that their paths are relative to as the working directory: the package, or
 * where it is installed as a dependency the folder of the notebook. The outputs of a notebook then hold no path of the
 * machine, and the three notebooks find each other's files wherever they lie.
 *
 * Relative paths are looked for from the folder of the notebook first.
 *
 * @example
 * const workspace = openWorkspace({ dataRoot: "data/speech" });
 * await extract(workspace.dataRoot, { ...workspace, onProgress: progress("extract") });
 */
export function openWorkspace({
  dataRoot = "data/speech",
  resultsDir = "results/notebooks",
  modelPath = "",
  numRanks,
}: WorkspaceOptions = {}): Workspace {
  const home = packageRoot.includes(`${sep}node_modules${sep}`) ? startedIn : packageRoot;
  process.chdir(home);
  const found = (path: string): string => {
    const full = [startedIn, home, packageRoot].map((folder) => resolve(folder, path)).find(existsSync);
    return shortPath(full ?? resolve(home, path), home);
  };
  const model = modelPath === "" ? undefined : found(modelPath);
  const folder = found(resultsDir);
  const { identity } = identifyModel({ modelPath: model });
  const digest = createHash("sha256").update(JSON.stringify(identity)).digest("hex").slice(0, 8);
  return {
    dataRoot: found(dataRoot),
    resultsDir: folder,
    outputDir: join(folder, `embeddings_output-${digest}`),
    finalDir: join(folder, "final_embeddings"),
    stagesFile: join(folder, "stages.json"),
    saveIndividual: true,
    ...(model === undefined ? {} : { modelPath: model }),
    ...(numRanks === undefined ? {} : { numRanks }),
  };
}

/** Relative to `home` where it lies in it. */
function shortPath(path: string, home: string): string {
  const way = relative(home, path);
  return way.startsWith("..") || isAbsolute(way) ? path : way || ".";
}

/**
 * What somebody else needs to know to make the same results: parameters, versions, the model's hash, the date. The last
 * cell of a notebook shows it.
 *
 * @example
 * provenance(workspace, { threshold: 0.5 })
 */
export function provenance(
  { dataRoot, resultsDir, modelPath }: Workspace,
  parameters: Record<string, string | number | boolean> = {},
): { what: string; value: string }[] {
  const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as {
    version: string;
  };
  const { identity } = identifyModel({ modelPath });
  const rows = {
    dataRoot,
    resultsDir,
    ...parameters,
    speakerscope: version,
    "Node.js": process.version,
    model: `${identity.name}, ${identity.dimension} dimensions, ${identity.precision}`,
    "SHA-256 of the model": identity.sha256,
    date: new Date().toISOString().slice(0, 10),
  };
  return Object.entries(rows).map(([what, value]) => ({ what, value: String(value) }));
}
