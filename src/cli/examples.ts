import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { packageRoot } from "../util/package-root.js";

/** Where the bundled speech lies as seen from here; a packed package comes without it. */
function speech(): string {
  const path = join(packageRoot, "data", "speech");
  if (!existsSync(path)) return "corpus";
  const near = relative("", path);
  return near.startsWith("..") ? path : near;
}

/**
 * What the help of each command shows. In their order, after `run`, all of them work as they stand on the bundled speech
 * (`SPEECH`).
 */
export const examples: Record<string, readonly string[]> = {
  run: ["run --data_root SPEECH"],
  extract: ["extract --data_root SPEECH --checks --overwrite"],
  status: ["status embeddings_output"],
  merge: ["merge --compute_similarity"],
  similarity: ["similarity --top_k 5", "similarity --level utterance --top_k 5 --output_dir nearest"],
  compare: ["compare SPEECH/studio/103/103-1240-0000-part0.flac SPEECH/podcast/caller-01/episode1-2.opus"],
  identify: ["identify --query SPEECH/podcast/caller-01 --top_k 2"],
  score: ["score", "score --scores scores/scores.txt --output_dir measured"],
  analyze: ["analyze --min_similarity 0.4"],
  cluster: ["cluster", "cluster --count 20 --output_dir people"],
  audit: ["audit --data_root SPEECH", "audit --fail_on wrong_label merged_speakers"],
  apply: ["apply --decisions audit/decisions.jsonl --data_root SPEECH --out clean.csv"],
  split: [
    "split --data_root SPEECH --embeddings final_embeddings --findings audit/findings.csv",
    "split --manifest clean.csv --parts train=0.9,test=0.1 --decisions audit/decisions.jsonl --output_dir parts",
  ],
  load: ["load --dataset studio --speaker_id 103 --show_stats"],
  export: ["export --out embeddings.parquet", "export --out speakers.csv --level speaker"],
  verify: ["verify final_embeddings"],
  model: ["model campplus"],
  kernel: ["kernel install --user"],
};

/** The examples of a command as its help shows them. */
export function examplesText(name: string): string {
  const own = examples[name] ?? [];
  const lines = own.map((line) => `  npx speakerscope ${line.replaceAll("SPEECH", speech())}`);
  return `\n${own.length === 1 ? "Example" : "Examples"}:\n${lines.join("\n")}`;
}
