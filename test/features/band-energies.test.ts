import { test } from "uvu";
import * as assert from "uvu/assert";
import { type BandPlan, bandEnergies, frameCount } from "../../src/features/band-energies.js";
import { python, runPython } from "../python.js";
import { voice } from "../tiny.js";

const plan = (changes: Partial<BandPlan> = {}): BandPlan => ({
  shift: 160,
  window: Float64Array.from({ length: 400 }, (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / 400)),
  preemphasis: 0,
  removeDcOffset: false,
  fftSize: 400,
  filters: [
    { first: 0, weights: [1, 0.5] },
    { first: 20, weights: [0.25, 0.5, 0.25] },
  ],
  ...changes,
});

test("transforms of every even size, with and without a logarithm, agree with numpy's in float64", () => {
  if (python === null) return console.log("SKIPPED band energies: no Python with numpy");
  const samples = voice(7, { seconds: 0.2 });
  // 2 alone, powers of 2 and of 4, and sizes with the factors 3, 5, 7, 11 and 13; windows that fill them and that do not.
  const plans = [2, 4, 6, 22, 256, 286, 400, 512, 600, 882].flatMap((fftSize) =>
    [undefined, { floor: 1e-8, offset: 0 }, { floor: 0, offset: 2 ** -24 }].map((log) => {
      const bins = fftSize / 2 + 1;
      return plan({
        fftSize,
        window: Float64Array.from({ length: Math.max(2, fftSize - 37) }, (_, n) => 1 + Math.sin(n)),
        filters: [
          { first: 0, weights: Array.from({ length: bins }, (_, k) => 1 / (k + 1)) },
          { first: bins - 1, weights: [2] },
          { first: 0, weights: [] },
        ],
        log,
        preemphasis: 0.97,
        removeDcOffset: true,
      });
    }),
  );
  const settings = JSON.stringify(plans.map((each) => ({ ...each, window: [...each.window] })));
  const answer = runPython(numpyEnergies, [], {
    input: Buffer.concat([Buffer.from(`${settings}\n`), Buffer.from(samples.buffer)]),
  });
  for (const [i, expected] of (JSON.parse(answer) as number[][][]).entries()) {
    const { fftSize, log } = plans[i]!;
    const { data, rows, columns } = bandEnergies(plans[i]!)(samples);
    assert.equal([rows, columns], [expected.length, 3]);
    const errors = expected
      .flat()
      .map((value, at) => Math.abs(value - data[at]!) / Math.max(1, Math.abs(value)));
    assert.ok(Math.max(...errors) < 1e-6, `${fftSize}, ${JSON.stringify(log)}: ${Math.max(...errors)}`);
  }
});

test("a signal shorter than a frame has no rows", () => {
  const { data, rows, columns } = bandEnergies(plan({}))(new Float32Array(399));
  assert.equal([data.length, rows, columns], [0, 0, 2]);
  assert.equal(
    [0, 399, 400, 559, 560].map((samples) => frameCount(samples, 400, 160)),
    [0, 0, 1, 1, 2],
  );
});

test("gaps between frames are skipped, also where the signal is copied in parts", () => {
  const samples = voice(4, { seconds: 20 });
  const shift = 1000;
  const { data, rows } = bandEnergies(plan({ shift }))(samples);
  assert.is(rows, 320);
  const last = bandEnergies(plan({ shift }))(samples.subarray(319 * shift)).data;
  assert.equal(data.subarray(319 * 2), last);
});

const numpyEnergies = `
import sys, json, numpy as np
plans = json.loads(sys.stdin.buffer.readline())
x = np.frombuffer(sys.stdin.buffer.read(), np.float32).astype(float)
def energies(o):
    w = np.array(o['window']); n = len(w); rows = []
    for start in range(0, len(x) - n + 1, o['shift']):
        f = x[start:start+n] - x[start:start+n].mean()
        f = (f - o['preemphasis'] * np.concatenate([f[:1], f[:-1]])) * w
        p = np.abs(np.fft.rfft(f, o['fftSize'])) ** 2
        e = [float(np.dot(p[b['first']:b['first']+len(b['weights'])], b['weights'])) for b in o['filters']]
        if 'log' in o: e = [float(np.log(max(v, o['log']['floor']) + o['log']['offset'])) for v in e]
        rows.append(e)
    return rows
print(json.dumps([energies(o) for o in plans]))
`;

test.run();
