/** A verification trial: is `test` the same speaker as `enroll`? */
export interface Trial {
  /** Key of a speaker model, or of an enrolment utterance. */
  enroll: string;
  /** Key of the test utterance. */
  test: string;
  /** The label, where it is known. */
  isTarget?: boolean;
}

/** A trial with its score; higher means more likely the same speaker. */
export interface ScoredTrial extends Trial {
  score: number;
}

/** An embedding that trials refer to by its key or its path. */
export interface KeyedEmbedding {
  key: string;
  embedding: Float32Array;
  path?: string;
}

/** Whether scores carry the names of their trials. */
export const isScoredTrials = (scores: unknown): scores is readonly ScoredTrial[] =>
  Array.isArray(scores) &&
  scores.every(({ enroll, test }) => typeof enroll === "string" && typeof test === "string");
