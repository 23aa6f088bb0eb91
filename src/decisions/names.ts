/** What decisions need to know of a recording; an utterance of a corpus, or its embedding. */
export interface Named {
  key: string;
  dataset: string;
  /** Null where nobody says who speaks. */
  speakerId: string | null;
}

/** `dataset_speaker`, as findings name a speaker; the speaker alone where there are no data sets. */
export const nameOf = ({ dataset, speakerId }: Pick<Named, "dataset" | "speakerId">): string | null =>
  speakerId === null ? null : dataset === "" ? speakerId : `${dataset}_${speakerId}`;
