import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MessageChannel, Worker } from "node:worker_threads";
import { Engine } from "./engine.js";
import { CLOSED, createFlags, createGuard, PROTECTED, takeRoom, waitForRoom } from "./flags.js";
import { native } from "./intrinsics.js";
import { keepListeners } from "./listeners.js";
import { log } from "./log.js";
import { type FromMain, messageOverhead, outputSize } from "./messages.js";
import { marker, spawnReaper } from "./processes.js";
import { lendPackages, manifest } from "./resolve.js";
import type { ServerData } from "./server.js";

// Before anything else is loaded: it may end meanwhile.
const parent = process.ppid;

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
    parent,
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
  const protect = createGuard(flags);
  const engine = new Engine({
    flags,
    protect,
    promptPort: port1,
    folder: process.cwd(),
    post: (message: FromMain) => {
      const size = outputSize(message);
      if (size !== null) waitForRoom(flags);
      // Room that is taken for a message that is then not posted would be lost for good.
      protect(() => {
        if (size !== null) takeRoom(flags, size + messageOverhead);
        worker.postMessage(message);
      });
    },
    exit: () => native.exit(0),
  });
  lendPackages();
  worker.on("message", (message) => engine.receive(message));
  Atomics.store(flags, PROTECTED, 0);
  keepListeners({
    exit: () => {
      worker.postMessage({ type: "leave" } satisfies FromMain);
      native.Atomics.wait(flags, CLOSED, 0, 500);
    },
  });
}

launch(process.argv[2]);
