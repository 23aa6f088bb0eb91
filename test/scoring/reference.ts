import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readNpy, readNpyText } from "../../src/format/npy.js";
import { readNpz } from "../../src/format/npz.js";
import type { Matrix } from "../../src/types.js";

const folder = join(__dirname, "../fixtures/scoring");

/** What WeSpeaker and scikit-learn say; test/fixtures/scoring/README.md. */
export const expected = JSON.parse(readFileSync(join(folder, "expected.json"), "utf8"));

const files = readNpz(readFileSync(join(folder, "embeddings.npz")), { path: "embeddings.npz" });
const rows = (name: string) => {
  const { data, shape } = readNpy(files[name], { path: name });
  return { data: data as Float32Array, rows: shape[0], columns: shape[1] } satisfies Matrix;
};

/** 100 noisy embeddings of 10 speakers. */
export const noisy = (() => {
  const { data, columns } = rows("embeddings");
  return readNpyText(files.paths, { path: "paths" }).map((key, i) => ({
    key,
    dataset: "test-other",
    speakerId: key.split("/")[1],
    embedding: data.slice(i * columns, (i + 1) * columns),
  }));
})();

/** 400 others. */
export const cohort = rows("cohort");

/** Every pair of the 100, as the list of trials has them. */
export const pairs = noisy.flatMap((a, i) =>
  noisy.slice(i + 1).map((b) => ({ enroll: a.key, test: b.key, isTarget: a.speakerId === b.speakerId })),
);

/** The equal error rate at the nearest operating point, as WeSpeaker takes it. */
export function nearestPoint(points: { missRate: number; falseAlarmRate: number }[]): number {
  const gap = ({ missRate, falseAlarmRate }: (typeof points)[0]) => Math.abs(missRate - falseAlarmRate);
  const nearest = points.reduce((best, point) => (gap(point) < gap(best) ? point : best));
  return nearest.falseAlarmRate;
}
