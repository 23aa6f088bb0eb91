import { quantity, whole } from "../shared/text.js";
import { showAs, showRows } from "../show/show-as.js";

export interface ClusteredUtterance {
  key: string;
  /** The name of its person: `person-001`. */
  person: string;
  /** That this is its person, in [0, 1]; NaN with `threshold`, where nothing says what a cosine is worth, and for a single utterance. */
  probability: number;
}

export interface Person {
  person: string;
  utterances: number;
  /** The mean of its utterances' probabilities. */
  probability: number;
  /** The utterance that is most like the rest: listen to it first. */
  typical: string;
}

export interface Clustering {
  /** In the order of the utterances given. */
  items: ClusteredUtterance[];
  /** Who speaks most comes first. */
  people: Person[];
  summary: {
    utterances: number;
    people: number;
    /** Four in five of these hold the number of people (docs/audit.md); undefined with `count` or `threshold`. */
    range?: [fewest: number, most: number];
    /** People of one utterance. */
    alone: number;
  };
  info: {
    /** What compared the voices: `plda`, a model trained on the groups found, or `cosine`. */
    model: "plda" | "cosine";
    /** Groups are joined down to this: a mean log likelihood ratio with `plda`, a mean cosine with `cosine`. */
    threshold: number;
    rounds: number;
  };
}

/** How many people there are, and between how many there probably are where that is known and not one number. */
export function countText({ people, summary: { utterances, range } }: Clustering): string {
  const found = `${quantity(utterances, "utterance")} of ${whole(people.length)} ${people.length === 1 ? "person" : "people"}`;
  return range === undefined || range[0] === range[1]
    ? found
    : `${found} (probably ${whole(range[0])} to ${whole(range[1])})`;
}

/** Makes a clustering show itself: how many people, and who speaks most. */
export function showClustering(clustering: Clustering): Clustering {
  showRows(clustering.items, "utterance");
  showRows(clustering.people, "row");
  return showAs(clustering, ({ people, summary, info }) => {
    const { alone } = summary;
    return {
      title: countText(clustering),
      parts: [
        alone === 0 ? "" : `${whole(alone)} of them with one utterance`,
        `Compared by ${info.model}, joined down to ${Number(info.threshold.toFixed(3))}`,
        { rows: people, noun: "people" },
      ],
    };
  });
}
