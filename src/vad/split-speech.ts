import type { SpeechSegment } from "./speech-segments.js";

/** Cuts segments that are longer than `seconds` into as few equal parts as do not exceed it. */
export function splitSpeech(segments: readonly SpeechSegment[], seconds: number): SpeechSegment[] {
  return segments.flatMap(({ start, end }) => {
    const parts = Math.max(1, Math.ceil((end - start) / seconds - 1e-9));
    const edge = (i: number) => (i === parts ? end : start + (i * (end - start)) / parts);
    return Array.from({ length: parts }, (_, i) => ({ start: edge(i), end: edge(i + 1) }));
  });
}
