import { loadWasm } from "../util/load-wasm.js";

/** What wasm/src/lib.rs exports. `machine` is the address of one decoder. */
export interface Wasm {
  /** What the module imports: puts the next bytes of a stream at an address, and tells how many; 0 at the end. */
  host: { read(address: number, length: number): number };
  memory: WebAssembly.Memory;
  create(): number;
  destroy(machine: number): void;
  reserve(machine: number, length: number): number;
  open_flac(machine: number): number;
  open_packets(machine: number, codec: number): number;
  open_opus(machine: number, streams: number, coupled: number): number;
  decode(machine: number, wanted: number): number;
  channels(machine: number): number;
  plane(machine: number, channel: number): number;
  message(machine: number): number;
  message_length(machine: number): number;
  floats(length: number): number;
  release(address: number, length: number): void;
  resample(
    input: number,
    inputLength: number,
    filters: number,
    filtersLength: number,
    taps: number,
    phases: number,
    step: number,
    phase: number,
    output: number,
    outputLength: number,
  ): void;
  fbank(
    plan: number,
    planLength: number,
    samples: number,
    samplesLength: number,
    output: number,
    outputLength: number,
  ): void;
}

/** A larger instance is not kept: WebAssembly memory never shrinks. */
const keptBytes = 1 << 26;

let compiled: WebAssembly.Module | undefined;
let idle: Wasm | undefined;

/** An instance for one user at a time. Return it with `giveBack`, unless it trapped. */
export function borrow(): Wasm {
  const wasm = idle ?? instantiate();
  idle = undefined;
  return wasm;
}

export function giveBack(wasm: Wasm): void {
  if (wasm.memory.buffer.byteLength <= keptBytes) idle = wasm;
}

function instantiate(): Wasm {
  compiled ??= loadWasm("audio", "wasm", "audio.wasm");
  const host: Wasm["host"] = { read: () => 0 };
  const imports = { host: { read: (address: number, length: number) => host.read(address, length) } };
  return { ...(new WebAssembly.Instance(compiled, imports).exports as unknown as Wasm), host };
}
