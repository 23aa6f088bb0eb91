import type { FileMetaData } from "hyparquet" with { "resolution-mode": "import" };

/** Where in the schema, which is a list of a tree in order, the children of an element are. */
export function children(schema: FileMetaData["schema"], parent: number): number[] {
  const found: number[] = [];
  let at = parent + 1;
  for (let i = 0; i < (schema[parent]!.num_children ?? 0); i++) {
    found.push(at);
    at = endOf(schema, at);
  }
  return found;
}

function endOf(schema: FileMetaData["schema"], index: number): number {
  const inner = children(schema, index);
  return inner.length === 0 ? index + 1 : endOf(schema, inner.at(-1)!);
}
