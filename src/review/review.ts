import { userInfo } from "node:os";
import { dirname, join, relative } from "node:path";
import { jupyterDisplay } from "../charts/chart.js";
import { auditor, type Decision, subjectOf } from "../decisions/decision.js";
import { type Dispute, mergeDecisions } from "../decisions/merge-decisions.js";
import { invalid } from "../errors.js";
import { escapeHtml } from "../shared/escape-html.js";
import { printable } from "../shared/printable.js";
import { quantity } from "../shared/text.js";
import type { ReviewItem, ReviewUtterance } from "./item.js";
import { type Reviewable, reviewItems } from "./items.js";
import { deskModule, deskStyle } from "./page-code.js";
import { recordingsOf, unembedded } from "./recordings.js";
import { type DeskAnswer, type DeskQuestion, knownDecisions, serveDesk } from "./serve-desk.js";
import { type WrittenPage, writePage } from "./write-page.js";

export interface ReviewOptions {
  /** The recordings that are spoken of, with their paths, and for the map with their embeddings. Default: those that are reviewed. */
  utterances?: readonly ReviewUtterance[];
  /** The corpus, where the audio is in spans of recordings, archives or tables. */
  corpus?: { utterances: readonly ReviewUtterance[] };
  /**
   * The file that decisions are appended to, default `results/decisions.jsonl`; or several, of which the first is, and the
   * others are what other people decided.
   */
  decisions?: string | readonly string[];
  /** Who decides; default: the name of the user at this machine. */
  by?: string;
  /** Heads the desk. */
  title?: string;
  /** Folder of the page where there is no front end for widgets; default: `review` beside the decisions. */
  pageDir?: string;
  /** Most recordings that come with that page; default 1,000. */
  maxClips?: number;
}

/** A listening desk, which shows itself in a notebook. */
export interface Review {
  items: ReviewItem[];
  /** The file that decisions are appended to. */
  file: string;
  /** Who decides. */
  by: string;
  /** What holds of the items by now, read from the files; what people disagree about; and the items that nobody has decided. */
  decided(): { decisions: Decision[]; disagreements: Dispute[]; left: ReviewItem[] };
  /** Writes the desk as a folder that opens from the disk. */
  page(folder?: string): Promise<WrittenPage>;
  [jupyterDisplay](): Promise<Record<string, unknown>>;
}

/** What the kernel offers to whoever wants to answer a page; found where the kernel leaves it. */
interface Kernel {
  isAttended(): boolean;
  widget?(options: { esm: string; css: string; html: string; text: string }): DeskWidget;
}

interface DeskWidget {
  on(event: "msg:custom", callback: (question: DeskQuestion) => unknown): void;
  send(content: unknown, buffers?: Uint8Array[]): void;
  [jupyterDisplay](): Record<string, unknown>;
}

const kernelOf = () =>
  (globalThis as Record<symbol, unknown>)[Symbol.for("speakerscope.kernel")] as Kernel | undefined;

/**
 * The listening desk: what an audit or a comparison found, one after the other, with the voices, their spectrograms, a map and what
 * else is known; keys decide. Every decision is on the disk before the next is asked, and another day goes on where it stopped.
 *
 * In JupyterLab it is a widget. Where no widgets are shown (nbconvert, papermill), the same desk is written as a folder that opens
 * from the disk, and saves by download.
 *
 * @param items findings of `audit`; pairs of `highSimilarityPairs`, or of two keys; utterances, such as `variability` flags
 * @throws `invalid` for what is none of these
 * @example
 * const { findings } = await audit(utterances);
 * review(findings, { utterances, decisions: "results/decisions.jsonl", by: "anna" })
 */
export function review(items: readonly Reviewable[], options: ReviewOptions = {}): Review {
  const {
    decisions = join("results", "decisions.jsonl"),
    by = userName(),
    title = "Listening desk",
  } = options;
  const { utterances = items.filter(isRecording), corpus, maxClips } = options;
  const files = [decisions].flat();
  const [file] = files;
  if (file === undefined)
    throw invalid('No file is named for the decisions. Give decisions: "results/decisions.jsonl".');
  const { pageDir = join(dirname(file), "review") } = options;
  const recordings = recordingsOf([...utterances, ...unembedded(items, utterances)], corpus?.utterances);
  const shown = reviewItems(items, recordings);
  const desk = { title, items: shown, recordings, files, by };
  let widget: DeskWidget | undefined;
  const page = (folder = pageDir) =>
    writePage(folder, shown, recordings, { title, decisions: knownDecisions(files), by, maxClips });
  return {
    items: shown,
    file,
    by,
    decided() {
      const subjects = new Set(shown.map(subjectOf));
      const own = knownDecisions(files).filter((decision) => subjects.has(subjectOf(decision)));
      const merged = mergeDecisions(own.filter((decision) => decision.by !== auditor));
      const { decisions, disagreements } = merged;
      const done = new Set([...decisions, ...disagreements].map(subjectOf));
      return { ...merged, left: shown.filter((item) => !done.has(subjectOf(item))) };
    },
    page,
    async [jupyterDisplay]() {
      const kernel = kernelOf();
      if (kernel?.widget === undefined || !kernel.isAttended()) {
        const { path, clips } = await page();
        return written(relative("", path), clips, shown.length);
      }
      widget ??= opened(kernel.widget.bind(kernel), desk, shown.length);
      return widget[jupyterDisplay]();
    },
  };
}

function opened(
  make: NonNullable<Kernel["widget"]>,
  desk: Parameters<typeof serveDesk>[0],
  count: number,
): DeskWidget {
  const text = `A listening desk with ${quantity(count, "item")}.`;
  const html = `<p>${text} It is shown in a running JupyterLab that has anywidget; elsewhere <code>await desk.page()</code> writes it as a page.</p>`;
  const widget = make({ esm: deskModule(), css: deskStyle(), html, text });
  widget.on("msg:custom", async (question) => {
    const answer: DeskAnswer | undefined = await serveDesk(desk, question);
    if (answer !== undefined) widget.send(answer.content, answer.buffers);
  });
  return widget;
}

/** Where the page is, for a notebook that nobody is at. */
function written(path: string, clips: number, count: number): Record<string, unknown> {
  const text = `A listening desk with ${quantity(count, "item")} and ${quantity(clips, "recording")}: open ${printable(path)} in a browser.`;
  const link = `<a href="${escapeHtml(encodeURI(path))}">${escapeHtml(printable(path))}</a>`;
  return {
    "text/plain": text,
    "text/html": `<p>A listening desk with ${quantity(count, "item")} and ${quantity(clips, "recording")}: open ${link} in a browser.</p>`,
  };
}

const isRecording = (one: Reviewable): one is Reviewable & ReviewUtterance =>
  !Array.isArray(one) && "key" in one && "dataset" in one;

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env.USER || "me";
  }
}
