import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { put, temporaryFolder } from "../tiny.js";

const dist = join(__dirname, "..", "..", "dist", "src");

/** Runs JavaScript in a process of its own, with DIST for the folder of what was built. */
function runScript(body: string) {
  const script = put(join(temporaryFolder(), "script.cjs"), body.replaceAll("DIST", dist));
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: "utf8" });
  return { ended: signal ?? status, stdout, stderr };
}

test("A process may exit while its threads compute", () => {
  // Long rows, so that the threads are in ONNX Runtime nearly all of the time.
  const { ended, stderr } = runScript(`
    const { similarity } = require("DIST/index.js");
    const dimension = 4096;
    const data = Float32Array.from({ length: 2600 * dimension }, (_, i) => Math.sin(i * 0.37));
    similarity({ data, rows: 2600, columns: dimension }, {
      backend: "onnx",
      threads: 2,
      onProgress({ done }) {
        if (done > 2) process.exit(7);
      },
    });
  `);
  assert.is(ended, 7, stderr);
  assert.is(stderr, "");
});

test("A thread that runs a model may be ended, once its call is over", () => {
  const { ended, stdout, stderr } = runScript(`
    const { join } = require("node:path");
    const { startThread } = require("DIST/runtime/threads.js");
    const thread = startThread(join(__dirname, "busy.cjs"), { threads: 1 });
    thread.on("message", () => {
      // By then it is amid a call, which takes longer than this.
      setTimeout(async () => {
        await thread.end();
        console.log("ended");
      }, 30);
    });
    require("node:fs").writeFileSync(join(__dirname, "busy.cjs"), \`
      const { parentPort } = require("node:worker_threads");
      const { threadData } = require("DIST/runtime/threads.js");
      const { onnxProduct } = require("DIST/similarity/onnx-product.js");
      const rows = { data: new Float32Array(512 * 8192).fill(1), n: 512, dimension: 8192 };
      const into = new Float32Array(512 * 512);
      const all = { from: 0, to: 512 };
      onnxProduct(rows, rows, 512 * threadData().threads).then(async ({ product }) => {
        for (let i = 0; ; i++) {
          await product({ rows: all, columns: all }, into);
          if (i === 0) parentPort.postMessage("busy");
        }
      });
    \`);
  `);
  assert.equal([ended, stdout, stderr], [0, "ended\n", ""]);
});

test.run();
