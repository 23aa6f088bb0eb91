import { extname, join } from "node:path";
import { openParquet } from "../corpus/sources/parquet.js";
import { delimiterOf, records } from "../corpus/sources/table.js";
import { inCamelCase } from "../decisions/spelling.js";
import { invalid, missing, shown, unsupported } from "../errors.js";
import { parsedJson } from "../format/read-json.js";
import { readJsonLines } from "../util/json-lines.js";
import { statsOf } from "../util/stats-of.js";
import type { Finding, FindingKind, Remedy } from "./finding.js";
import { type FindingRow, kindNames } from "./findings-table.js";

const kindsOfTwo: readonly FindingKind[] = ["splitSpeaker", "leakage", "equalFiles", "nearCopies"];

type Cells = Partial<Record<keyof FindingRow, unknown>>;

/**
 * Reads the findings of an audit as `speakerscope audit` writes them: findings.csv, .jsonl or .parquet, or the folder of these.
 * Rows may be taken out and added, and columns but for kind, key1, key2 and probability; the scores are to six digits.
 *
 * @throws `missing` where there are none, `unsupported` for another kind of file, `invalid` for a row that is no finding, naming it
 */
export async function readFindings(given: string): Promise<Finding[]> {
  const path = statsOf(given)?.isDirectory() ? join(given, "findings.jsonl") : given;
  if (statsOf(path) === undefined)
    throw missing(
      `The findings ${path} do not exist. Give findings.csv, .jsonl or .parquet, which \`speakerscope audit\` writes.`,
      { path },
    );
  const findings: Finding[] = [];
  for await (const { cells, where } of rowsOf(path)) findings.push(findingOf(cells, where, path));
  return findings;
}

async function* rowsOf(path: string): AsyncGenerator<{ cells: Cells; where: string }> {
  switch (extname(path).toLowerCase()) {
    case ".csv": {
      let names: string[] | undefined;
      for await (const { cells, line } of records(path, await delimiterOf(path), true))
        if (names === undefined) names = cells.map((name) => name.trim());
        else
          yield {
            cells: Object.fromEntries(names.map((name, i) => [name, cells[i]])),
            where: `Line ${line} of ${path}`,
          };
      return;
    }
    case ".jsonl": {
      let row = 0;
      for await (const cells of readJsonLines<Cells>(path)) yield { cells, where: `Row ${++row} of ${path}` };
      return;
    }
    case ".parquet": {
      const file = await openParquet(path);
      try {
        const rows = await file.read({ rowStart: 0, rowEnd: Number(file.metadata.num_rows) });
        for (const [row, cells] of rows.entries()) yield { cells, where: `Row ${row + 1} of ${path}` };
      } finally {
        file.close();
      }
      return;
    }
    default:
      throw unsupported(
        `${path} is not read as findings. Give findings.csv, .jsonl or .parquet, which \`speakerscope audit\` writes.`,
        { path },
      );
  }
}

function findingOf(cells: Cells, where: string, path: string): Finding {
  const kind = inCamelCase(String(cells.kind)) as FindingKind;
  if (!Object.hasOwn(kindNames, kind))
    throw invalid(
      `${where} has ${cells.kind === undefined ? "no kind" : `the unknown kind ${shown(cells.kind)}`}. Findings have the columns kind, key1, key2, probability, remedy and target.`,
      { path, got: cells.kind },
    );
  const keys = [cells.key1, cells.key2].filter((key): key is string => typeof key === "string" && key !== "");
  if (keys.length === 0) throw invalid(`${where} has no key1.`, { path });
  // A cell that says nothing is no 0, by which the finding would not count.
  const said = String(cells.probability ?? "").trim();
  const probability = said === "" ? Number.NaN : Number(said);
  if (!(probability >= 0 && probability <= 1))
    throw invalid(`${where} has ${shown(cells.probability)} as its probability, which must be from 0 to 1.`, {
      path,
      got: cells.probability,
    });
  if (keys.length === 1 && kindsOfTwo.includes(kind))
    throw invalid(`${where} has no key2: ${kindNames[kind]} is about two.`, { path });
  const told = typeof cells.evidence === "string" ? parsedJson(cells.evidence) : cells.evidence;
  const evidence = Object.entries((told ?? {}) as Finding["evidence"]);
  return {
    kind,
    keys,
    score: Number(cells.score),
    probability,
    evidence: Object.fromEntries(
      evidence.filter(([name]) => name !== "parts").map(([name, value]) => [inCamelCase(name), value]),
    ),
    remedy: remedyOf(cells, keys, evidence),
  };
}

function remedyOf({ remedy, target }: Cells, keys: string[], evidence: [string, unknown][]): Remedy {
  const action = inCamelCase(String(remedy)) as Remedy["action"];
  const to = String(target ?? "");
  switch (action) {
    case "relabel":
    case "keepOne":
      // Nobody is named where a table was written by hand.
      return to === "" ? { action: "drop" } : { action, to };
    case "mergeNames":
    case "keepOnOneSide":
      return { action, names: keys };
    case "splitName": {
      const [, parts] = evidence.find(([name]) => name === "parts") ?? [];
      return { action, parts: (parts ?? [[], []]) as [string[], string[]] };
    }
    default:
      return { action: action === "drop" ? action : "keep" };
  }
}
