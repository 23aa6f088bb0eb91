import { test } from "uvu";
import * as assert from "uvu/assert";
import {
  applyDecisions,
  audit,
  cluster,
  type Decision,
  mergeDecisions,
  ScopeError,
  similarity,
  splitCorpus,
  variability,
} from "../../src/index.js";

const calls: [string, (given: never) => unknown][] = [
  ["audit", audit],
  ["cluster", cluster],
  ["variability", variability],
  ["similarity", similarity],
  ["splitCorpus", (given) => splitCorpus(given, { parts: { train: 0.5, test: 0.5 } })],
  ["applyDecisions", (given) => applyDecisions({ utterances: given }, [])],
  ["applyDecisions", (given) => applyDecisions({ utterances: [] }, given)],
  ["mergeDecisions", mergeDecisions],
  ["audit", (given) => audit([], { decisions: given })],
  ["audit", (given) => audit([], { checks: given })],
];

async function reasonFor(call: (given: never) => unknown, given: unknown): Promise<string> {
  try {
    await call(given as never);
  } catch (error) {
    assert.instance(error, ScopeError);
    return (error as Error).message;
  }
  return "nothing was thrown";
}

for (const [name, call] of calls)
  test(`what is no list is refused with what to give instead: ${name}, ${call}`, async () => {
    assert.match(await reasonFor(call, "dir"), new RegExp(`${name} .*, not "dir": const .* = `));
    assert.match(
      await reasonFor(call, { decisions: [], warnings: [] }),
      ", not an object of decisions, warnings: ",
    );
    assert.match(await reasonFor(call, Promise.resolve([])), ", not a promise (await it): ");
    assert.match(await reasonFor(call, null), ", not null: ");
  });

test("the sentence for decisions says how to read them", async () => {
  assert.is(
    await reasonFor((given) => applyDecisions({ utterances: [] }, given), { decisions: [], warnings: [] }),
    'applyDecisions takes the list of decisions, not an object of decisions, warnings: const { decisions } = readDecisions("decisions.jsonl").',
  );
});

test("applyDecisions refuses a decision that nobody made, as the command does", async () => {
  const decision = { kind: "utterance", keys: ["a"], action: "drop", by: undefined } as unknown as Decision;
  const utterances = [{ key: "a", dataset: "", speakerId: "s" }];
  assert.match(
    await reasonFor(() => applyDecisions({ utterances }, [decision]), undefined),
    'Decision 0 of applyDecisions has no "by". A decision has kind, keys, action and by.',
  );
});

test.run();
