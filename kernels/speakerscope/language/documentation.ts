import type * as TypeScript from "typescript";

type Ts = typeof TypeScript;

export interface Documentation {
  documentation: string;
  tags: string[];
}

/** The documentation of what a file declares at a position; null when it has none. */
export function documentationAt(ts: Ts, text: string, position: number): Documentation | null {
  const file = ts.createSourceFile("documentation.ts", text, ts.ScriptTarget.Latest, true);
  const found = ts.getJSDocCommentsAndTags(nodeAt(ts, file, position));
  const documentation = found
    .filter(ts.isJSDoc)
    .flatMap(({ comment }) => ts.getTextOfJSDocComment(comment) ?? []);
  const tags = found
    .filter(ts.isJSDoc)
    .flatMap((comment) => (comment.tags ?? []).map((tag) => textOf(ts, tag)));
  return documentation.length + tags.length > 0 ? { documentation: documentation.join("\n"), tags } : null;
}

/** The declaration whose name begins at a position. */
function nodeAt(ts: Ts, file: TypeScript.SourceFile, position: number): TypeScript.Node {
  let node: TypeScript.Node = file;
  for (;;) {
    const inner: TypeScript.Node | undefined = ts.forEachChild(node, (child) =>
      child.getStart() <= position && position < child.end ? child : undefined,
    );
    if (!inner || (ts.isIdentifier(inner) && inner.getStart() === position)) return node;
    node = inner;
  }
}

function textOf(ts: Ts, tag: TypeScript.JSDocTag): string {
  const name = ts.isJSDocParameterTag(tag) ? `${tag.name.getText()} ` : "";
  return `@${tag.tagName.text} ${name}${ts.getTextOfJSDocComment(tag.comment) ?? ""}`.trimEnd();
}
