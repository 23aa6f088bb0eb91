import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import { Engine } from "./engine.js";
import { CLOSED, createFlags, PROTECTED } from "./flags.js";
import { log } from "./log.js";
import type { FromMain } from "./messages.js";
import { marker, spawnReaper } from "./processes.js";
import { lendPackages, manifest } from "./resolve.js";
import type { ServerData } from "./server.js";

/** `node launch.js CONNECTION_FILE`: the command of the kernelspec. */
function launch(connectionFile: string | undefined): void {
  if (!connectionFile) {
    log("missing connection file: Jupyter starts this program itself");
    process.exit(2);
  }
  process.env[marker] = `${process.pid}.${Date.now()}`;
  const flags = createFlags();
  Atomics.store(flags, PROTECTED, 1);
  // From this thread: the other one closes its pipes before the process has ended.
  const reaper = spawnReaper();
  const { port1, port2 } = new MessageChannel();
  const workerData: ServerData = {
    connection: JSON.parse(readFileSync(connectionFile, "utf8")),
    flags,
    promptPort: port2,
    ownProcesses: reaper === null ? [] : [reaper],
    versions: {
      kernel: manifest.version,
      typescript: require("typescript/package.json").version,
      node: process.version,
    },
  };
  // The sockets answer while the compiler loads.
  const worker = new Worker(join(__dirname, "server.js"), { workerData, transferList: [port2] });
  worker.on("error", (error) => {
    log(String(error.stack));
    process.exit(1);
  });
  port1.unref();
  const engine = new Engine({
    flags,
    promptPort: port1,
    folder: process.cwd(),
    post: (message: FromMain) => worker.postMessage(message),
    exit: () => process.exit(0),
  });
  lendPackages();
  worker.on("message", (message) => engine.receive(message));
  Atomics.store(flags, PROTECTED, 0);
  process.on("exit", () => {
    worker.postMessage({ type: "leave" } satisfies FromMain);
    Atomics.wait(flags, CLOSED, 0, 500);
  });
}

launch(process.argv[2]);
