import type { Wasm } from "./wasm.js";

/** A piece of the module's memory: `length` 32-bit floats from `address` on. */
export interface Area {
  address: number;
  length: number;
}

/** Arrays in the module's memory. The buffer changes whenever it grows, so each use makes a new view. */
export class WasmMemory {
  private readonly areas: Area[] = [];

  constructor(private readonly wasm: Wasm) {}

  take(length: number): Area {
    const area = { address: this.wasm.floats(length) >>> 0, length };
    this.areas.push(area);
    return area;
  }

  at({ address, length }: Area): Float32Array {
    return new Float32Array(this.wasm.memory.buffer, address, length);
  }

  /** Copies float64 numbers in; each takes the space of two floats. */
  put(numbers: Float64Array): Area {
    const area = this.take(2 * numbers.length);
    new Float64Array(this.wasm.memory.buffer, area.address, numbers.length).set(numbers);
    return area;
  }

  release(): void {
    for (const { address, length } of this.areas) this.wasm.release(address, length);
  }
}
