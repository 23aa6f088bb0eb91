import { join } from "node:path";
import { concatenated } from "../audio/resample.js";
import { openSession, type Session } from "../runtime/session.js";
import { packageRoot } from "../util/package-root.js";

/** Samples per second that the detector takes. */
export const vadSampleRate = 16000;
/** Samples that share one probability: 32 ms. */
export const vadWindow = 512;

/** Samples before each window that the model sees again. */
const context = 64;
/** LSTM state: one layer, one recording, 128 units. */
const stateShape = [1, 1, 128];
/** Windows that go through the model together: 8 s of audio. More of them gain nothing. */
const windowsAtOnce = 256;

/** The probability of speech in a signal that comes in pieces of any length. */
export interface SpeechProbabilities {
  /**
   * Takes the next samples, at 16 kHz, and gives the probabilities of the windows that are complete: Float32Array.
   *
   * @param gain what samples are multiplied with, from now on
   */
  push(samples: Float32Array, gain?: number): Promise<Float32Array>;
  /** The probabilities of the rest; the last window is filled up with zeros. */
  end(): Promise<Float32Array>;
}

let opened: Promise<Session> | undefined;

/** The model is small, and a session costs 50 ms to open, so there is one for all. */
function session(): Promise<Session> {
  opened ??= openSession(
    join(packageRoot, "data", "models", "silero-vad", "silero_vad_16k_sequence.onnx"),
  ).catch((error) => {
    opened = undefined;
    throw error;
  });
  return opened;
}

/**
 * Begins a recording for the bundled Silero VAD: one probability for each window of 512 samples, the same however the
 * signal is cut into pieces.
 *
 * Source: silero-vad 6.2.3, `silero_vad_16k_sequence.onnx` (data/models/silero-vad/NOTICE.md).
 */
export function speechProbabilities(): SpeechProbabilities {
  let h: Float32Array = new Float32Array(128);
  let c: Float32Array = new Float32Array(128);
  // Silence stands before the first sample.
  let held: Float32Array = new Float32Array(context);
  let gain = 1;

  const run = async (signal: Float32Array, windows: number): Promise<Float32Array> => {
    const input = new Float32Array(windows * (context + vadWindow));
    for (let i = 0; i < windows; i++)
      input.set(signal.subarray(i * vadWindow, (i + 1) * vadWindow + context), i * (context + vadWindow));
    // Here, and not in a copy of the signal: new memory costs more than the multiplication.
    if (gain !== 1) for (let i = 0; i < input.length; i++) input[i] *= gain;
    const outputs = await (await session()).run({
      input: { data: input, shape: [windows, context + vadWindow] },
      h: { data: h, shape: stateShape },
      c: { data: c, shape: stateShape },
    });
    h = outputs.hn!.data;
    c = outputs.cn!.data;
    return outputs.speech_probs!.data;
  };

  /** Runs the windows that `held` has, and keeps what comes after them. */
  const advance = async (): Promise<Float32Array> => {
    const windows = Math.floor((held.length - context) / vadWindow);
    const probabilities = new Float32Array(windows);
    for (let first = 0; first < windows; first += windowsAtOnce) {
      const count = Math.min(windowsAtOnce, windows - first);
      probabilities.set(await run(held.subarray(first * vadWindow), count), first);
    }
    held = held.slice(windows * vadWindow);
    return probabilities;
  };

  return {
    push(samples, nextGain = gain) {
      gain = nextGain;
      held = concatenated([held, samples]);
      return advance();
    },
    end() {
      const rest = (held.length - context) % vadWindow;
      if (rest > 0) held = concatenated([held, new Float32Array(vadWindow - rest)]);
      return advance();
    },
  };
}
