import type { BandFilter } from "./band-energies.js";

export interface MelFilterSettings {
  sampleRate: number;
  fftSize: number;
  /** Number of filters. */
  count: number;
  /** Hertz: where the first filter begins and the last one ends. */
  low: number;
  high: number;
  /** Where the centres lie: evenly in 1127 ln(1 + f/700), or in Slaney's scale, linear below 1 kHz. */
  scale: "htk" | "slaney";
  /**
   * What the sides of a triangle are straight in: `mel`, or `hertz`. `symmetric` ones are straight in hertz, and their upper
   * side is as wide as the lower one.
   */
  triangles: "mel" | "hertz" | "symmetric";
  /** Divide each triangle by its area in hertz, instead of a peak of 1. */
  unitArea: boolean;
}

/** Triangles that overlap; the bin at half the sample rate is in none. */
export function melFilters(settings: MelFilterSettings): BandFilter[] {
  const { sampleRate, fftSize, count, low, high, triangles, unitArea } = settings;
  const { mel, hertz } = scales[settings.scale];
  const axis = triangles === "mel" ? (f: number) => f : hertz;
  const bins = Array.from({ length: fftSize / 2 }, (_, bin) => {
    const f = (bin * sampleRate) / fftSize;
    return triangles === "mel" ? mel(f) : f;
  });
  const start = mel(low);
  const step = (mel(high) - start) / (count + 1);
  return Array.from({ length: count }, (_, m) => {
    const [left, centre, next] = [m, m + 1, m + 2].map((i) => axis(start + i * step)) as [
      number,
      number,
      number,
    ];
    const right = triangles === "symmetric" ? centre + (centre - left) : next;
    const peak = unitArea ? 2 / (right - left) : 1;
    const first = bins.findIndex((at) => at > left);
    const inside = bins.filter((at) => at > left && at < right);
    return {
      first: Math.max(0, first),
      weights: inside.map(
        (at) => peak * (at <= centre ? (at - left) / (centre - left) : (right - at) / (right - centre)),
      ),
    };
  });
}

interface Scale {
  mel(hertz: number): number;
  hertz(mel: number): number;
}

/** Slaney's scale (Auditory Toolbox, 1998): 200/3 Hz a mel up to 1 kHz, 27 mels for a factor of 6.4 above. */
const slaneyStep = Math.log(6.4) / 27;

const scales: Record<MelFilterSettings["scale"], Scale> = {
  htk: {
    mel: (hertz) => 1127 * Math.log(1 + hertz / 700),
    hertz: (mel) => 700 * (Math.exp(mel / 1127) - 1),
  },
  slaney: {
    mel: (hertz) => (hertz < 1000 ? (3 * hertz) / 200 : 15 + Math.log(hertz / 1000) / slaneyStep),
    hertz: (mel) => (mel < 15 ? (200 * mel) / 3 : 1000 * Math.exp((mel - 15) * slaneyStep)),
  },
};
