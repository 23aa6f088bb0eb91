import { closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { suite } from "uvu";
import * as assert from "uvu/assert";
import { openSpanCutter } from "../../src/audio/cut-spans.js";
import { opened } from "../../src/audio/decode.js";
import { FileBytes } from "../../src/util/file-bytes.js";
import { put, temporaryFolder } from "../tiny.js";
import { decode } from "./decode.js";
import { allFiles, bytesOf, concealmentCases } from "./fixtures.js";

const folder = temporaryFolder();
const files = [
  ...allFiles(),
  ...concealmentCases().map(({ name, file }): [string, Uint8Array] => [name, bytesOf(file)]),
];

/** The samples of a file, or why there are none. */
function samplesOf(
  open: () => { channels: number; blocks: Iterable<Float32Array[]> },
): Float32Array[] | string {
  try {
    const { channels, blocks } = open();
    const planes: number[][] = Array.from({ length: channels }, () => []);
    for (const block of blocks)
      for (const [channel, plane] of block.entries()) planes[channel].push(...plane);
    return planes.map((plane) => Float32Array.from(plane));
  } catch (error) {
    return (error as Error).message;
  }
}

const spans = suite("openSpanCutter");

spans("reads every format by windows as it does from memory", () => {
  for (const [name, bytes] of files) {
    // Also cut off, and with a tag behind it that only its begin tells.
    const tag = Buffer.concat([Buffer.from("ID3\x04\0\0\0\0\0\x20"), Buffer.alloc(32, 1)]);
    for (const [how, own] of [
      ["whole", bytes],
      ["cut off", bytes.subarray(0, bytes.length - 40)],
      ["tagged", Buffer.concat([bytes, tag])],
    ] as const) {
      const path = put(join(folder, "audio"), own);
      const file = openSync(path, "r");
      try {
        assert.equal(
          samplesOf(() => opened(new FileBytes(file, own.length, 300), undefined)),
          samplesOf(() => opened(own, undefined)),
          `${name}, ${how}`,
        );
      } finally {
        closeSync(file);
      }
    }
  }
});

spans(
  "cuts the very samples of the decoded file out of lossy files too, in any order and overlapping",
  async () => {
    for (const [name, bytes] of files) {
      const { channels, sampleRate } = decode(bytes);
      const seconds = channels[0].length / sampleRate;
      const cutter = openSpanCutter(put(join(folder, "audio"), bytes));
      for (const [start, end] of [
        [0.1, 0.4],
        [0.3, 0.9],
        [0.35, 0.36],
        [0, 1],
        [0.5, undefined],
      ].map((parts) => parts.map((part) => part && part * seconds)) as [number, number | undefined][]) {
        const [from, to] = [Math.round(start * sampleRate), Math.round((end ?? seconds) * sampleRate)];
        if (to <= from) continue;
        const cut = decode((await cutter.cut(end === undefined ? { start } : { start, end })).bytes);
        assert.is(cut.sampleRate, sampleRate);
        assert.equal(
          cut.channels,
          channels.map((plane) => plane.slice(from, to)),
          `${name} from ${start} to ${end}`,
        );
      }
      await cutter.close();
    }
  },
);

spans.run();
