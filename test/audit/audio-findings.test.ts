import { join } from "node:path";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { loadAudio } from "../../src/audio/load-audio.js";
import { audit } from "../../src/audit/audit.js";
import type { AuditUtterance } from "../../src/audit/audit-corpus.js";
import type { Finding, FindingKind } from "../../src/audit/finding.js";
import { auditSummary } from "../../src/audit/summary.js";
import { withoutFindings } from "../../src/audit/without-findings.js";
import type { AudioChecks } from "../../src/checks/audio-checks.js";
import { random } from "../../src/vectors/random.js";
import { signalChecks } from "../checks/whole-signal.js";
import { voices } from "./voices.js";

const rate = 16_000;
const next = random(8);
const hiss = (length: number, level: number) =>
  Float32Array.from({ length }, () => (next() * 2 - 1) * Math.sqrt(3) * level);
const noisy = (samples: Float32Array, level: number) => {
  const noise = hiss(samples.length, level);
  return samples.map((value, i) => value + noise[i]);
};
const speech = async (speaker: string, n: number) => {
  const book = { 533: "533-1066", 367: "367-130732" }[speaker];
  const file = join(__dirname, "..", "..", "data", "speech", "test-other", speaker, `${book}-000${n}.flac`);
  return (await loadAudio(file)).samples.subarray(0, 3 * rate);
};

/** Two speakers of four utterances each, and what was planted. */
const corpus = (async () => {
  const sounds: Record<string, Float32Array> = {};
  for (const speaker of ["533", "367"])
    for (const n of [0, 1, 2, 3]) sounds[`${speaker}_${n}`] = await speech(speaker, n);
  sounds["533_equal"] = sounds["533_1"].slice();
  sounds["533_trimmed"] = sounds["533_2"].subarray(0.6 * rate).map((value) => value / 4);
  sounds["367_foreign"] = noisy(sounds["533_3"], 0.01);
  sounds["367_noise"] = hiss(3 * rate, 0.05);
  sounds["533_hum"] = Float32Array.from(
    { length: 3 * rate },
    (_, i) => 0.1 * Math.sign(Math.sin((2 * Math.PI * 50 * i) / rate)),
  );
  sounds["533_short"] = sounds["533_0"].slice(0.8 * rate, 1.6 * rate);
  sounds["367_clipped"] = sounds["367_0"].map((value) => Math.max(-1, Math.min(1, 40 * value)));
  sounds["367_quiet"] = sounds["367_1"].map((value) => value / 1000);
  const checks: AudioChecks[] = [];
  const utterances: AuditUtterance[] = [];
  const embeddings = voices(2, 12, { seed: 5 });
  for (const [name, samples] of Object.entries(sounds)) {
    const [speakerId] = name.split("_");
    // A copy has the voice of what it is a copy of.
    const voice = name === "367_foreign" || speakerId === "533" ? 0 : 12;
    const { embedding } = embeddings[voice + (utterances.length % 12)];
    utterances.push({ key: name, dataset: "d", speakerId, embedding });
    checks.push({ key: name, path: `${name}.wav`, ...(await signalChecks(samples)) });
  }
  checks.push({ key: "533_silent", path: "silent.wav", failure: "digital silence: all samples are 0" });
  return { utterances, checks };
})();
const audited = corpus.then(({ utterances, checks }) => audit(utterances, { checks }));
const found = async (kind: FindingKind): Promise<Finding[]> =>
  (await audited).findings.filter((finding) => finding.kind === kind && finding.probability >= 0.5);
const keysOf = async (kind: FindingKind) => (await found(kind)).map(({ keys }) => keys.join(" ")).sort();

test("audit finds equal files, and says which to keep", async () => {
  const findings = await found("equalFiles");
  assert.equal(
    findings.map(({ keys }) => keys),
    [["533_1", "533_equal"]],
  );
  assert.equal(findings[0].remedy, { action: "keepOne", to: "533_1" });
});

test("audit finds copies that were trimmed, made quieter or noisy, also under another name", async () => {
  // The clipped, the quiet and the short one are copies too.
  assert.equal(await keysOf("nearCopies"), [
    "367_0 367_clipped",
    "367_1 367_quiet",
    "367_foreign 533_3",
    "533_0 533_short",
    "533_2 533_trimmed",
  ]);
  const trimmed = (await found("nearCopies")).find(({ keys }) => keys.includes("533_trimmed"))!;
  assert.ok(Math.abs(Number(trimmed.evidence.lagSeconds) - 0.6) < 0.05);
  assert.ok(Number(trimmed.evidence.correlation) > 0.65);
  assert.equal(trimmed.remedy, { action: "keepOne", to: "533_2" });
  const foreign = (await found("nearCopies")).find(({ keys }) => keys.includes("367_foreign"))!;
  assert.equal(foreign.remedy, { action: "keepOne", to: "533_3" });
});

test("audit finds what is no speech, and does not look for its speaker", async () => {
  assert.equal(await keysOf("nonSpeech"), ["367_noise", "533_hum", "533_silent"]);
  const { findings, summary } = await audited;
  assert.not(findings.some(({ kind, keys }) => kind === "wrongLabel" && keys[0] === "367_noise"));
  assert.is(summary.found.nonSpeech, 3);
  const silent = findings.find(({ keys }) => keys[0] === "533_silent")!;
  assert.is(silent.evidence.reason, "digital silence: all samples are 0");
  const kept = withoutFindings((await corpus).utterances, findings).map(({ key }) => key);
  assert.ok(kept.includes("367_1") && !kept.includes("367_noise") && !kept.includes("533_hum"));
});

test("audit doubts what is short, clipped or quiet, and proposes to keep it", async () => {
  assert.equal(await keysOf("short"), ["533_short"]);
  assert.equal(await keysOf("clipped"), ["367_clipped"]);
  assert.equal(await keysOf("quiet"), ["367_quiet"]);
  assert.equal((await found("quiet"))[0].remedy, { action: "keep" });
});

test("audit doubts a narrow band and noise where most of the data set has neither", async () => {
  const { utterances, checks } = await corpus;
  const isPoor = (key: string) => key === "533_0";
  const poor = checks.map((row) =>
    "failure" in row
      ? row
      : { ...row, bandwidth: isPoor(row.key) ? 4400 : 8000, snr: isPoor(row.key) ? 1 : 30 },
  );
  const { summary } = await audit(utterances, { checks: poor });
  assert.is(summary.found.narrowBand, 1);
  assert.is(summary.found.lowSnr, 1);
  const telephone = poor.map((row) => ("failure" in row ? row : { ...row, bandwidth: 4400 }));
  assert.is((await audit(utterances, { checks: telephone })).summary.found.narrowBand, 0);
});

test("audit finds clips with two voices by what is usual in the corpus, where that was measured", async () => {
  const { utterances, checks } = await corpus;
  const similarityOf = (key: string, i: number) => (key === "533_3" ? 0.02 : 0.5 + 0.01 * (i % 7));
  const measured = checks.map((row, i) =>
    "failure" in row ? row : { ...row, voiceChange: { similarity: similarityOf(row.key, i), at: 1.4 } },
  );
  const { findings, info } = await audit(utterances, { checks: measured });
  const [found, ...others] = findings.filter(({ kind }) => kind === "severalVoices");
  assert.equal(found.keys, ["533_3"]);
  assert.ok(found.probability > 0.9);
  assert.is(found.evidence.changeSeconds, 1.4);
  assert.equal(others, []);
  assert.equal(info.notLookedFor, []);
  assert.equal((await audited).info.notLookedFor, ["severalVoices"]);
});

test("audit gives the same with checks in any order", async () => {
  const { utterances, checks } = await corpus;
  assert.equal(await audit(utterances.toReversed(), { checks: checks.toReversed() }), await audited);
});

test("audit says what it did not look for without checks, and whose audio is unknown", async () => {
  const { utterances, checks } = await corpus;
  const without = await audit(utterances);
  assert.ok(without.info.notLookedFor.includes("nearCopies"));
  assert.match(
    [...auditSummary(without)].join("\n"),
    /Not looked for, without the audio: copies, .*extract with --checks/,
  );
  const half = await audit(utterances, { checks: checks.slice(0, 5) });
  assert.is(half.info.unmeasured, utterances.length - 5);
  assert.match([...auditSummary(half)].join("\n"), /nothing is known of the audio/);
  try {
    await audit(utterances, { checks: [{ ...checks[0], key: "other" }] });
    assert.unreachable();
  } catch (error) {
    assert.match((error as Error).message, /Give the checks of the same corpus/);
  }
});

test("audit of one utterance, and of none, with checks", async () => {
  const { utterances, checks } = await corpus;
  const one = await audit(utterances.slice(0, 1), { checks: checks.slice(0, 1) });
  assert.equal(one.findings, []);
  assert.equal((await audit([], { checks: [] })).findings, []);
});

test.run();
