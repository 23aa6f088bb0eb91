import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

/** Version of the Jupyter messaging protocol. */
export const protocolVersion = "5.4";

export interface Header {
  msg_id: string;
  msg_type: string;
  session: string;
  username: string;
  date: string;
  version: string;
}

/** A message as it came from a client. */
export interface Message {
  /** Routing prefix of the client. */
  identities: Buffer[];
  header: Header;
  /** `msg_id` of the message that this one answers. */
  parentId: unknown;
  content: Record<string, unknown>;
  metadata: Record<string, unknown>;
  buffers: Buffer[];
}

/** A message to send. `content` as a string is JSON already. */
export interface Outgoing {
  type: string;
  content: Record<string, unknown> | string;
  parent?: Header | undefined;
  /** Its `msg_id`, where the sender has to know it. */
  id?: string;
  metadata?: Record<string, unknown>;
  buffers?: Uint8Array[];
}

/** The client's connection file. */
export interface Connection {
  transport: string;
  ip: string;
  shell_port: number;
  iopub_port: number;
  stdin_port: number;
  control_port: number;
  hb_port: number;
  key: string;
  signature_scheme: string;
}

const delimiter = Buffer.from("<IDS|MSG>");

/** How many signatures are remembered, so that a recorded message cannot be replayed. */
const rememberedSignatures = 1 << 16;

/**
 * Reads and writes the frames of the Jupyter protocol.
 *
 * The signature is checked over the raw bytes before anything is parsed, and is accepted once.
 */
export function createCodec({ key, signature_scheme }: Pick<Connection, "key" | "signature_scheme">) {
  const algorithm = signature_scheme.replace(/^hmac-/, "");
  const session = randomUUID();
  const seen = new Set<string>();

  function signature(parts: (Buffer | string)[]): string {
    if (!key) return "";
    const hmac = createHmac(algorithm, key);
    for (const part of parts) hmac.update(part);
    return hmac.digest("hex");
  }

  /** Reads a message from its frames; throws a sentence that says what is wrong with them. */
  function decode(frames: Buffer[]): Message {
    const at = frames.findIndex((frame) => frame.equals(delimiter));
    if (at < 0 || frames.length < at + 6) throw new Error("Its frames are not those of a message.");
    const [signed, header, parent, metadata, content, ...buffers] = frames.slice(at + 1);
    const wanted = Buffer.from(signature([header, parent, metadata, content]));
    if (wanted.length !== signed.length || !timingSafeEqual(wanted, signed))
      throw new Error("Its signature is wrong.");
    if (key) refuseSecond(signed.toString());
    return {
      identities: frames.slice(0, at),
      header: toHeader(parse("header", header)),
      parentId: (parse("parent_header", parent) as Partial<Header>).msg_id,
      metadata: parse("metadata", metadata),
      content: parse("content", content),
      buffers,
    };
  }

  function refuseSecond(signed: string): void {
    if (seen.has(signed)) throw new Error("It came before.");
    seen.add(signed);
    if (seen.size > rememberedSignatures) seen.delete(seen.values().next().value as string);
  }

  function encode(prefix: (Buffer | string)[], { type, content, parent, id, metadata, buffers }: Outgoing) {
    const header: Header = {
      msg_id: id ?? randomUUID(),
      msg_type: type,
      session,
      username: "kernel",
      date: new Date().toISOString(),
      version: protocolVersion,
    };
    const parts = [
      JSON.stringify(header),
      JSON.stringify(parent ?? {}),
      JSON.stringify(metadata ?? {}),
      typeof content === "string" ? content : JSON.stringify(content),
    ];
    return [...prefix, delimiter, signature(parts), ...parts, ...(buffers ?? [])];
  }

  return { decode, encode };
}

function parse(part: string, frame: Buffer): Record<string, unknown> {
  const value: unknown = JSON.parse(frame.toString());
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Error(`Its ${part} is no object.`);
  return value as Record<string, unknown>;
}

/** The header goes back with every answer, so nested values, which may be too deep to write, are dropped. */
function toHeader(value: Record<string, unknown>): Header {
  for (const field of ["msg_id", "msg_type"])
    if (typeof value[field] !== "string") throw new Error(`The ${field} in its header is no text.`);
  return Object.fromEntries(
    Object.entries(value).filter(([, item]) => typeof item !== "object"),
  ) as unknown as Header;
}

export type Codec = ReturnType<typeof createCodec>;
