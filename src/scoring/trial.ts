/** A question to a verification system: does `test` hold the voice of `enroll`? */
export interface Trial {
  /** Key of the speaker model, or of the utterance that stands for the speaker. */
  enroll: string;
  /** Key of the utterance to judge. */
  test: string;
  /** The true answer, where it is known. */
  isTarget?: boolean;
}

/** A trial with its score: the higher, the more likely one speaker. */
export interface ScoredTrial extends Trial {
  score: number;
}

/** An embedding that trials call by its key, or by its path. */
export interface KeyedEmbedding {
  key: string;
  embedding: Float32Array;
  path?: string;
}

/** Whether scores are named, so that it is known whose they are. */
export const isScoredTrials = (scores: unknown): scores is readonly ScoredTrial[] =>
  Array.isArray(scores) &&
  scores.every(({ enroll, test }) => typeof enroll === "string" && typeof test === "string");
