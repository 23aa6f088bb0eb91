import type * as TypeScript from "typescript";
import { isOwnScope } from "./cell.js";

type Ts = typeof TypeScript;

/** What the emitter needs to know about a cell. */
interface Emitted {
  /** The names that it and earlier cells declare: only these are properties of `exports`. */
  names: Set<string>;
  hoisted: string[];
  isShown: boolean;
  isEarlier(file: TypeScript.SourceFile): boolean;
}

/**
 * Variables are stored in `exports` only, never in a local, so every cell and function sees the latest value.
 * Declarations become assignments, references to variables and to names of earlier cells become `exports.name`, and the
 * last expression is returned.
 */
export function cellTransformers(
  ts: Ts,
  checker: TypeScript.TypeChecker,
  cell: Emitted,
): TypeScript.CustomTransformers {
  const before: TypeScript.TransformerFactory<TypeScript.SourceFile> = (context) => (file) => {
    const { factory } = context;
    const variables = new Set<string>();

    const property = (name: string) =>
      factory.createPropertyAccessExpression(factory.createIdentifier("exports"), name);

    /** Whether a symbol's value is stored in `exports`. */
    const isKept = (symbol: TypeScript.Symbol | undefined): boolean =>
      symbol?.declarations?.some((declaration) => {
        const top = topOf(ts, declaration);
        if (!top) return false;
        return cell.isEarlier(top) || (top === file && isVariable(ts, declaration));
      }) ?? false;

    const visit = (node: TypeScript.Node): TypeScript.Node | TypeScript.Node[] | undefined => {
      if (ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return node;
      if (ts.isTypeNode(node) && !ts.isExpressionWithTypeArguments(node)) return node;
      if (ts.isIdentifier(node)) {
        if (!cell.names.has(node.text) || !isUse(ts, node)) return node;
        return isKept(checker.getSymbolAtLocation(node)) ? ts.setTextRange(property(node.text), node) : node;
      }
      if (ts.isShorthandPropertyAssignment(node)) {
        if (!isKept(checker.getShorthandAssignmentValueSymbol(node)))
          return ts.visitEachChild(node, visit, context);
        const fallback = node.objectAssignmentInitializer;
        const value = property(node.name.text);
        const given = fallback ? factory.createAssignment(value, expression(fallback)) : value;
        return ts.setTextRange(factory.createPropertyAssignment(node.name.text, given), node);
      }
      if (ts.isVariableStatement(node) && isOfCell(ts, node.declarationList)) return statementsOf(node);
      if (ts.isVariableDeclarationList(node) && isOfCell(ts, node)) {
        const loop = node.parent;
        if (!ts.isForStatement(loop)) return target(node.declarations[0].name);
        const parts: TypeScript.Expression[] = node.declarations.filter((d) => d.initializer).map(assignment);
        return parts.length > 0 ? parts.reduce((left, right) => factory.createComma(left, right)) : undefined;
      }
      if (ts.isCallExpression(node)) {
        const visited = ts.visitEachChild(node, visit, context);
        return visited.expression === node.expression || !ts.isIdentifier(node.expression)
          ? ownImport(ts, factory, visited)
          : factory.updateCallExpression(
              visited,
              withoutThis(visited.expression, node.expression),
              undefined,
              visited.arguments,
            );
      }
      if (ts.isTaggedTemplateExpression(node) && ts.isIdentifier(node.tag)) {
        const visited = ts.visitEachChild(node, visit, context);
        if (visited.tag === node.tag) return visited;
        const tag = withoutThis(visited.tag, node.tag);
        return factory.updateTaggedTemplateExpression(visited, tag, undefined, visited.template);
      }
      return ownImport(ts, factory, ts.visitEachChild(node, visit, context));
    };
    const expression = (node: TypeScript.Expression) => ts.visitNode(node, visit) as TypeScript.Expression;

    /** `(0, exports.f)()`: a function is not called with `exports` as its `this`. */
    const withoutThis = (callee: TypeScript.Expression, original: TypeScript.Expression) => {
      const pos = original.getStart(file);
      const value = factory.createComma(factory.createNumericLiteral(0), callee);
      // V8 reports the closing parenthesis as the place of the call; map it to where the name begins.
      return ts.setSourceMapRange(factory.createParenthesizedExpression(value), { pos, end: pos });
    };

    /** The left side of the assignment that a declaration becomes. */
    const target = (name: TypeScript.BindingName): TypeScript.Expression => {
      if (ts.isIdentifier(name)) {
        variables.add(name.text);
        return ts.setTextRange(property(name.text), name);
      }
      const withDefault = ({ name: inner, initializer }: TypeScript.BindingElement) =>
        initializer ? factory.createAssignment(target(inner), expression(initializer)) : target(inner);
      if (ts.isArrayBindingPattern(name))
        return factory.createArrayLiteralExpression(
          name.elements.map((element) => {
            if (ts.isOmittedExpression(element)) return element;
            return element.dotDotDotToken
              ? factory.createSpreadElement(target(element.name))
              : withDefault(element);
          }),
        );
      return factory.createObjectLiteralExpression(
        name.elements.map((element) => {
          if (element.dotDotDotToken) return factory.createSpreadAssignment(target(element.name));
          const key = element.propertyName ?? (element.name as TypeScript.Identifier).text;
          const visited =
            typeof key === "string" ? key : (ts.visitNode(key, visit) as TypeScript.PropertyName);
          return factory.createPropertyAssignment(visited, withDefault(element));
        }),
      );
    };
    const assignment = ({ name, initializer }: TypeScript.VariableDeclaration) => {
      const value = initializer ? expression(initializer) : factory.createVoidZero();
      return ts.setTextRange(factory.createAssignment(target(name), value), name.parent);
    };

    const statementsOf = (statement: TypeScript.VariableStatement): TypeScript.Statement[] => {
      const isTop = statement.parent === file;
      return statement.declarationList.declarations.flatMap((declaration): TypeScript.Statement[] => {
        const { name, initializer } = declaration;
        // A nested `var` without an initializer keeps its value.
        if (!initializer && !isTop) return [];
        if (!isTop || !initializer || !ts.isIdentifier(name) || !isNameless(ts, initializer))
          return [ts.setTextRange(factory.createExpressionStatement(assignment(declaration)), declaration)];
        // An anonymous function or class takes its name from a variable, but not from a property.
        variables.add(name.text);
        const local = factory.createVariableDeclaration(
          name.text,
          undefined,
          undefined,
          expression(initializer),
        );
        return [
          ts.setTextRange(
            factory.createVariableStatement(undefined, factory.createVariableDeclarationList([local])),
            statement,
          ),
          factory.createExpressionStatement(
            factory.createAssignment(property(name.text), factory.createIdentifier(name.text)),
          ),
        ];
      });
    };

    const own = file.statements.slice(0, -1);
    const last = own.at(-1);
    const body = own.flatMap((statement) => {
      if (statement !== last || !cell.isShown || !ts.isExpressionStatement(statement))
        return (visit(statement) ?? []) as TypeScript.Statement;
      const value = factory.createPropertyAssignment("value", expression(statement.expression));
      return ts.setTextRange(
        factory.createReturnStatement(factory.createObjectLiteralExpression([value])),
        statement,
      );
    });
    const hoisted = cell.hoisted.map((name) =>
      factory.createExpressionStatement(factory.createAssignment(property(name), factory.createVoidZero())),
    );
    return factory.updateSourceFile(file, [...hoisted, ...body, ...exportsOf(file)]);

    /** The remaining exports: functions, classes, enums, namespaces and imports. */
    function exportsOf({ statements }: TypeScript.SourceFile): TypeScript.Statement[] {
      const list = statements.at(-1) as TypeScript.ExportDeclaration;
      const { elements } = list.exportClause as TypeScript.NamedExports;
      const rest = elements.filter(({ name }) => !variables.has((name as TypeScript.Identifier).text));
      const clause = factory.updateNamedExports(list.exportClause as TypeScript.NamedExports, rest);
      return [factory.updateExportDeclaration(list, undefined, false, clause, undefined, undefined)];
    }
  };
  return { before: [before], after: [withoutPreamble(ts)] };
}

/** For local files: only `import()` and `import.meta` are changed. */
export function sourceTransformers(ts: Ts): TypeScript.CustomTransformers {
  const before: TypeScript.TransformerFactory<TypeScript.SourceFile> = (context) => (file) => {
    const visit = (node: TypeScript.Node): TypeScript.Node =>
      ownImport(ts, context.factory, ts.visitEachChild(node, visit, context));
    return ts.visitEachChild(file, visit, context);
  };
  return { before: [before] };
}

/** CommonJS has no `import.meta`, and `import()` would become `require`: calls the module loader for both. */
function ownImport(ts: Ts, factory: TypeScript.NodeFactory, node: TypeScript.Node): TypeScript.Node {
  const own = (name: string) =>
    factory.createPropertyAccessExpression(factory.createIdentifier("__tslab__"), name);
  const here = factory.createIdentifier("__filename");
  if (ts.isMetaProperty(node) && node.keywordToken === ts.SyntaxKind.ImportKeyword)
    return factory.createCallExpression(own("meta"), undefined, [here]);
  if (!ts.isCallExpression(node) || node.expression.kind !== ts.SyntaxKind.ImportKeyword) return node;
  const [specifier, options = factory.createVoidZero()] = node.arguments;
  return factory.updateCallExpression(node, own("import"), undefined, [here, specifier, options]);
}

/**
 * Removes the compiler's module preamble. It would reset the exported variables, and define imports as getters, which a
 * later cell could not redeclare.
 */
function withoutPreamble(ts: Ts): TypeScript.TransformerFactory<TypeScript.SourceFile> {
  return ({ factory }) =>
    (file) =>
      factory.updateSourceFile(
        file,
        file.statements.flatMap((statement) => {
          if (!ts.isExpressionStatement(statement)) return [statement];
          const { expression } = statement;
          // Synthesized nodes have no position; the same expression in the user's code has one.
          if (statement.pos < 0 && isUnsetting(ts, expression)) return [];
          const defined = definedProperty(ts, expression);
          if (!defined) return [statement];
          const [name, getter] = defined;
          if (name === "__esModule" || !getter) return [];
          const left = factory.createPropertyAccessExpression(factory.createIdentifier("exports"), name);
          return [factory.createExpressionStatement(factory.createAssignment(left, getter))];
        }),
      );
}

/** `exports.a = exports.b = void 0` */
function isUnsetting(ts: Ts, node: TypeScript.Expression): boolean {
  if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== ts.SyntaxKind.EqualsToken) return false;
  return ts.isVoidExpression(node.right) || isUnsetting(ts, node.right);
}

/** `Object.defineProperty(exports, name, { enumerable: true, get: function () { return value; } })` */
function definedProperty(
  ts: Ts,
  node: TypeScript.Expression,
): [name: string, value: TypeScript.Expression | undefined] | null {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return null;
  if (node.expression.name.text !== "defineProperty") return null;
  const [object, name, descriptor] = node.arguments;
  if (!ts.isIdentifier(object) || object.text !== "exports") return null;
  if (!ts.isStringLiteral(name) || !ts.isObjectLiteralExpression(descriptor)) return null;
  const getter = descriptor.properties.at(-1);
  if (!getter || !ts.isPropertyAssignment(getter) || !ts.isFunctionExpression(getter.initializer))
    return [name.text, undefined];
  const [result] = getter.initializer.body.statements;
  return [name.text, ts.isReturnStatement(result) ? result.expression : undefined];
}

/** Whether an identifier is an expression rather than the name of a property, declaration or label. */
function isUse(ts: Ts, node: TypeScript.Identifier): boolean {
  const parent = node.parent as TypeScript.Node & Record<"name" | "propertyName" | "label", unknown>;
  if (parent.name === node || parent.propertyName === node || parent.label === node) return false;
  return !ts.isQualifiedName(parent) && !ts.isImportEqualsDeclaration(parent);
}

/** The file of a top-level declaration, including nested `var`s; null for any other. */
function topOf(ts: Ts, declaration: TypeScript.Node): TypeScript.SourceFile | null {
  let node = declaration;
  while (ts.isBindingElement(node) || ts.isObjectBindingPattern(node) || ts.isArrayBindingPattern(node))
    node = node.parent;
  if (ts.isVariableDeclaration(node)) {
    const list = node.parent;
    if (!ts.isVariableDeclarationList(list)) return null;
    return isOfCell(ts, list) ? list.getSourceFile() : null;
  }
  while (
    ts.isImportSpecifier(node) ||
    ts.isNamedImports(node) ||
    ts.isNamespaceImport(node) ||
    ts.isImportClause(node)
  )
    node = node.parent;
  return ts.isSourceFile(node.parent) ? node.parent : null;
}

function isVariable(ts: Ts, declaration: TypeScript.Node): boolean {
  return ts.isVariableDeclaration(declaration) || ts.isBindingElement(declaration);
}

/** Whether the variables have the scope of the whole cell. */
function isOfCell(ts: Ts, list: TypeScript.VariableDeclarationList): boolean {
  if (list.flags & ts.NodeFlags.Using) return false;
  const { parent } = list;
  if (ts.isVariableStatement(parent) && ts.isSourceFile(parent.parent)) return !isAmbient(ts, parent);
  if (list.flags & ts.NodeFlags.BlockScoped) return false;
  let node: TypeScript.Node = parent;
  while (!ts.isSourceFile(node)) {
    if (isOwnScope(ts, node)) return false;
    node = node.parent;
  }
  return true;
}

/** `declare const x` in a cell says that x is defined elsewhere. */
const isAmbient = (ts: Ts, statement: TypeScript.VariableStatement): boolean =>
  !statement.getSourceFile().isDeclarationFile &&
  (statement.modifiers?.some((m) => m.kind === ts.SyntaxKind.DeclareKeyword) ?? false);

function isNameless(ts: Ts, node: TypeScript.Expression): boolean {
  if (ts.isArrowFunction(node)) return true;
  return (ts.isFunctionExpression(node) || ts.isClassExpression(node)) && !node.name;
}
