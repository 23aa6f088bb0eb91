import { bandFrames } from "../../src/checks/band-frames.js";
import { openSignalChecker, type SignalChecks } from "../../src/checks/signal-checks.js";
import { sketchOfFrames } from "../../src/checks/sketch.js";

/** What is measured of a whole signal: Float32Array (n) at 16 kHz. */
export async function signalChecks(samples: Float32Array): Promise<SignalChecks> {
  const checker = openSignalChecker();
  await checker.add(samples);
  return checker.end();
}

export const sketchOf = (samples: Float32Array): Uint8Array => sketchOfFrames(bandFrames(samples));
