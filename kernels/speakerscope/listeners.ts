// biome-ignore lint/suspicious/noExplicitAny: as Node.js declares them
type Listener = (...args: any[]) => void;

/** Process listeners that cells cannot remove: without them, an error in a timer would end the kernel. */
const kept: [event: string, listener: Listener][] = [];

export function keepListeners(listeners: Record<string, Listener>): void {
  if (kept.length === 0) guard();
  kept.push(...Object.entries(listeners));
  restore();
}

function restore(): void {
  for (const [event, listener] of kept)
    if (!process.listeners(event as never).includes(listener as never)) process.on(event, listener);
}

function guard(): void {
  // Node.js uses these itself, to start watching for signals.
  for (const event of ["newListener", "removeListener"] as const)
    for (const listener of process.listeners(event as never)) kept.push([event, listener as Listener]);
  for (const name of ["removeAllListeners", "removeListener", "off"] as const) {
    const original = process[name] as (...args: unknown[]) => NodeJS.Process;
    Object.assign(process, {
      [name](...args: unknown[]) {
        original.apply(process, args);
        restore();
        return process;
      },
    });
  }
}
