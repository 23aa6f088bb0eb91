import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { readAuditUtterances } from "../../src/audit/read-utterances.js";
import { cluster } from "../../src/cluster/cluster.js";
import { nameSpeakers } from "../../src/cluster/name-speakers.js";
import { random } from "../../src/vectors/random.js";

/** Voices of some people around their means, with noise, in 24 dimensions. */
function speech(people: number, each: number, { noise = 0.5, seed = 1 } = {}) {
  const next = random(seed);
  const gaussian = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
  return Array.from({ length: people }, (_, p) => {
    const mean = Array.from({ length: 24 }, gaussian);
    return Array.from({ length: each }, (_, u) => ({
      key: `u${(p * 7919 + u * 104_729) % 1_000_003}`,
      truth: p,
      embedding: Float32Array.from(mean, (x) => x + noise * gaussian()),
    }));
  }).flat();
}

const pairsOf = (names: readonly unknown[]) => {
  const sizes = new Map<unknown, number>();
  for (const name of names) sizes.set(name, (sizes.get(name) ?? 0) + 1);
  return [...sizes.values()].reduce((sum, size) => sum + (size * (size - 1)) / 2, 0);
};
/** Of all pairs of utterances: the harmonic mean of how many joined pairs are right and how many right ones are joined. */
const pairF1 = (truth: readonly unknown[], found: readonly unknown[]) =>
  (2 * pairsOf(truth.map((name, i) => `${name} ${found[i]}`))) / (pairsOf(truth) + pairsOf(found));

test("people are found in unlabelled speech, with no threshold told", async () => {
  const utterances = speech(30, 8, { noise: 0.4 });
  const { items, people, summary, info } = await cluster(utterances);
  assert.equal([summary.people, summary.utterances, summary.alone, info.model], [30, 240, 0, "plda"]);
  assert.is(
    pairF1(
      utterances.map(({ truth }) => truth),
      items.map(({ person }) => person),
    ),
    1,
  );
  assert.equal(
    items.map(({ key }) => key),
    utterances.map(({ key }) => key),
  );
  assert.ok(items.every(({ probability }) => probability > 0.5));
  assert.ok(people.every(({ utterances }) => utterances === 8));
  assert.ok(
    people.every(({ person, typical }) => items.find(({ key }) => key === typical)!.person === person),
  );
  const [fewest, most] = summary.range!;
  assert.ok(fewest <= 30 && most >= 30);
});

test("of utterances said to be with their person by 90 % and more nine in ten are", async () => {
  const altered = await readAuditUtterances(join(__dirname, "..", "fixtures", "audit", "altered.npz"));
  const sets = [
    speech(60, 6, { noise: 1.3 }),
    altered.map((utterance) => ({ ...utterance, truth: utterance.speakerId })),
  ];
  for (const utterances of sets) {
    const { items } = await cluster(utterances);
    const truths = new Map<string, Map<unknown, number>>();
    items.forEach(({ person }, i) => {
      const counts = truths.get(person) ?? new Map<unknown, number>();
      truths.set(person, counts.set(utterances[i]!.truth, (counts.get(utterances[i]!.truth) ?? 0) + 1));
    });
    const held = (from: number, to: number) => {
      const sure = [...items.keys()].filter(
        (i) => items[i]!.probability >= from && items[i]!.probability <= to,
      );
      const right = sure.filter((i) => {
        const counts = truths.get(items[i]!.person)!;
        return counts.get(utterances[i]!.truth) === Math.max(...counts.values());
      });
      return { sure: sure.length, share: right.length / sure.length };
    };
    const [all, short] = [held(0.9, 1), held(0.9, 0.99)];
    assert.ok(all.sure > 100 && all.share > 0.9, JSON.stringify(all));
    assert.ok(short.sure < 5 || short.share > 0.8, JSON.stringify(short));
  }
});

test("real speech of poor quality is put together better than by any threshold of cosines", async () => {
  const fixture = join(__dirname, "..", "fixtures", "audit", "wild.npz");
  const utterances = await readAuditUtterances(fixture);
  const { items } = await cluster(utterances);
  const truth = utterances.map(({ speakerId }) => speakerId);
  const f1 = pairF1(
    truth,
    items.map(({ person }) => person),
  );
  for (const threshold of [0.3, 0.4, 0.5]) {
    const { items, info } = await cluster(utterances, { threshold });
    assert.equal(info, { model: "cosine", threshold, rounds: 0 });
    assert.ok(
      pairF1(
        truth,
        items.map(({ person }) => person),
      ) < f1,
      String(threshold),
    );
  }
});

test("the range of the number of people holds it, in speech of many styles too", async () => {
  const utterances = await readAuditUtterances(join(__dirname, "..", "fixtures", "audit", "altered.npz"));
  const { people, summary } = await cluster(utterances);
  const [fewest, most] = summary.range!;
  assert.ok(fewest >= 1 && fewest <= 20 && most >= 20 && most < 60, `${fewest} to ${most}`);
  assert.ok(fewest <= people.length && people.length <= most);
});

test("clear speech of few people is told apart, and that of one person is not", async () => {
  for (const people of [1, 2, 3, 12]) {
    const { summary } = await cluster(speech(people, 30, { noise: 0.6 }));
    assert.is(summary.people, people);
  }
});

test("people who speak much in different ways are not taken apart", async () => {
  for (const difference of [0.45, 0.9]) {
    const next = random(5);
    const gaussian = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
    const vector = (scale: number) => Array.from({ length: 96 }, () => scale * gaussian());
    const styles = Array.from({ length: 5 }, () => vector(0.6));
    const utterances = Array.from({ length: 12 }, (_, p) => {
      const voice = vector(1);
      const own = styles.map((style) => style.map((x) => x + difference * gaussian()));
      return Array.from({ length: 25 }, (_, u) => ({
        key: `u${(p * 7919 + u * 104_729) % 1_000_003}`,
        truth: p,
        embedding: Float32Array.from(voice, (x, k) => x + own[u % 5]![k]! + 0.8 * gaussian()),
      }));
    }).flat();
    const { items } = await cluster(utterances);
    const f1 = pairF1(
      utterances.map(({ truth }) => truth),
      items.map(({ person }) => person),
    );
    assert.ok(f1 > 0.9, `${difference}: ${f1}`);
  }
});

test("the order of the utterances makes no difference", async () => {
  const utterances = speech(25, 3, { noise: 0.9 });
  const nameOf = new Map((await cluster(utterances)).items.map(({ key, ...rest }) => [key, rest]));
  for (const { key, ...rest } of (await cluster([...utterances].reverse())).items)
    assert.equal(rest, nameOf.get(key));
});

test("as many people as are asked for", async () => {
  const utterances = speech(6, 5);
  for (const count of [1, 6, 10, 30]) {
    const { summary } = await cluster(utterances, { count });
    assert.is(summary.people, count);
    assert.is(summary.range, undefined);
  }
});

test("who speaks most is the first person, and the names go into a corpus", async () => {
  const utterances = [...speech(3, 4, { seed: 2 }), ...speech(1, 9, { seed: 3 })].map((row, i) => ({
    ...row,
    key: `k${i}`,
    dataset: "d",
    speakerId: null,
    speakerKey: null,
  }));
  const clustering = await cluster(utterances, { threshold: 0.5 });
  assert.equal(
    clustering.people.map(({ person, utterances }) => [person, utterances]),
    [
      ["person-001", 9],
      ["person-002", 4],
      ["person-003", 4],
      ["person-004", 4],
    ],
  );
  assert.ok(clustering.items.every(({ probability }) => Number.isNaN(probability)));
  const named = nameSpeakers({ utterances, root: "r" }, clustering);
  assert.is(named.root, "r");
  const { speakerId, speakerKey } = named.utterances.at(-1)! as {
    speakerId: string | null;
    speakerKey: string | null;
  };
  assert.equal([speakerId, speakerKey], ["person-001", "d_person-001"]);
});

test("people whom only their count joins are less sure", async () => {
  const rows = speech(30, 6);
  const sureOf = async (count: number) =>
    (await cluster(rows, { count })).people.filter(({ probability }) => probability > 0.9);
  const free = await cluster(rows);
  assert.equal((await cluster(rows, { count: free.people.length })).items, free.items);
  // More than the utterances of one speaker.
  assert.equal(
    (await sureOf(20)).filter(({ utterances }) => utterances > 6),
    [],
  );
});

test("what cannot be put together says why", async () => {
  assert.equal((await cluster([])).summary, { utterances: 0, people: 0, alone: 0 });
  const [one] = speech(1, 1);
  assert.equal((await cluster([one!])).people, [
    { person: "person-001", utterances: 1, probability: Number.NaN, typical: one!.key },
  ]);
  const few = speech(3, 2);
  const zero = { key: "z", embedding: new Float32Array(24) };
  const same = Array.from({ length: 12 }, (_, i) => ({ key: `k${i}`, embedding: Float32Array.of(1, 2) }));
  for (const [rows, options, said] of [
    [few, {}, /There are 6 utterances, too few.*Give 10 or more, a threshold, or the count of people/],
    [[one!, one!], {}, /Two utterances have the key u0/],
    [few, { count: 7 }, /count is 7.*from 1 to the 6/],
    [few, { threshold: 1.5 }, /threshold is 1\.5/],
    [few, { threshold: 0.5, count: 2 }, /Give one of them/],
    [[{ key: "a", embedding: Float32Array.of(Number.NaN) }], {}, /finite/],
    [[...speech(5, 3), zero], {}, /zero vector/],
  ] as const)
    await cluster(rows, options).then(
      () => assert.unreachable(String(said)),
      (error: Error) => assert.match(error.message, said),
    );
  for (const options of [{}, { threshold: 0.9 }, { count: 1 }])
    assert.is((await cluster(same, options)).summary.people, 1);
  const [first, second] = speech(2, 1);
  assert.is((await cluster([first!, second!], { threshold: 0.9 })).summary.people, 2);
  assert.is((await cluster([first!, second!], { count: 1 })).summary.people, 1);
});

test("it stops when asked to", async () => {
  const controller = new AbortController();
  controller.abort();
  await cluster(speech(12, 4), { abortSignal: controller.signal }).then(
    () => assert.unreachable(),
    (error: { tag?: string }) => assert.is(error.tag, "interrupted"),
  );
});

test.run();
