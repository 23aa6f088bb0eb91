// Writes docs/api.md: a line for each export, from its docstring. `npm run docs` writes it; `--check` only says whether it is
// up to date. An export belongs to the group of the folder that declares it, so a new one needs no edit here.
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const page = join(root, "docs", "api.md");
const entries = ["src/index.ts", "kernels/speakerscope/api.ts"];

/** Headings in the order in which one works, and the folders of each. Other folders follow under their own names. */
const groups = {
  "Load and scan": ["corpus", "audio", "vad"],
  Embed: ["features", "models", "embed", "runtime"],
  Extract: ["extract", "store"],
  Merge: ["merge", "merged"],
  Compare: ["similarity", "comparison"],
  Score: ["scoring"],
  "Analyse and audit": ["analysis", "audit", "checks"],
  Charts: ["charts"],
  "Listen and review": ["listen", "review"],
  "Whole stages": ["pipeline"],
  Files: ["format", "tables"],
  "Shared types and errors": ["types", "errors"],
  "In a cell: speakerscope/kernel": ["kernels"],
};

const text = render(readExports());
if (!process.argv.includes("--check")) writeFileSync(page, text);
else if (text !== readFileSync(page, "utf8")) {
  console.error("docs/api.md is not what the docstrings say. Run: npm run docs");
  process.exit(1);
}

function readExports() {
  const program = ts.createProgram(
    entries.map((entry) => join(root, entry)),
    {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.Node16,
      moduleResolution: ts.ModuleResolutionKind.Node16,
      strict: true,
      noEmit: true,
      types: [],
    },
  );
  const checker = program.getTypeChecker();
  return entries.flatMap((entry) => {
    const module = checker.getSymbolAtLocation(program.getSourceFile(join(root, entry)));
    return checker.getExportsOfModule(module).map((exported) => {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
      const declarations = symbol.getDeclarations();
      const file = relative(root, declarations[0].getSourceFile().fileName);
      return {
        name: exported.name,
        file,
        room: roomOf(file),
        isValue: (symbol.flags & ts.SymbolFlags.Value) !== 0,
        signature: signatureOf(declarations),
        declaration: declarations[0],
        line: firstSentence(ts.displayPartsToString(symbol.getDocumentationComment(checker))),
      };
    });
  });
}

/** Of a function, or of a constant that holds one; the first of overloads. */
function signatureOf(declarations) {
  const [first] = declarations;
  if (ts.isFunctionDeclaration(first)) return first;
  return ts.isVariableDeclaration(first) && first.initializer && ts.isArrowFunction(first.initializer)
    ? first.initializer
    : undefined;
}

function roomOf(file) {
  const [top, room] = file.split("/");
  return top === "src" ? room.replace(/\.ts$/, "") : top;
}

/** Up to the first full stop that ends a sentence, in one line. */
function firstSentence(documentation) {
  const paragraph = documentation
    .split(/\n\s*\n/)[0]
    .replace(/\s+/g, " ")
    .trim();
  return (/^.*?[.?!](?= [A-Z`"]|$)/.exec(paragraph)?.[0] ?? paragraph).replace(/:$/, ".");
}

function render(exports) {
  const rooms = [...new Set(exports.map(({ room }) => room))].sort();
  const placed = new Set(Object.values(groups).flat());
  const strangers = rooms.filter((room) => !placed.has(room)).map((room) => [capitalised(room), [room]]);
  const sections = [...Object.entries(groups), ...strangers].map(([heading, folders]) => {
    const members = exports.filter(({ room }) => folders.includes(room)).sort(byName);
    return members.length === 0 ? "" : section(heading, members, exports);
  });
  return [
    "# The API",
    "<!-- Made from the docstrings by `npm run docs`: change those. -->",
    'Everything that `import { ... } from "speakerscope"` gives, and at the end `"speakerscope/kernel"`, in the order in which one works. ' +
      "A name leads to its source, where the docstring has the options with their defaults and an example; in a notebook `?name` shows the same.",
    "In results, a number that the data do not give is NaN (the mean of no pairs); what is not there or was not asked for is null " +
      "(a probability without a calibration, an unknown speaker). In tables both are empty, and in Parquet NaN stays NaN.",
    ...sections.filter(Boolean),
    "",
  ]
    .join("\n\n")
    .replace(/\n+$/, "\n");
}

function section(heading, members, exports) {
  const values = members.filter(({ isValue }) => isValue);
  const types = members.filter(({ isValue }) => !isValue);
  const rows = (list, cell, line) =>
    list.map((one) => `| [\`${cell(one)}\`](../${one.file}) | ${line(one).replaceAll("|", "\\|")} |`);
  const tables = [];
  if (values.length > 0)
    tables.push(["| | |", "|---|---|", ...rows(values, call, ({ line }) => line)].join("\n"));
  if (types.length > 0)
    tables.push(
      [
        "| type | |",
        "|---|---|",
        ...rows(
          types,
          ({ name }) => name,
          (type) => type.line || useOf(type, exports),
        ),
      ].join("\n"),
    );
  return [`## ${heading}`, ...tables].join("\n\n");
}

/** `scan(root, options)`; a constant is its name alone. */
function call({ name, signature }) {
  return signature ? `${name}(${signature.parameters.map(nameOf).join(", ")})` : name;
}

/** A destructured parameter has no name of its own: it is called like its type, or `options` where it may be left out. */
function nameOf({ name, type, initializer }) {
  if (ts.isIdentifier(name)) return name.text;
  const typeName = type && ts.isTypeReferenceNode(type) ? type.typeName.getText() : "Data";
  return initializer ? "options" : typeName[0].toLowerCase() + typeName.slice(1);
}

/** What a type without a docstring is for: the export that takes it, gives it or holds it; the nearest by file, then by room. */
function useOf({ name, file, room }, exports) {
  const mentions = (node) => node !== undefined && new RegExp(`\\b${name}\\b`).test(node.getText());
  const others = exports.filter((other) => other.name !== name);
  for (const near of [
    others.filter((other) => other.file === file),
    others.filter((other) => other.room === room),
    others,
  ]) {
    const taking = near.find(({ signature }) => signature?.parameters.some(mentions));
    if (taking) return `Taken by \`${taking.name}\`.`;
    const giving = near.find(({ signature }) => mentions(signature?.type));
    if (giving) return `Given by \`${giving.name}\`.`;
    const holding = near.find(({ isValue, declaration }) => !isValue && mentions(declaration));
    if (holding) return `Part of \`${holding.name}\`.`;
  }
  return "";
}

function byName(a, b) {
  return a.name < b.name ? -1 : 1;
}

function capitalised(word) {
  return word[0].toUpperCase() + word.slice(1);
}
