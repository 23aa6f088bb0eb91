import { inspect } from "node:util";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { missing, ScopeError } from "../src/errors.js";

test("an error shows only what is told of it, and its stack begins where it was thrown", () => {
  const bare = missing("There is no corpus. Give one.");
  assert.equal(Object.keys(bare).sort(), ["name", "tag"]);
  assert.match(bare.stack!.split("\n")[1]!, /errors\.test/);
  assert.not.match(inspect(bare), /undefined/);
  const told = missing("There is no corpus. Give one.", { got: 0, path: "x" });
  assert.equal([told.got, told.path, told instanceof ScopeError], [0, "x", true]);
  assert.is(told.message, "x: There is no corpus. Give one.");
});

test.run();
