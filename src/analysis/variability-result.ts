import { quantity } from "../shared/text.js";
import { showAs, showRows } from "../show/show-as.js";
import type { View } from "../show/view.js";
import type { UtteranceEmbedding } from "../types.js";

/** How similar the utterances of one speaker are. The cosines are NaN for a speaker with one utterance. */
export interface SpeakerVariability {
  key: string;
  dataset: string;
  speakerId: string;
  numUtterances: number;
  /** Mean cosine over the pairs of the speaker's utterances. */
  mean: number;
  /** Population standard deviation over the pairs. */
  std: number;
  min: number;
  /** Number of flagged utterances. */
  outliers: number;
}

/** How an utterance fits its speaker. */
export interface UtteranceVariability extends Omit<UtteranceEmbedding, "embedding"> {
  speakerId: string;
  /** Mean cosine to the speaker's other utterances. */
  similarity: number;
  /** `similarity` clipped to [0, 1]; low is bad. */
  score: number;
  /** How much the utterance pulls its speaker down: by so much the speaker's mean cosine would rise without it. NaN below three utterances. */
  pull: number;
  isOutlier: boolean;
  /** For an outlier: the key of the most similar other speaker, and the mean cosine to its utterances; else null and NaN. */
  nearestSpeaker: string | null;
  nearestSimilarity: number;
  /** An outlier that is more similar to another speaker than to its own. */
  isWrongLabel: boolean;
}

export interface Variability {
  /** The least consistent speaker first; those with one utterance last. */
  speakers: SpeakerVariability[];
  /** In the order given; those of unknown speakers, and of speakers with one utterance, are left out. */
  utterances: UtteranceVariability[];
  /** The flagged ones, the worst first. */
  outliers: UtteranceVariability[];
  summary: {
    speakers: number;
    utterances: number;
    /** Speakers with one utterance. */
    singles: number;
    outliers: number;
    wrongLabels: number;
    /** Mean over the speakers' means; NaN when no speaker has two utterances. */
    mean: number;
  };
  /** An utterance is flagged below `median - deviations * spread`, over all utterances or over those of its speaker. */
  info: { median: number; spread: number; spreadWithin: number; deviations: number };
}

/** Makes the result show itself: the least consistent speakers, and what does not fit. */
export function showVariability(result: Variability): Variability {
  showRows(result.speakers, "speaker");
  showRows(result.utterances, "utterance");
  showRows(result.outliers, "outlier");
  return showAs(result, variabilityView);
}

function variabilityView({ speakers, outliers, summary }: Variability): View {
  const { mean, wrongLabels, singles } = summary;
  return {
    title:
      `${quantity(summary.utterances, "utterance")} of ${quantity(summary.speakers, "speaker")}: mean cosine ` +
      `${mean.toFixed(3)} within a speaker, ${quantity(outliers.length, "outlier")}`,
    parts: [
      singles === 0
        ? ""
        : `${quantity(singles, "speaker")} with one utterance, which is compared with nothing`,
      {
        rows: speakers.slice(0, mostSpeakers).map(({ key, numUtterances, mean, std, min, outliers }) => ({
          speaker: key,
          utterances: numUtterances,
          ...{ mean, std, min, outliers },
        })),
        total: speakers.length,
        noun: "speakers, the least consistent ones",
      },
      wrongLabels === 0 ? "" : `Nearer to another speaker than to their own: ${wrongLabels}`,
      {
        rows: outliers
          .slice(0, mostOutliers)
          .map(({ key, similarity, nearestSpeaker, nearestSimilarity }) => ({
            outlier: key,
            similarity,
            "nearest other": nearestSpeaker,
            "its similarity": nearestSimilarity,
          })),
        total: outliers.length,
        noun: "outliers",
      },
    ],
  };
}

const mostSpeakers = 6;
const mostOutliers = 8;
