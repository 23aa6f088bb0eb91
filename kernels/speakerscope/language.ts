import { pristine } from "./intrinsics.js";
import type { Information } from "./language/requests.js";
import type { MimeBundle } from "./replies.js";
import type { Session } from "./session.js";

const shownSource = 4000;

/**
 * The type and documentation of the name at a position; with detail 1 also its source.
 *
 * Inside the parentheses of a call it describes the function, as Shift-Tab should.
 */
export async function inspectAt(
  session: Session,
  code: string,
  position: number,
  detail: 0 | 1,
): Promise<MimeBundle | null> {
  const positions = [position, position - 1, calleeEnd(code, position)].filter((at) => at >= 0);
  const info = await session.inspect(code, positions);
  return info && pristine(() => describe(session, info, detail));
}

function describe(session: Session, info: Information, detail: 0 | 1): MimeBundle {
  const { name, signature, documentation, tags, source } = info;
  const sections = [signature, documentation, tags.join("\n")];
  const markdown = [
    `\`\`\`typescript\n${signature}\n\`\`\``,
    documentation,
    tags.map((t) => `*${t}*`).join("\n\n"),
  ];
  if (detail === 1 && source) {
    const text = (source.isCell ? sourceText(session, name) : undefined) ?? source.text;
    const cut = text.length > shownSource ? `${text.slice(0, shownSource)}\n…` : text;
    sections.push(`${source.isCell ? "Source" : `Source (${source.file})`}:\n${cut}`);
    markdown.push(`\`\`\`typescript\n${cut}\n\`\`\``);
  }
  const join = (parts: string[]) => parts.filter(Boolean).join("\n\n");
  return { "text/plain": join(sections), "text/markdown": join(markdown) };
}

/** The compiler knows only the signature of an earlier cell's function; the function itself has its source. */
function sourceText(session: Session, name: string): string | undefined {
  const value = Object.hasOwn(session.variables, name) ? session.variables[name] : undefined;
  return typeof value === "function" && !/\[native code\]/.test(String(value)) ? String(value) : undefined;
}

/** The index of the last character of the callee around the position; -1 outside of calls. */
function calleeEnd(code: string, position: number): number {
  let depth = 0;
  for (let at = position - 1; at >= 0; at--) {
    if (code[at] === ")") depth++;
    else if (code[at] === "(" && depth-- === 0) return code.slice(0, at).trimEnd().length - 1;
  }
  return -1;
}
