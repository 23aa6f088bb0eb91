import { compare } from "../util/compare.js";
import { unitRows } from "../vectors/unit-rows.js";

/** What the audit needs to know of an utterance. */
export interface AuditUtterance {
  key: string;
  dataset: string;
  /** Null where it is not known who speaks. */
  speakerId: string | null;
  /** The recording that it was cut from: one session does not vouch for itself where the speaker has two. */
  session?: string;
  embedding: Float32Array;
}

/** A speaker as the corpus names it; its utterances are the rows from `from` to before `to`. */
export interface Name {
  key: string;
  dataset: string;
  from: number;
  to: number;
}

export interface AuditCorpus {
  /** Those of known speakers, sorted, so that the order of the input makes no difference. */
  utterances: AuditUtterance[];
  n: number;
  dimension: number;
  /** Float32Array (n, dimension): unit vectors, each data set moved to the middle of the corpus. */
  data: Float32Array;
  names: Name[];
  /** Int32Array (n): row to name. */
  nameOf: Int32Array;
  /** Int32Array (n): row to session of its name; rows without a session have one of their own. */
  sessionOf: Int32Array;
  /** Int32Array (n): row to the first row of its name with the same embedding, itself where there is none before it. */
  firstEqual: Int32Array;
}

/** `dataset_speaker`, as in the files; the speaker alone where there are no data sets. */
export const speakerKey = ({ dataset, speakerId }: { dataset: string; speakerId: string }): string =>
  dataset === "" ? speakerId : `${dataset}_${speakerId}`;

/** Sorts the utterances of known speakers and puts their embeddings into one matrix. */
export function auditCorpus(given: readonly AuditUtterance[]): AuditCorpus {
  const utterances = given
    .filter(({ speakerId }) => speakerId !== null)
    .sort(
      (a, b) => compare(a.dataset, b.dataset) || compare(a.speakerId!, b.speakerId!) || compare(a.key, b.key),
    );
  const { data, n, dimension } = unitRows(utterances);
  const names: Name[] = [];
  const nameOf = new Int32Array(n);
  const sessionOf = new Int32Array(n);
  const sessions = new Map<string, number>();
  utterances.forEach(({ dataset, speakerId, session }, i) => {
    const before = utterances[i - 1];
    if (i === 0 || before.dataset !== dataset || before.speakerId !== speakerId) {
      const key = speakerKey({ dataset, speakerId: speakerId! });
      names.push({ key, dataset, from: i, to: i });
      sessions.clear();
    }
    const name = names[names.length - 1];
    name.to = i + 1;
    nameOf[i] = names.length - 1;
    if (session !== undefined && !sessions.has(session)) sessions.set(session, i);
    sessionOf[i] = session === undefined ? i : sessions.get(session)!;
  });
  const firstEqual = firstEqualRows(data, dimension, names);
  // Copies are no second session, and do not vouch for each other.
  firstEqual.forEach((first, i) => {
    if (sessionOf[i] === i) sessionOf[i] = sessionOf[first];
  });
  const corpus = { utterances, n, dimension, data, names, nameOf, sessionOf, firstEqual };
  moveDatasetsTogether(corpus);
  return corpus;
}

function firstEqualRows(data: Float32Array, d: number, names: readonly Name[]): Int32Array {
  const rows = data.length / d;
  const first = Int32Array.from({ length: rows }, (_, i) => i);
  const areEqual = (i: number, j: number) => {
    for (let k = 0; k < d; k++) if (data[i * d + k] !== data[j * d + k]) return false;
    return true;
  };
  for (const { from, to } of names) {
    const seen = new Map<number, number[]>();
    for (let i = from; i < to; i++) {
      const alike = seen.get(data[i * d]) ?? [];
      first[i] = alike.find((j) => areEqual(i, j)) ?? i;
      if (first[i] === i) seen.set(data[i * d], [...alike, i]);
    }
  }
  return first;
}

/**
 * Takes off what sets a data set apart as a whole (its channel). Speakers weigh alike. The mean of few speakers differs
 * by chance too, so only the part of the shift beyond that is taken off (James and Stein, 1961).
 */
function moveDatasetsTogether({ data, dimension: d, names }: AuditCorpus): void {
  const datasets = [...new Set(names.map(({ dataset }) => dataset))];
  if (datasets.length < 2) return;
  const means = names.map(({ from, to }) => meanOf(data, from, to, d));
  const middle = average(means, d);
  for (const dataset of datasets) {
    const own = names.flatMap((name, s) => (name.dataset === dataset ? [s] : []));
    const mean = average(
      own.map((s) => means[s]),
      d,
    );
    let [shift, spread] = [0, 0];
    for (let k = 0; k < d; k++) {
      shift += (mean[k] - middle[k]) ** 2;
      for (const s of own) spread += (means[s][k] - mean[k]) ** 2 / Math.max(1, own.length - 1);
    }
    const part = shift === 0 || own.length < 2 ? 0 : Math.max(0, 1 - spread / own.length / shift);
    for (const s of own)
      for (let i = names[s].from; i < names[s].to; i++) {
        let square = 0;
        for (let k = 0, at = i * d; k < d; k++) {
          data[at + k] -= part * (mean[k] - middle[k]);
          square += data[at + k] ** 2;
        }
        const length = Math.sqrt(square) || 1;
        for (let k = 0, at = i * d; k < d; k++) data[at + k] /= length;
      }
  }
}

function meanOf(data: Float32Array, from: number, to: number, d: number): Float64Array {
  const mean = new Float64Array(d);
  for (let i = from; i < to; i++) for (let k = 0; k < d; k++) mean[k] += data[i * d + k] / (to - from);
  return mean;
}

function average(vectors: readonly Float64Array[], d: number): Float64Array {
  const mean = new Float64Array(d);
  for (const vector of vectors) for (let k = 0; k < d; k++) mean[k] += vector[k] / vectors.length;
  return mean;
}
