import type * as TypeScript from "typescript";

type Ts = typeof TypeScript;

/**
 * The declarations after a cell that failed: what it had set keeps its new type, what it had not keeps the old one.
 *
 * @param isSet whether the cell gave this variable, function, class or enum a value
 */
export function mergeDeclarations(
  ts: Ts,
  before: string,
  after: string,
  isSet: (name: string) => boolean,
): string {
  const old = statementsOf(ts, before);
  const kept: string[] = [];
  const dropped = new Set<string>();
  for (const statement of statementsOf(ts, after)) {
    const names = valueNames(ts, statement);
    if (names === null || names.every(isSet)) kept.push(statement.getText());
    else if (ts.isVariableStatement(statement)) kept.push(...partOf(ts, statement, isSet));
    for (const name of names ?? []) if (!isSet(name)) dropped.add(name);
  }
  const restored = old.flatMap((statement) => {
    const names = valueNames(ts, statement);
    if (names === null || !names.some((name) => dropped.has(name))) return [];
    if (ts.isVariableStatement(statement)) return partOf(ts, statement, (name) => dropped.has(name));
    return [statement.getText()];
  });
  return [...kept, ...restored, ""].join("\n");
}

/** The names of the values that these declarations know, with their types as TypeScript prints them. */
export function declaredValues(ts: Ts, declarations: string): { name: string; type: string }[] {
  return statementsOf(ts, declarations).flatMap((statement) => {
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.map((d) => ({
        name: d.name.getText(),
        type: d.type?.getText() ?? d.initializer?.getText() ?? "any",
      }));
    if (ts.isFunctionDeclaration(statement)) return [{ name: statement.name?.text ?? "", type: "function" }];
    if (ts.isClassDeclaration(statement)) return [{ name: statement.name?.text ?? "", type: "class" }];
    if (ts.isEnumDeclaration(statement)) return [{ name: statement.name.text, type: "enum" }];
    return [];
  });
}

function statementsOf(ts: Ts, text: string): readonly TypeScript.Statement[] {
  return ts.createSourceFile("declarations.d.ts", text, ts.ScriptTarget.Latest, true).statements;
}

/** The values that a statement declares; null where it declares only types, or imports. */
function valueNames(ts: Ts, statement: TypeScript.Statement): string[] | null {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map((d) => d.name.getText());
  if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement))
    return statement.name ? [statement.name.text] : null;
  return ts.isEnumDeclaration(statement) ? [statement.name.text] : null;
}

function partOf(
  ts: Ts,
  { declarationList: list }: TypeScript.VariableStatement,
  keep: (name: string) => boolean,
): string[] {
  const parts = list.declarations.filter((d) => keep(d.name.getText())).map((d) => d.getText());
  const word = list.flags & ts.NodeFlags.Const ? "const" : "let";
  return parts.length > 0 ? [`declare ${word} ${parts.join(", ")};`] : [];
}
