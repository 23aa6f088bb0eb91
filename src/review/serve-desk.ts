import { existsSync } from "node:fs";
import { appendDecision } from "../decisions/append-decision.js";
import { checkDecision } from "../decisions/check-decision.js";
import { type Decision, subjectOf } from "../decisions/decision.js";
import { readDecisions } from "../decisions/read-decisions.js";
import { reasonOf } from "../errors.js";
import { reviewClip } from "./clip.js";
import type { ReviewItem } from "./item.js";
import type { Recordings } from "./recordings.js";
import { hasMap, speakersMap } from "./speakers-map.js";
import { shownItem } from "./write-page.js";

/** What the desk in a notebook asks of the kernel. */
export type DeskQuestion =
  | { type: "hello" }
  | { type: "voice"; key: string }
  | { type: "map"; item: number }
  | { type: "decide"; token: string; decision: unknown };

export interface DeskAnswer {
  content: Record<string, unknown>;
  buffers?: Uint8Array[];
}

interface Desk {
  title: string;
  items: readonly ReviewItem[];
  recordings: Recordings;
  /** Files of decisions; the first is appended to. */
  files: readonly string[];
  by: string;
}

/** The decisions in the files that are there. */
export const knownDecisions = (files: readonly string[]): Decision[] =>
  readDecisions(files.filter((file) => existsSync(file))).decisions;

/**
 * Answers the desk in a notebook. A decision is on the disk when it is answered, which the page waits for before it shows the next
 * item. Undefined for what is no question.
 */
export async function serveDesk(desk: Desk, question: DeskQuestion): Promise<DeskAnswer | undefined> {
  const { title, items, recordings, files, by } = desk;
  if (question.type === "hello")
    return {
      content: {
        type: "desk",
        title,
        by,
        place: files[0],
        speakers: recordings.names(),
        decisions: knownDecisions(files),
        items: items.map((item) => shownItem(item, hasMap(item, recordings))),
      },
    };
  if (question.type === "voice") {
    const { key } = question;
    const clip = await reviewClip(recordings.get(key));
    if ("problem" in clip) return { content: { type: "voice", key, problem: clip.problem } };
    const { sound, picture, type, seconds, played } = clip;
    return {
      content: { type: "voice", key, mime: type, seconds, played },
      buffers: picture === undefined ? [sound] : [sound, picture],
    };
  }
  if (question.type === "map") {
    const item = items[question.item];
    return {
      content: { type: "map", item: question.item, map: item && (speakersMap(item, recordings) ?? null) },
    };
  }
  if (question.type !== "decide") return undefined;
  const { token } = question;
  try {
    const told = checkDecision(question.decision, "The decision of the page");
    if (!items.some((item) => subjectOf(item) === subjectOf(told)))
      return { content: { type: "refused", token, reason: "This is none of the items." } };
    const decision = { ...told, by };
    appendDecision(files[0]!, decision);
    return { content: { type: "saved", token, decision } };
  } catch (error) {
    return { content: { type: "refused", token, reason: `Not saved: ${reasonOf(error)}` } };
  }
}
