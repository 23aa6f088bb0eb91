import type * as TypeScript from "typescript";
import { isGlobal } from "./declarations.js";

type Ts = typeof TypeScript;

/** What the text of a cell alone tells. */
export interface Cell {
  /** The text to compile: the cell, at unchanged positions, followed by an export of all that it declares. */
  text: string;
  /** The length of the cell within `text`. */
  length: number;
  /** What it declares at top level. */
  names: string[];
  /** `var`s in blocks and loops, which are hoisted to the cell. */
  hoisted: string[];
  /** It may import another module. */
  hasImports: boolean;
  isAsync: boolean;
  /** The last statement is an expression without a semicolon. */
  isShown: boolean;
  /** Syntax errors; if there are any, the other fields mean nothing. */
  problems: readonly TypeScript.Diagnostic[];
}

export function readCell(ts: Ts, code: string): Cell {
  let text = code.replace(/^#!/, "//");
  let file = parse(ts, text);
  const problems = parseProblems(file);
  if (file.statements.some((statement) => isExport(ts, statement))) {
    text = withoutExports(ts, file);
    file = parse(ts, text);
  }
  const names = new Set(file.statements.flatMap((statement) => declaredBy(ts, statement)));
  const hoisted = hoistedVars(ts, file).filter((name) => !names.has(name));
  const last = file.statements.at(-1);
  return {
    text: `${text}\nexport { ${[...names, ...hoisted].join(", ")} };\n`,
    length: text.length,
    names: [...names],
    hoisted: [...new Set(hoisted)],
    hasImports: /\b(?:import|require)\b/.test(text),
    isAsync: hasTopLevelAwait(ts, file),
    isShown: last !== undefined && ts.isExpressionStatement(last) && !last.getText(file).endsWith(";"),
    problems,
  };
}

export function parse(ts: Ts, code: string): TypeScript.SourceFile {
  const options: TypeScript.CreateSourceFileOptions = {
    languageVersion: ts.ScriptTarget.Latest,
    // Parse as a module even without imports: in a script `await (x)` is a call.
    setExternalModuleIndicator: (file) => Object.assign(file, { externalModuleIndicator: true }),
  };
  return ts.createSourceFile("cell.ts", code, options, false, ts.ScriptKind.TS);
}

/** Syntax errors, read from a private field: the public API needs a whole program for them. */
export function parseProblems(file: TypeScript.SourceFile): readonly TypeScript.Diagnostic[] {
  return (file as unknown as { parseDiagnostics: TypeScript.Diagnostic[] }).parseDiagnostics;
}

const modifiersOf = (ts: Ts, node: TypeScript.Node) =>
  (ts.canHaveModifiers(node) ? ts.getModifiers(node) : undefined) ?? [];

function isExport(ts: Ts, statement: TypeScript.Statement): boolean {
  if (ts.isExportDeclaration(statement) || ts.isExportAssignment(statement)) return true;
  if (ts.isNamespaceExportDeclaration(statement)) return true;
  return modifiersOf(ts, statement).some((m) => m.kind === ts.SyntaxKind.ExportKeyword);
}

/** Replaces the user's `export`s by blanks: every cell exports all that it declares anyway. */
function withoutExports(ts: Ts, file: TypeScript.SourceFile): string {
  let { text } = file;
  const put = (start: number, end: number, instead = "") => {
    const blank = text.slice(start + instead.length, end).replace(/[^\n]/g, " ");
    text = text.slice(0, start) + instead + blank + text.slice(end);
  };
  for (const statement of file.statements) {
    const start = statement.getStart(file);
    if (ts.isExportDeclaration(statement)) {
      const { moduleSpecifier, exportClause } = statement;
      if (!moduleSpecifier) put(start, statement.end);
      else if (exportClause) put(start, start + "export".length, "import");
      else put(start, moduleSpecifier.getStart(file), "import");
    } else if (ts.isExportAssignment(statement)) {
      const { expression } = statement;
      // An expression statement must not begin with these.
      const isStatement = /^(?:\{|function\b|class\b|async\b|let\b)/.test(expression.getText(file));
      put(start, expression.getStart(file), isStatement ? "void" : "");
    } else if (ts.isNamespaceExportDeclaration(statement)) put(start, statement.end);
    else {
      const isNameless =
        (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) && !statement.name;
      for (const modifier of modifiersOf(ts, statement))
        if (modifier.kind === ts.SyntaxKind.ExportKeyword || modifier.kind === ts.SyntaxKind.DefaultKeyword)
          put(modifier.getStart(file), modifier.end);
      if (isNameless) put(start, start + "void".length, "void");
    }
  }
  return text;
}

function declaredBy(ts: Ts, statement: TypeScript.Statement): string[] {
  if (ts.isImportDeclaration(statement)) {
    const { name, namedBindings } = statement.importClause ?? {};
    const bound =
      namedBindings && ("elements" in namedBindings ? [...namedBindings.elements] : [namedBindings]);
    return [name, ...(bound ?? []).map((b) => b.name)].flatMap((n) => (n ? [n.text] : []));
  }
  if (ts.isVariableStatement(statement)) {
    const { declarationList: list } = statement;
    // `using` variables are disposed when the cell ends, so later cells must not see them.
    return list.flags & ts.NodeFlags.Using ? [] : list.declarations.flatMap((d) => namesIn(ts, d.name));
  }
  if (ts.isModuleDeclaration(statement))
    return ts.isIdentifier(statement.name) && !isGlobal(ts, statement) ? [statement.name.text] : [];
  const { name } = statement as TypeScript.Statement & { name?: TypeScript.Node };
  return name && ts.isIdentifier(name) ? [name.text] : [];
}

function namesIn(ts: Ts, name: TypeScript.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text];
  return name.elements.flatMap((e) => (ts.isOmittedExpression(e) ? [] : namesIn(ts, e.name)));
}

/** Nodes that have their own scope for `var` and `await`. */
export const isOwnScope = (ts: Ts, node: TypeScript.Node): boolean =>
  ts.isFunctionLike(node) || ts.isClassStaticBlockDeclaration(node) || ts.isModuleBlock(node);

function hoistedVars(ts: Ts, file: TypeScript.SourceFile): string[] {
  const found: string[] = [];
  const visit = (node: TypeScript.Node): void => {
    if (isOwnScope(ts, node) || ts.isExpression(node)) return;
    if (ts.isVariableDeclarationList(node) && !(node.flags & ts.NodeFlags.BlockScoped))
      found.push(...node.declarations.flatMap((d) => namesIn(ts, d.name)));
    ts.forEachChild(node, visit);
  };
  for (const statement of file.statements) if (!ts.isVariableStatement(statement)) visit(statement);
  return found;
}

export function hasTopLevelAwait(ts: Ts, file: TypeScript.SourceFile): boolean {
  const visit = (node: TypeScript.Node): boolean => {
    if (ts.isAwaitExpression(node)) return true;
    if (ts.isForOfStatement(node) && node.awaitModifier) return true;
    if (
      ts.isVariableDeclarationList(node) &&
      (node.flags & ts.NodeFlags.AwaitUsing) === ts.NodeFlags.AwaitUsing
    )
      return true;
    if (isOwnScope(ts, node) || ts.isPropertyDeclaration(node)) {
      // Computed names and decorators are evaluated in the surrounding scope.
      const { name, modifiers = [] } = node as TypeScript.PropertyDeclaration;
      return (
        (name !== undefined && ts.isComputedPropertyName(name) && visit(name)) || [...modifiers].some(visit)
      );
    }
    return ts.forEachChild(node, (child) => visit(child) || undefined) ?? false;
  };
  return visit(file);
}
