import type * as TypeScript from "typescript";

type Ts = typeof TypeScript;

const VALUE = 1;
const TYPE = 2;

/** One declaration of a cell, e.g. `declare const x: number;`. Overloads and merged interfaces share a name. */
export interface Declaration {
  name: string;
  text: string;
  meaning: number;
  /** Every identifier in the text: the names that it may refer to. */
  words: Set<string>;
  /** What `%who` shows; undefined for pure types. */
  type?: string;
}

export const wordsOf = (text: string): Set<string> =>
  new Set(text.match(/[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/gu));

/** Splits the compiler's declaration output into single declarations. */
export function splitDeclarations(ts: Ts, text: string): Declaration[] {
  const file = ts.createSourceFile("declarations.d.ts", text, ts.ScriptTarget.Latest, true);
  return file.statements.flatMap((statement) => split(ts, statement));
}

function split(ts: Ts, statement: TypeScript.Statement): Declaration[] {
  // With the comment before it, which is its documentation.
  const whole = statement.getFullText().trim();
  const one = (name: string, text: string, meaning: number, type?: string): Declaration => ({
    name,
    text,
    meaning,
    words: wordsOf(text),
    type,
  });
  if (ts.isVariableStatement(statement)) {
    const { declarations, flags } = statement.declarationList;
    const word = flags & ts.NodeFlags.Const ? "const" : "let";
    return declarations.map((d) => {
      const text = declarations.length === 1 ? whole : `declare ${word} ${d.getText()};`;
      return one(d.name.getText(), text, VALUE, d.type?.getText() ?? d.initializer?.getText() ?? "any");
    });
  }
  if (ts.isFunctionDeclaration(statement)) return [one(nameOf(statement), whole, VALUE, "function")];
  if (ts.isClassDeclaration(statement)) return [one(nameOf(statement), whole, VALUE | TYPE, "class")];
  if (ts.isEnumDeclaration(statement)) return [one(nameOf(statement), whole, VALUE | TYPE, "enum")];
  if (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement))
    return [one(nameOf(statement), whole, TYPE)];
  if (ts.isImportEqualsDeclaration(statement)) return [one(nameOf(statement), whole, VALUE | TYPE)];
  if (ts.isImportDeclaration(statement))
    return importsOf(ts, statement).map(([name, text]) => one(name, text, VALUE | TYPE));
  if (!ts.isModuleDeclaration(statement)) return [];
  if (ts.isIdentifier(statement.name) && !isGlobal(ts, statement))
    return [one(nameOf(statement), whole, VALUE | TYPE, "namespace")];
  // `declare global` and `declare module "x"`: a later cell replaces single names in them.
  const { body } = statement;
  if (!body || !ts.isModuleBlock(body)) return [one(statement.name.getText(), whole, TYPE)];
  const head = statement.getText().slice(0, body.getStart() - statement.getStart());
  return body.statements.map((inner) => {
    const names = split(ts, inner).map(({ name }) => name);
    return one(`${head}${names}`, `${head}{ ${inner.getFullText().trim()} }`, TYPE);
  });
}

const nameOf = (node: { name?: TypeScript.Node }): string => node.name?.getText() ?? "";

/** Tells `declare global` from a namespace called `global`: both nodes have that name. */
export const isGlobal = (ts: Ts, node: TypeScript.ModuleDeclaration): boolean =>
  (node.flags & ts.NodeFlags.GlobalAugmentation) !== 0;

function importsOf(ts: Ts, statement: TypeScript.ImportDeclaration): [name: string, text: string][] {
  const { importClause: clause, moduleSpecifier, attributes } = statement;
  if (!clause) return [];
  const word = clause.isTypeOnly ? "import type" : "import";
  const from = ["from", moduleSpecifier.getText(), attributes?.getText() ?? ""].join(" ").trim();
  const found: [string, string][] = [];
  if (clause.name) found.push([clause.name.text, `${word} ${clause.name.text} ${from};`]);
  const bindings = clause.namedBindings;
  if (bindings && ts.isNamespaceImport(bindings))
    found.push([bindings.name.text, `${word} ${bindings.getText()} ${from};`]);
  else
    for (const element of bindings?.elements ?? [])
      found.push([element.name.text, `${word} { ${element.getText()} } ${from};`]);
  return found;
}

/**
 * The declarations that hold after a cell: its own, and those of earlier cells that it did not replace.
 *
 * @param isSet for a cell that failed: whether it assigned this name before it failed; if not, the old type stays
 */
export function mergeDeclarations(
  old: Declaration[],
  fresh: Declaration[],
  isSet: (name: string) => boolean = () => true,
): Declaration[] {
  const kept = fresh.filter(({ name, type }) => type === undefined || isSet(name));
  const meanings = new Map<string, number>();
  for (const { name, meaning } of kept) meanings.set(name, (meanings.get(name) ?? 0) | meaning);
  const rest = old.flatMap((declaration) => {
    const left = declaration.meaning & ~(meanings.get(declaration.name) ?? 0);
    if (left === declaration.meaning) return [declaration];
    if (left !== VALUE) return [];
    // An interface has replaced the class as a type. The class still exists as a value, but its type has no name.
    const { name } = declaration;
    return [{ name, text: `declare let ${name}: any;`, meaning: VALUE, words: new Set([name]), type: "any" }];
  });
  return [...kept, ...rest];
}

/** The declarations that these words refer to, directly or through other declarations. */
export function needed(declarations: Declaration[], words: Set<string>): Declaration[] {
  const byName = new Map<string, Declaration[]>();
  const found = new Set<Declaration>();
  const wanted = new Set(words);
  for (const declaration of declarations) {
    const isAlwaysSeen =
      declaration.text.startsWith("declare global") || declaration.text.startsWith("declare module");
    if (isAlwaysSeen) {
      found.add(declaration);
      for (const word of declaration.words) wanted.add(word);
    } else byName.set(declaration.name, [...(byName.get(declaration.name) ?? []), declaration]);
  }
  for (const word of wanted)
    for (const declaration of byName.get(word) ?? []) {
      found.add(declaration);
      for (const other of declaration.words) wanted.add(other);
    }
  return declarations.filter((declaration) => found.has(declaration));
}

export const textOf = (declarations: Declaration[]): string =>
  declarations.map(({ text }) => `${text}\n`).join("");
