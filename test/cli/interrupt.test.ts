import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { put, temporaryFolder } from "../tiny.js";

const dist = join(__dirname, "..", "..", "dist", "src");

test("A second signal ends a command amid a file, with a sentence and without that file", async () => {
  const folder = temporaryFolder();
  const script = put(
    join(folder, "script.cjs"),
    `const { interruptSignal } = require("${dist}/cli/interrupt.js");
     const { writeFile } = require("${dist}/util/write-file.js");
     interruptSignal().addEventListener("abort", () => console.log("first"));
     async function* endless() {
       for (;;) {
         yield "row\\n";
         await new Promise((resolve) => setTimeout(resolve, 10));
       }
     }
     void writeFile("${folder}/out/rows.txt", endless());
     console.log("ready");`,
  );
  const child = spawn(process.execPath, [script], { stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data) => {
    stdout += data;
    child.kill("SIGINT");
  });
  child.stderr.on("data", (data) => (stderr += data));
  const status = await new Promise((resolve) => child.on("close", resolve));
  assert.equal([stdout, status], ["ready\nfirst\n", 130]);
  assert.match(stderr, /^error: A second signal ended this at once\. .*half written are gone.*\n$/);
  assert.equal(readdirSync(join(folder, "out")), []);
});

test.run();
