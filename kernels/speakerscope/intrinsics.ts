/**
 * The original built-ins. Cells run in the same realm as the kernel and may replace any of them, as fake timers and polyfills
 * do.
 */
export const native = {
  Atomics,
  AbortController,
  Promise,
  setImmediate,
  nextTick: process.nextTick,
  exit: process.exit.bind(process) as (code: number) => never,
};

type Place = [owner: object, key: PropertyKey, value: unknown];

const names = `
  Object Function Array String Number Boolean Symbol BigInt RegExp Date Math JSON Promise Map Set WeakMap WeakSet WeakRef
  Reflect Proxy Error TypeError RangeError SyntaxError ReferenceError ArrayBuffer SharedArrayBuffer DataView Atomics
  Uint8Array Int32Array Float32Array Float64Array parseInt parseFloat isNaN isFinite setTimeout clearTimeout setInterval
  clearInterval setImmediate clearImmediate queueMicrotask structuredClone AbortController AbortSignal TextEncoder
  TextDecoder`
  .trim()
  .split(/\s+/);

/** Lists every property that `pristine` restores. Called last, when Node.js has made its own replacements. */
function placesOf(): Place[] {
  const found: Place[] = [];
  const note = (owner: object) => {
    for (const key of Reflect.ownKeys(owner)) {
      const descriptor = Reflect.getOwnPropertyDescriptor(owner, key);
      if (descriptor && "value" in descriptor && descriptor.writable && descriptor.configurable)
        found.push([owner, key, descriptor.value]);
    }
  };
  for (const name of names) {
    const value = Reflect.get(globalThis, name);
    if (value === undefined) continue;
    found.push([globalThis, name, value]);
    note(value);
    if (typeof value === "function" && value.prototype) note(value.prototype);
  }
  for (const iterable of [[], "", new Map(), new Set(), "".matchAll(/x/g), (function* () {})()])
    note(Object.getPrototypeOf(iterable[Symbol.iterator]()));
  return found;
}

let places: Place[] = [];
const { defineProperty, deleteProperty, getOwnPropertyDescriptor } = Reflect;

/** Takes the present values as the originals. */
export function rememberIntrinsics(): void {
  places = placesOf();
}

/** Runs the kernel's own work with the original built-ins, then puts a cell's replacements back. */
export function pristine<T>(work: () => T): T {
  const replaced: [object, PropertyKey, PropertyDescriptor | undefined][] = [];
  for (let i = 0; i < places.length; i++) {
    const place = places[i];
    const descriptor = getOwnPropertyDescriptor(place[0], place[1]);
    if (descriptor && descriptor.value === place[2]) continue;
    replaced[replaced.length] = [place[0], place[1], descriptor];
    const enumerable = descriptor?.enumerable ?? false;
    defineProperty(place[0], place[1], { value: place[2], writable: true, configurable: true, enumerable });
  }
  try {
    return work();
  } finally {
    for (let i = 0; i < replaced.length; i++) {
      const at = replaced[i];
      if (at[2]) defineProperty(at[0], at[1], at[2]);
      else deleteProperty(at[0], at[1]);
    }
  }
}
