import { nameOf } from "../decisions/names.js";
import type { Clustering } from "./cluster.js";

/**
 * A corpus whose speakers are the people that `cluster` found, as `writeManifest` takes it. Utterances that were not clustered
 * keep their speakers.
 *
 * @example
 * const named = nameSpeakers(corpus, await cluster(utterances));
 * await writeManifest(named, "people.csv");
 */
export function nameSpeakers<
  Row extends { key: string; dataset: string; speakerId: string | null },
  Whole extends { utterances: readonly Row[] },
>(corpus: Whole & { utterances: readonly Row[] }, { items }: Pick<Clustering, "items">): Whole {
  const personOf = new Map(items.map(({ key, person }) => [key, person]));
  const utterances = corpus.utterances.map((row) => {
    const speakerId = personOf.get(row.key) ?? row.speakerId;
    const named = { ...row, speakerId };
    return "speakerKey" in row ? { ...named, speakerKey: nameOf(named) } : named;
  });
  return { ...corpus, utterances };
}
