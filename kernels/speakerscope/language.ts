import { pristine } from "./intrinsics.js";
import type { Information } from "./language/requests.js";
import type { MimeBundle } from "./replies.js";
import type { Session } from "./session.js";

const shownSource = 4000;

/**
 * What is known of the name at a position: its type and documentation; with detail 1 also its source and value.
 *
 * Inside a call's parentheses it is the function, as people expect of Shift-Tab.
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

/** A function of an earlier cell is known to the compiler only by its signature; its text is in its value. */
function sourceText(session: Session, name: string): string | undefined {
  const value = Object.hasOwn(session.variables, name) ? session.variables[name] : undefined;
  return typeof value === "function" && !/\[native code\]/.test(String(value)) ? String(value) : undefined;
}

/** The last character of the function whose call the position stands in; -1 when it stands in none. */
function calleeEnd(code: string, position: number): number {
  let depth = 0;
  for (let at = position - 1; at >= 0; at--) {
    if (code[at] === ")") depth++;
    else if (code[at] === "(" && depth-- === 0) return code.slice(0, at).trimEnd().length - 1;
  }
  return -1;
}
