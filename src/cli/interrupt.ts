/** A signal that SIGINT or SIGTERM aborts; a second one ends the process at once. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.on(name, () => {
      if (controller.signal.aborted) {
        process.stderr.write(
          "error: A second signal ended this at once. Files that were half written are gone; those that were complete stay.\n",
        );
        process.exit(130);
      }
      controller.abort(name);
    });
  return controller.signal;
}

/** Ends the process on SIGINT or SIGTERM; files that are half written go. */
export function endOnInterrupt(sentence: string): void {
  for (const name of ["SIGINT", "SIGTERM"] as const)
    process.on(name, () => {
      process.stderr.write(`error: ${sentence}\n`);
      process.exit(130);
    });
}
