import { invalid } from "../errors.js";
import type { SpeechSegment } from "./speech-segments.js";

/** Over a longer pause no cut goes on: the next one begins behind it. */
const longestPause = 0.5;

/**
 * Cuts speech into utterances of about `seconds`, at least half and at most twice as long.
 *
 * Segments that only short pauses part are one stretch. A stretch is cut into parts that are as equal as its pauses allow:
 * a cut goes into the pause that is nearest to its place, if one is near enough. Stretches of less than half of `seconds` are
 * left out.
 *
 * @param segments in the order of time, without overlap
 * @returns cuts in the order of time, in whole milliseconds
 * @throws `invalid` for a length that cannot be
 */
export function cutSpeech(segments: readonly SpeechSegment[], seconds = 3): SpeechSegment[] {
  checkSeconds(seconds);
  return stretches(segments).flatMap((stretch) => cutStretch(stretch, seconds));
}

/** @throws `invalid`: below a second no embedding is worth much, and above a minute there is nothing left to cut */
export function checkSeconds(seconds: number): void {
  if (!(seconds >= 1 && seconds <= 60))
    throw invalid(`Segments of ${seconds} s cannot be cut. Give a number of seconds from 1 to 60.`, {
      got: seconds,
    });
}

interface Stretch extends SpeechSegment {
  /** The middles of its pauses. */
  pauses: number[];
}

function stretches(segments: readonly SpeechSegment[]): Stretch[] {
  const all: Stretch[] = [];
  for (const { start, end } of segments) {
    const last = all.at(-1);
    if (last === undefined || start - last.end > longestPause) all.push({ start, end, pauses: [] });
    else {
      last.pauses.push((last.end + start) / 2);
      last.end = end;
    }
  }
  return all;
}

function cutStretch({ start, end, pauses }: Stretch, seconds: number): SpeechSegment[] {
  const length = end - start;
  if (length < seconds / 2) return [];
  const parts = Math.max(1, Math.round(length / seconds));
  const part = length / parts;
  // Two neighbouring cuts may both move towards each other and still leave half of `seconds` between them.
  const room = (part - seconds / 2) / 2;
  const edges = Array.from({ length: parts + 1 }, (_, i) => {
    if (i === 0 || i === parts) return i === 0 ? start : end;
    const place = start + i * part;
    const [nearest = place] = pauses.toSorted((a, b) => Math.abs(a - place) - Math.abs(b - place));
    return Math.abs(nearest - place) <= room ? nearest : place;
  }).map((edge) => Math.round(edge * 1000) / 1000);
  return edges.slice(1).map((to, i) => ({ start: edges[i]!, end: to }));
}
