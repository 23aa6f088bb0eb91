import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { fillAt, readAt } from "../../src/util/read-at.js";
import { temporaryFolder } from "../tiny.js";

test("reads from a place on, and no further than the file goes", () => {
  const path = join(temporaryFolder(), "bytes");
  writeFileSync(path, "0123456789");
  const file = openSync(path, "r");
  assert.is(readAt(file, 2, 3).toString(), "234");
  assert.is(readAt(file, 8, 100).toString(), "89");
  assert.is(readAt(file, 50, 1).length, 0);
  const bytes = new Uint8Array(4).fill(1);
  assert.is(fillAt(file, bytes, 7), 3);
  assert.equal([...bytes], [55, 56, 57, 1]);
  closeSync(file);
});

test.run();
