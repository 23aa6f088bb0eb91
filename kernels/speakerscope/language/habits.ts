import type { Problem } from "./requests.js";

const tables =
  'toDataFrame(rows) from "speakerscope" makes a table of rows, a danfojs DataFrame like pandas\'';
const charts =
  'heatmap, distribution and more charts come from "speakerscope"; a Vega-Lite specification as the last expression is drawn as well';
const arrays = "numbers are in a Float32Array, or a matrix { data, rows, columns }; readNpy reads .npy";
const audio = 'loadAudio(path) from "speakerscope" reads a recording';
const blocks =
  "blocks stand in braces: if (x > 0) { … } else { … }, for (const x of xs) { … }, try { … } catch { … }";
const files = 'readFileSync and existsSync come from "node:fs", join from "node:path"';

/** Python's names, and what there is here. */
const names: Record<string, string> = {
  print: "console.log(x) prints, and the last expression of a cell is shown without it",
  help: "?name, or Shift-Tab behind a name, shows its type and documentation",
  dir: "press Tab behind x. to see what x has, or use Object.keys(x)",
  type: "?x shows the type of x, typeof x gives it as text",
  len: "x.length counts an array or a text, x.size a Map or Set",
  range: "Array.from({ length: n }, (_, i) => i), or for (let i = 0; i < n; i++) { … }",
  enumerate: "for (const [i, x] of xs.entries()) { … }",
  zip: "xs.map((x, i) => [x, ys[i]])",
  sorted: "xs.toSorted((a, b) => a - b), or toSorted((a, b) => b.score - a.score) for rows",
  sum: "xs.reduce((total, x) => total + x, 0)",
  min: "Math.min(...xs)",
  max: "Math.max(...xs)",
  abs: "Math.abs(x)",
  round: "Math.round(x), or x.toFixed(2) as text",
  any: "xs.some((x) => x > 0)",
  all: "xs.every((x) => x > 0)",
  map: "xs.map((x) => x + 1)",
  filter: "xs.filter((x) => x > 0)",
  str: "String(x), or a text in backquotes with values in braces behind a dollar sign",
  int: "Math.trunc(Number(x))",
  float: "Number(x)",
  list: "[...xs]",
  dict: "{ key: value }, or new Map()",
  set: "new Set(xs)",
  open: 'readFileSync(path, "utf8") from "node:fs"',
  True: "true",
  False: "false",
  None: "null",
  pd: tables,
  pandas: tables,
  np: arrays,
  numpy: arrays,
  plt: charts,
  matplotlib: charts,
  sns: charts,
  seaborn: charts,
  librosa: audio,
  soundfile: audio,
  sf: audio,
  torchaudio: audio,
  os: files,
  pathlib: files,
  json: "JSON.parse(text) and JSON.stringify(x, null, 2)",
  sys: "process.argv, process.env and process.stdout",
  time: "%time before a statement times it, %%time in the first line the cell",
};

/** A page's names, which the compiler would send to its options. */
const ofPages = new Set(["document", "window", "localStorage", "HTMLElement", "requestAnimationFrame"]);

/** Python's lines, and what there is here. */
const lines: [RegExp, (found: RegExpExecArray) => string][] = [
  [
    /^\s*from\s+([\w.]+)\s+import\s+(\w.*)$/,
    ([, home, list]) =>
      Object.hasOwn(names, home) ? names[home] : `import { ${list.trim()} } from "${home}"`,
  ],
  [
    /^\s*import\s+(\w+)[\w.]*(?:\s+as\s+\w+)?(?:\s*,.*)?\s*;?$/,
    ([, name]) =>
      (Object.hasOwn(names, name) && names[name]) ||
      'import { name } from "package" imports from npm\'s packages',
  ],
  [
    /^\s*(?:async\s+)?def\s+(\w+)\s*\(/,
    ([, name]) => `function ${name}(x: number) { return … }, or const ${name} = (x: number) => …`,
  ],
  [/\blambda\b[^:]*:/, () => "(x) => x + 1"],
  [/\[.*\bfor\s+\w+\s+in\b.*\]/, () => "xs.map((x) => x + 1), after xs.filter((x) => x > 0) for a condition"],
  [/^\s*class\s+\w+.*:\s*$/, () => "class Name { constructor(readonly x: number) {} }"],
  [/^\s*(?:for|if|elif|else|while|try|except|finally|with)\b.*:\s*(?:#.*)?$/, () => blocks],
  [/^\s*#(?!!)/, () => "// begins a comment"],
  [/(?:^|[\s(=,])[rbf]+["']/, () => "a text in backquotes takes values in braces behind a dollar sign"],
  [/\b(?:and|or|not)\b/, () => "&&, || and ! stand for and, or and not"],
];

/** TypeScript's errors for a name that nobody has declared. */
const unknownName = new Set([2304, 2552, 2503, 2580, 2582, 2584, 18004]);

/** TypeScript's error for a module that is nowhere. */
const missingModule = 2307;

/** The name that a problem says is unknown. */
export function unknownNameOf({ code, message }: Problem): string | null {
  return unknownName.has(code) ? (/'([^']+)'/.exec(message)?.[1] ?? null) : null;
}

/**
 * A line for each habit of other languages that made a cell fail: what there is here instead.
 *
 * @param exports the names that a package has, to tell what only has to be imported
 */
export function habitsIn(
  code: string,
  problems: Problem[],
  exports: () => Record<string, string[]>,
): string[] {
  const text = code.split("\n");
  const notes = problems
    .filter(({ file }) => file === null)
    .map((problem) => habitOf(text[problem.line - 1] ?? "", problem, exports));
  return [...new Set(notes.filter((note) => note !== null))].slice(0, 3);
}

function habitOf(line: string, problem: Problem, exports: () => Record<string, string[]>): string | null {
  const name = unknownNameOf(problem);
  if (name !== null) {
    if (Object.hasOwn(names, name)) return `Instead of Python's ${name}: ${names[name]}.`;
    if (ofPages.has(name))
      return `Cells run in Node.js, not in a page: display.html(text) and widget from "speakerscope/kernel" show something in it.`;
    if (/^\s*[\w, ]+=(?![=>])/.test(line.slice(problem.column - 1)))
      return `A variable is declared by const or let: const ${line.trim()}`;
    const home = Object.entries(exports()).find(([, list]) => list.includes(name));
    return home ? `${name} has to be imported: import { ${name} } from "${home[0]}";` : null;
  }
  if (/\.plot\b/.test(line) && /IPlotlyLib|Expected 1 arguments/.test(problem.message))
    return `Plots of danfojs need a browser: ${charts}.`;
  const [, absent] = problem.code === missingModule ? (/'([^']+)'/.exec(problem.message) ?? []) : [];
  if (absent !== undefined && Object.hasOwn(names, absent))
    return `Instead of Python's ${absent}: ${names[absent]}.`;
  const wanted = absent === undefined ? null : /^(?:@[\w.-]+\/)?[\w-][\w.-]*(?=\/|$)/.exec(absent);
  if (wanted) return `Packages come from npm: !npm install ${wanted[0]} puts it beside the notebook.`;
  if (/'Promise<.*'/.test(problem.message))
    return "The value is a promise: write await before the call that gives it.";
  // Syntax errors have numbers below 2000.
  if (problem.code >= 2000) return null;
  for (const [pattern, hint] of lines) {
    const found = pattern.exec(line);
    if (found) return `Instead of Python's \`${line.trim()}\`: ${hint(found)}.`;
  }
  return null;
}

/** IPython's magics that are not here, and what is. */
export const magicHabits: Record<string, string> = {
  pip: "packages come from npm: !npm install NAME",
  conda: "packages come from npm: !npm install NAME",
  mamba: "packages come from npm: !npm install NAME",
  uv: "packages come from npm: !npm install NAME",
  timeit: "%time before a statement times it once, %%time in the first line the whole cell",
  prun: "%time before a statement times it",
  matplotlib: "charts need no set-up, the last expression of a cell is drawn",
  load_ext: "there are no extensions; a changed file is loaded afresh when its import runs again",
  autoreload: "a changed file is loaded afresh when its import runs again",
  config: "there is nothing to configure",
  run: 'import { name } from "./file" runs a file beside the notebook',
  whos: "%who",
  ls: "!ls",
  pylab: "charts need no set-up, the last expression of a cell is drawn",
  capture: "console.log and charts cannot be captured; a semicolon hides the last expression",
  writefile: 'writeFileSync(path, text) from "node:fs"',
  debug: "?name shows what a name is, and an error's traceback marks the place",
};
