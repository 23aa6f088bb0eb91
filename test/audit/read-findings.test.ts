import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import type { Finding } from "../../src/audit/finding.js";
import {
  findingColumns,
  findingRows,
  findingsCsv,
  findingsJsonLines,
} from "../../src/audit/findings-table.js";
import { readFindings } from "../../src/audit/read-findings.js";
import { writeTable } from "../../src/tables/write-table.js";
import { put, temporaryFolder } from "../tiny.js";

const all = { score: 1.5, probability: 0.75 };
const findings: Finding[] = [
  {
    ...all,
    kind: "wrongLabel",
    keys: ['d_a_"1", x'],
    evidence: { nearestSpeaker: "d_b", listen: ["d_b_1"] },
    remedy: { action: "relabel", to: "d_b" },
  },
  { ...all, kind: "wrongLabel", keys: ["=d_a_2"], evidence: {}, remedy: { action: "drop" } },
  {
    ...all,
    kind: "leakage",
    keys: ["d_a", "e_é\n1"],
    evidence: { cosine: 0.5 },
    remedy: { action: "keepOnOneSide", names: ["d_a", "e_é\n1"] },
  },
  {
    ...all,
    kind: "splitSpeaker",
    keys: ["d_a", "d_b"],
    evidence: {},
    remedy: { action: "mergeNames", names: ["d_a", "d_b"] },
  },
  {
    ...all,
    kind: "mergedSpeakers",
    keys: ["d_c"],
    evidence: { utterances1: 1 },
    remedy: { action: "splitName", parts: [["d_c_1"], ["d_c_2"]] },
  },
  {
    ...all,
    kind: "equalFiles",
    keys: ["d_a_1", "d_b_1"],
    evidence: {},
    remedy: { action: "keepOne", to: "d_a_1" },
  },
  { ...all, kind: "lowSnr", keys: ["d_a_1"], evidence: {}, remedy: { action: "keep" } },
];

/** As the audit does. */
async function write(of: readonly Finding[], folder: string): Promise<void> {
  const rows = findingRows(of);
  put(join(folder, "findings.csv"), [...findingsCsv(rows)].join(""));
  put(join(folder, "findings.jsonl"), [...findingsJsonLines(rows)].join(""));
  await writeTable(rows, join(folder, "findings.parquet"), { columns: findingColumns });
}

test("readFindings gives what the audit wrote, from each of its files and from their folder", async () => {
  const folder = temporaryFolder();
  await write(findings, folder);
  for (const path of ["findings.csv", "findings.jsonl", "findings.parquet", ""])
    assert.equal(await readFindings(join(folder, path)), findings, path);
  await write([], folder);
  for (const path of ["findings.csv", "findings.jsonl", "findings.parquet"])
    assert.equal(await readFindings(join(folder, path)), [], path);
});

test("readFindings takes a table that was edited, and says which row is no finding", async () => {
  const folder = temporaryFolder();
  const table = (text: string) => readFindings(put(join(folder, "edited.csv"), text));
  const [one] = await table("probability;kind; key2;key1;note\r\n0.9;leakage;y_b;x_a;sure\r\n");
  assert.equal([one!.kind, one!.keys, one!.probability], ["leakage", ["x_a", "y_b"], 0.9]);
  for (const [text, said] of [
    ["kind,key1,probability\nleek,a,1\n", /^Line 2 of .*edited\.csv has the unknown kind "leek"/],
    [
      "path,speaker\na.wav,b\n",
      /^Line 2 of .*edited\.csv has no kind\. Findings have the columns kind, key1/,
    ],
    ["kind,key1,probability\nleakage,,1\n", /has no key1/],
    ["kind,key1,probability\nleakage,a,1\n", /has no key2: leakage is about two\./],
    ["kind,key1,probability\nleakage,a,\n", /has "" as its probability/],
    ["kind,key1,probability\nleakage,a, \n", /has " " as its probability/],
    ["kind,key1,probability\nleakage,a,90\n", /has "90" as its probability, which must be from 0 to 1/],
  ] as const) {
    try {
      await table(text);
      assert.unreachable(text);
    } catch (error) {
      assert.match((error as Error).message, said);
    }
  }
  for (const [path, said] of [
    ["none.csv", /The findings .*none\.csv do not exist/],
    [put(join(folder, "findings.txt"), ""), /findings\.txt is not read as findings\. Give findings\.csv/],
  ] as const)
    await readFindings(path.includes("/") ? path : join(folder, path)).then(
      () => assert.unreachable(path),
      (error: Error) => assert.match(error.message, said),
    );
});

test.run();
