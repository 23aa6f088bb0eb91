import { invalid, reasonOf, shown } from "../errors.js";

/** What a layout makes of a file's path. */
export interface LaidOut {
  dataset?: string;
  /** Null where the layout has no speakers. */
  speakerId: string | null;
  session?: string;
  utteranceId: string;
  fields?: Record<string, string>;
}

export interface Layout {
  /** As it was given. */
  text: string;
  /** Reads a path below the root, without its extension; undefined for one that does not fit. */
  read(path: string): LaidOut | undefined;
}

/** Layouts of well-known corpora. They fit from any of the folders that these corpora have above their speakers. */
export const layoutPresets: Readonly<Record<string, { corpus: string; pattern: string }>> = {
  librispeech: {
    corpus: "LibriSpeech",
    pattern:
      "^(?:(?:.*/)?(?<dataset>[^/]+)/)?(?<speaker>\\d+)/(?<session>\\d+)/(?<utterance>\\k<speaker>[-_]\\k<session>[-_][^/]+)$",
  },
  voxceleb: {
    corpus: "VoxCeleb",
    pattern: "^(?:(?<dataset>[^/]+)/)?(?:.*/)?(?<speaker>id\\d{5})/(?<session>[^/]+)/(?<utterance>[^/]+)$",
  },
  vctk: {
    corpus: "VCTK",
    pattern:
      "^(?:(?:.*/)?(?<dataset>[^/]+)/)?(?<speaker>[ps]\\d+)/\\k<speaker>_(?<session>\\d+)(?:_(?<utterance>[^/]+))?$",
  },
  aishell: {
    corpus: "AISHELL",
    pattern:
      "^(?:(?:.*/)?(?<dataset>train|dev|test)/)?(?:wav/)?(?<speaker>S(?:SB)?\\d+)/(?<utterance>[^/]*\\k<speaker>[^/]*)$",
  },
  flat: { corpus: "a flat folder", pattern: "{utterance}" },
};

const known = ["dataset", "speaker", "session", "utterance"];

/**
 * Understands a layout: the name of a preset, a pattern such as `{dataset}/{speaker}/{session}/{utterance}`, or a regular
 * expression (it begins with `^`) with groups of these names.
 *
 * `{_}` stands for what is of no interest, other names become fields. A name that comes twice has to be the same both
 * times. At the end `{utterance}` takes deeper folders too. A session is put in front of the utterance's name.
 *
 * @throws `invalid` for a pattern that cannot be understood
 */
export function parseLayout(text: string): Layout {
  const source = layoutPresets[text.toLowerCase()]?.pattern ?? text;
  const expression = source.startsWith("^") ? source : expressionOf(source, text);
  let regex: RegExp;
  try {
    regex = new RegExp(expression, "us");
  } catch (cause) {
    throw invalid(`The layout ${shown(text)} is no regular expression: ${reasonOf(cause)}.`, {
      got: text,
      cause,
    });
  }
  if (!known.some((name) => expression.includes(`(?<${name}>`)))
    throw invalid(
      `The layout ${shown(text)} names nothing. Write it as {dataset}/{speaker}/{utterance}, as a regular expression with groups of these names that begins with ^, or as one of ${Object.keys(layoutPresets).join(", ")}.`,
      { got: text },
    );
  return {
    text,
    read(path) {
      const groups = regex.exec(path)?.groups;
      if (groups === undefined) return undefined;
      const { dataset, speaker, session, utterance, ...rest } = groups;
      const fields = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
      return {
        ...(dataset === undefined ? {} : { dataset }),
        speakerId: speaker ?? null,
        ...(session === undefined ? {} : { session }),
        utteranceId:
          [session, utterance].filter((part) => part !== undefined).join("/") ||
          path.slice(path.lastIndexOf("/") + 1),
        ...(Object.keys(fields).length === 0 ? {} : { fields }),
      };
    },
  };
}

/** The regular expression of a pattern. */
function expressionOf(pattern: string, text: string): string {
  const seen = new Set<string>();
  const parts = pattern.replace(/^\/+|\/+$/g, "").split(/\{([^{}/]*)\}/);
  const expression = parts.map((part, index) => {
    if (index % 2 === 0) return escaped(part);
    if (part === "_") return "[^/]+?";
    if (!/^\p{ID_Start}\w*$/u.test(part))
      throw invalid(
        `The layout ${shown(text)} has ${shown(`{${part}}`)}, which is no name. Names are ${known.map((name) => `{${name}}`).join(", ")}, {_} and those of fields.`,
        { got: text },
      );
    const meant = known.find((name) => name !== part && isNearly(name, part));
    if (meant !== undefined)
      throw invalid(`The layout ${shown(text)} has {${part}}. Did you mean {${meant}}?`, { got: text });
    if (seen.has(part)) return `\\k<${part}>`;
    seen.add(part);
    // Only as a level of its own at the end it takes deeper folders.
    const isLast = index === parts.length - 2 && parts.at(-1) === "";
    const isWhole = parts[index - 1] === "" ? index === 1 : parts[index - 1]!.endsWith("/");
    return part === "utterance" && isLast && isWhole ? "(?<utterance>.+)" : `(?<${part}>[^/]+?)`;
  });
  return `^${expression.join("")}$`;
}

/** Whether two words differ by one letter that is missing, added or another. */
function isNearly(a: string, b: string): boolean {
  let start = 0;
  while (start < a.length && a[start] === b[start]) start++;
  const [restA, restB] = [a.slice(start), b.slice(start)];
  return restA.slice(1) === restB.slice(1) || restA.slice(1) === restB || restA === restB.slice(1);
}

const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");
