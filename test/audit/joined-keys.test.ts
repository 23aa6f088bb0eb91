import { test } from "uvu";
import * as assert from "uvu/assert";
import { joinedKeys } from "../../src/audit/joined-keys.js";

test("joinedKeys gives the first of all that are joined by way of others, and itself of the rest", () => {
  const first = joinedKeys([{ keys: ["d", "c"] }, { keys: ["b", "a"] }, { keys: ["b", "d"] }]);
  assert.equal(["a", "b", "c", "d", "e"].map(first), ["a", "a", "a", "a", "e"]);
});

test("joinedKeys follows a chain of any length", () => {
  const name = (i: number) => String(50_000 - i).padStart(5, "0");
  const chain = Array.from({ length: 50_000 }, (_, i) => ({ keys: [name(i), name(i + 1)] }));
  assert.is(joinedKeys(chain)(name(0)), "00000");
});

test.run();
