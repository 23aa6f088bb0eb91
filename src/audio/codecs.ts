import { borrow, giveBack, type Wasm } from "./wasm.js";

/** A piece of audio: one array per channel, all of one length, good until the next piece is asked for. */
export type Block = Float32Array[];

/** The codecs whose packets the module decodes, in the order of their numbers there. */
const packetCodecs = ["mp3", "mp2", "aac", "alac", "vorbis"] as const;
export type PacketCodec = (typeof packetCodecs)[number];

/** Large enough that the cost of a call does not matter, small enough to need little memory. */
const blockFrames = 1 << 16;
const batchBytes = 1 << 14;
const batchPackets = 64;

/**
 * Decodes FLAC frames. Bytes that belong to no frame are an error.
 *
 * @param head the `fLaC` mark and the metadata, STREAMINFO at least
 * @param frames their bytes, in pieces of any length, each taken when the decoder comes to it
 * @throws Error with the decoder's reason
 */
export const decodeFlac = (head: Uint8Array, frames: Iterable<Uint8Array>): Generator<Block> =>
  run(head, (wasm, machine) => wasm.open_flac(machine), { frames });

/**
 * Decodes packets, one block for each batch. A batch that gives no samples is a block without channels.
 *
 * @param extra AudioSpecificConfig (AAC), magic cookie (ALAC), identification and setup header (Vorbis), else empty
 * @throws Error with the decoder's reason
 */
export const decodePackets = (
  codec: PacketCodec,
  extra: Uint8Array,
  batches: Iterable<Uint8Array[]>,
): Generator<Block> =>
  run(extra, (wasm, machine) => wasm.open_packets(machine, packetCodecs.indexOf(codec)), { batches });

/**
 * Decodes Opus packets at 48 kHz.
 *
 * @param mapping the decoded channel of each output channel, RFC 7845 section 5.1.1
 * @throws Error with the decoder's reason
 */
export const decodeOpus = (
  mapping: Uint8Array,
  streams: number,
  coupled: number,
  batches: Iterable<Uint8Array[]>,
): Generator<Block> =>
  run(mapping, (wasm, machine) => wasm.open_opus(machine, streams, coupled), { batches });

/** Packets in batches of about 16 kB, so that few calls are needed. */
export function* batchesOf(packets: Iterable<Uint8Array>): Generator<Uint8Array[]> {
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for (const packet of packets) {
    batch.push(packet);
    bytes += packet.length;
    if (bytes < batchBytes && batch.length < batchPackets) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function* run(
  head: Uint8Array,
  open: (wasm: Wasm, machine: number) => number,
  { frames = [], batches }: { frames?: Iterable<Uint8Array>; batches?: Iterable<Uint8Array[]> },
): Generator<Block> {
  const wasm = borrow();
  const machine = wasm.create();
  const input = inputOf(wasm, frames);
  let hasTrapped = false;
  try {
    const at = wasm.reserve(machine, head.length) >>> 0;
    new Uint8Array(wasm.memory.buffer).set(head, at);
    check(wasm, machine, input.after(open(wasm, machine)));
    if (batches === undefined) {
      for (;;) {
        const count = check(wasm, machine, input.after(wasm.decode(machine, blockFrames)));
        if (count === 0) return;
        yield planes(wasm, machine, count);
      }
    }
    for (const batch of batches) {
      fillPackets(wasm, machine, batch);
      yield planes(wasm, machine, check(wasm, machine, wasm.decode(machine, 0)));
    }
  } catch (error) {
    // After a panic, a failed allocation or a stack overflow the instance cannot be used again.
    if (!(error instanceof WebAssembly.RuntimeError || error instanceof RangeError)) throw error;
    hasTrapped = true;
    throw new Error("the decoder gave up on it", { cause: error });
  } finally {
    if (!hasTrapped) {
      wasm.destroy(machine);
      giveBack(wasm);
    }
  }
}

/** Lets the module read pieces of bytes as one stream, until another takes its place. */
function inputOf(wasm: Wasm, pieces: Iterable<Uint8Array>) {
  const iterator = pieces[Symbol.iterator]();
  let piece: Uint8Array = new Uint8Array();
  let failure: { error: unknown } | undefined;
  wasm.host.read = (address, length) => {
    try {
      while (piece.length === 0) {
        const { done, value } = iterator.next();
        if (done) return 0;
        piece = value;
      }
    } catch (error) {
      // Thrown through the module it would leave that in the middle of what it does.
      failure = { error };
      return 0;
    }
    const taken = piece.subarray(0, length);
    new Uint8Array(wasm.memory.buffer).set(taken, address >>> 0);
    piece = piece.subarray(taken.length);
    return taken.length;
  };
  return {
    /** Hands on what a call of the module gave, unless reading failed in it. */
    after(result: number): number {
      if (failure !== undefined) throw failure.error;
      return result;
    },
  };
}

/** Writes each packet with its length in front. */
function fillPackets(wasm: Wasm, machine: number, packets: Uint8Array[]): void {
  const length = packets.reduce((sum, packet) => sum + 4 + packet.length, 0);
  const start = wasm.reserve(machine, length) >>> 0;
  const memory = new Uint8Array(wasm.memory.buffer, start, length);
  const view = new DataView(wasm.memory.buffer, start, length);
  let offset = 0;
  for (const packet of packets) {
    view.setUint32(offset, packet.length, true);
    memory.set(packet, offset + 4);
    offset += 4 + packet.length;
  }
}

function check(wasm: Wasm, machine: number, result: number): number {
  if (result >= 0) return result;
  const start = wasm.message(machine) >>> 0;
  throw new Error(Buffer.from(wasm.memory.buffer, start, wasm.message_length(machine)).toString());
}

function planes(wasm: Wasm, machine: number, frames: number): Block {
  return Array.from(
    { length: wasm.channels(machine) },
    (_, channel) => new Float32Array(wasm.memory.buffer, wasm.plane(machine, channel) >>> 0, frames),
  );
}
