import { createHmac, randomUUID, timingSafeEqual } from "node:crypto";

/** Everything this package says about itself on the wire. */
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
  /** Routing prefix: whom to answer. */
  identities: Buffer[];
  header: Header;
  content: Record<string, unknown>;
  metadata: Record<string, unknown>;
  buffers: Buffer[];
}

/** A message to send. A string is content that already is JSON. */
export interface Outgoing {
  type: string;
  content: Record<string, unknown> | string;
  parent?: Header | undefined;
  metadata?: Record<string, unknown>;
  buffers?: Uint8Array[];
}

/** The connection file that the client wrote. */
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

/**
 * Reads and writes the frames of the Jupyter protocol.
 *
 * A signature is checked over the raw bytes before any of them is parsed.
 */
export function createCodec({ key, signature_scheme }: Pick<Connection, "key" | "signature_scheme">) {
  const algorithm = signature_scheme.replace(/^hmac-/, "");
  const session = randomUUID();

  function signature(parts: (Buffer | string)[]): string {
    if (!key) return "";
    const hmac = createHmac(algorithm, key);
    for (const part of parts) hmac.update(part);
    return hmac.digest("hex");
  }

  /** The message in these frames; throws when they are not one or the signature is wrong. */
  function decode(frames: Buffer[]): Message {
    const at = frames.findIndex((frame) => frame.equals(delimiter));
    if (at < 0 || frames.length < at + 6) throw new Error("message: invalid frames: no delimiter or too few");
    const [signed, header, parent, metadata, content, ...buffers] = frames.slice(at + 1);
    const wanted = Buffer.from(signature([header, parent, metadata, content]));
    if (wanted.length !== signed.length || !timingSafeEqual(wanted, signed))
      throw new Error("message: invalid signature");
    return {
      identities: frames.slice(0, at),
      header: JSON.parse(header.toString()),
      metadata: JSON.parse(metadata.toString()),
      content: JSON.parse(content.toString()),
      buffers,
    };
  }

  function encode(prefix: (Buffer | string)[], { type, content, parent, metadata, buffers }: Outgoing) {
    const header: Header = {
      msg_id: randomUUID(),
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

export type Codec = ReturnType<typeof createCodec>;
