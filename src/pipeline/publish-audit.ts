import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Audit } from "../audit/audit.js";
import { speakerKey } from "../audit/audit-corpus.js";
import type { StoredUtterance } from "../audit/read-utterances.js";
import { auditSummary } from "../audit/summary.js";
import { writeFindings } from "../audit/write-findings.js";
import { auditor } from "../decisions/decision.js";
import { proposeDecisions } from "../decisions/propose-decisions.js";
import { readDecisions } from "../decisions/read-decisions.js";
import {
  decisionsIn,
  proposalsIn,
  type WrittenProposals,
  writeProposals,
} from "../decisions/write-proposals.js";
import { stoppable } from "../errors.js";
import { mergedFiles } from "../merged/files.js";
import type { ReviewUtterance } from "../review/item.js";
import { reviewItems } from "../review/items.js";
import { recordingsOf, unembedded } from "../review/recordings.js";
import { pageFiles, writePage } from "../review/write-page.js";
import { quantity, shorten } from "../shared/text.js";
import type { Utterance } from "../types.js";
import { readJsonLines } from "../util/json-lines.js";
import type { Together } from "../util/write-together.js";
import { cleanName, corpusFlags, inShell } from "./corpus-flags.js";
import type { CorpusSettings } from "./open-corpus.js";
import type { StageContext } from "./stage.js";

export interface PublishSettings {
  /** What was audited. */
  embeddings: string;
  /** Folder of what is written. */
  outputDir: string;
  /** Whether to write the page to listen to the findings; default: where there are findings, and the audio is at hand. */
  page?: boolean;
  /** Most recordings that come with it. */
  maxClips?: number;
  /** The utterances of the corpus, where paths do not say where the audio is. */
  sources?: readonly ReviewUtterance[];
  /** What the corpus is called on the command line, to say what comes next. */
  corpus?: CorpusSettings;
}

/**
 * Writes what an audit has found: the findings as tables, decisions.jsonl to be edited, and the page to listen and decide. Reports
 * how many there are, and where. The page of an earlier audit, which shows other findings, goes.
 *
 * @param files of `settings.outputDir`
 */
export async function publishAudit(
  files: Together,
  audit: Audit,
  utterances: readonly StoredUtterance[],
  settings: PublishSettings,
  { reporter, abortSignal }: StageContext,
): Promise<void> {
  const { embeddings, outputDir, page, maxClips, sources, corpus } = settings;
  const { findings } = audit;
  const tables = await writeFindings(files, outputDir, findings);
  const proposals = proposeDecisions(findings);
  const written = await writeProposals(files, outputDir, proposals, knownKeys(utterances));
  const pageFolder = join(outputDir, "page");
  const { aside } = written;
  const oldPage = pageFiles(pageFolder);
  // decisions.jsonl is replaced and never gone: people have written into it.
  const others = aside === undefined ? [] : [proposalsIn(outputDir)];
  files.commit([...tables, ...others, ...oldPage], () => {
    if (aside !== undefined) renameSync(decisionsIn(outputDir), aside.path);
  });
  if (aside !== undefined)
    reporter.log(
      `Warning: ${decisionsIn(outputDir)} was about another corpus, or was carried out: none of its ${quantity(aside.lines, "line")} is about this one (such as ${shorten(aside.such, 80)}). It is kept as ${aside.path}`,
    );
  for (const line of auditSummary(audit, howToHear(settings))) reporter.log(line);
  reporter.log(`Written to ${outputDir}`);
  reporter.log(
    `  findings.csv, .jsonl, .parquet: ${quantity(findings.length, "finding")}, what costs most first`,
  );
  const isListenedTo = page ?? (findings.length > 0 && isHeard(sources ?? utterances));
  if (isListenedTo) {
    const places = sources ?? (await spansIn(embeddings));
    const recordings = recordingsOf([...utterances, ...unembedded(findings, utterances)], places);
    const { decisions } = readDecisions(decisionsIn(outputDir));
    const { clips, wanted, bytes } = await stoppable(
      "Writing the page",
      () =>
        writePage(pageFolder, reviewItems(findings, recordings), recordings, {
          title: `Findings in ${embeddings}`,
          decisions: decisions.filter(({ by }) => by !== auditor),
          maxClips,
          onProgress: ({ done, total }) => reporter.progress?.({ stage: "page", done, total }),
          onWait: (line) => reporter.log(line),
          abortSignal,
        }),
      `The findings are in ${outputDir}. Run the same command again for the page.`,
    );
    const megabytes = (bytes / 1e6).toFixed(1);
    reporter.log(
      `  page/index.html: open it in a browser to listen and decide; with ${clips} of ${quantity(wanted, "recording")} (${megabytes} MB)`,
    );
  }
  if (!isListenedTo && oldPage.length > 0)
    reporter.log("  page: that of an earlier audit showed other findings, and is gone; --page writes one");
  reporter.log(`  ${decisionsText(written)}`);
  if (proposals.length + written.people === 0) return;
  reporter.log("Next: do what decisions.jsonl says");
  reporter.log(
    `  npx speakerscope apply --decisions ${inShell(decisionsIn(outputDir))} ${corpusFlags(corpus)} --out ${cleanName(corpus)}`,
  );
  if (isListenedTo)
    reporter.log(
      "  What you decide in the page counts too once its file, decisions-NAME.jsonl, follows in --decisions",
    );
}

/** Utterances and speakers, as findings name them. */
function knownKeys(utterances: readonly StoredUtterance[]): (key: string) => boolean {
  const keys = new Set(utterances.map(({ key }) => key));
  for (const { dataset, speakerId } of utterances)
    if (speakerId !== null) keys.add(speakerKey({ dataset, speakerId }));
  return (key) => keys.has(key);
}

/** The command that looks at the audio as well. */
function howToHear({ embeddings, outputDir, corpus }: PublishSettings): string {
  const flags = { embeddings, output_dir: outputDir === "audit" ? undefined : outputDir };
  const own = Object.entries(flags).flatMap(([name, path]) => (path ? `--${name} ${inShell(path)} ` : []));
  return `To look for them: npx speakerscope audit ${own.join("")}${corpusFlags(corpus)}`;
}

const isHeard = (utterances: readonly { path?: string }[]) =>
  utterances.slice(0, 10).some(({ path }) => path !== undefined && existsSync(path));

/** Where utterances are that are parts of files, as merging has written it down. */
async function spansIn(folder: string): Promise<ReviewUtterance[]> {
  const path = join(folder, mergedFiles.utteranceFacts);
  const parts: ReviewUtterance[] = [];
  if (!existsSync(path)) return parts;
  for await (const { key, path: audio, span, channel } of readJsonLines<Part>(path))
    if (span !== undefined || channel !== undefined)
      parts.push({ key, dataset: "", speakerId: null, path: audio, span, channel });
  return parts;
}

type Part = Pick<Utterance, "key" | "path" | "span" | "channel">;

function decisionsText({ added, withdrawn, people }: WrittenProposals): string {
  const kept = people > 0 ? `, beside ${quantity(people, "line")} of people, which are kept` : "";
  const gone = withdrawn > 0 ? `, ${withdrawn} taken back` : "";
  return `decisions.jsonl: ${quantity(added, "new proposal")}${gone}${kept}${added > 0 ? ". Delete or change lines with which you do not agree" : ""}`;
}
