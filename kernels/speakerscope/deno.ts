import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { show } from "./display/display.js";
import { displaySymbol, format } from "./display/format.js";
import { mediaType } from "./display/media.js";
import type { Host } from "./host.js";
import { encodeBundle } from "./json.js";
import type { MimeBundle } from "./replies.js";

/** Defines the globals of Deno's kernel that its notebooks use, so that they run here; `ambient.d.ts` has the types. */
export function defineGlobals(host: Host): void {
  Object.assign(globalThis, {
    prompt(message = "Prompt", defaultValue?: string): string | null {
      const answer = host.inputSync(`${message} `);
      return answer === "" && defaultValue !== undefined ? defaultValue : answer;
    },
    confirm: (message = "Confirm"): boolean => /^y(es)?$/i.test(host.inputSync(`${message} [y/N] `) ?? ""),
    alert(message = "Alert"): void {
      host.inputSync(`${message} [Enter] `);
    },
    Deno: { jupyter: jupyter(host) },
  });
}

const shown = (bundle: MimeBundle) => ({ [displaySymbol]: () => bundle });

function tag(mime: string) {
  return (strings: TemplateStringsArray, ...values: unknown[]) =>
    shown({ [mime]: String.raw({ raw: strings }, ...values) });
}

function jupyter(host: Host) {
  return {
    $display: displaySymbol,
    async display(
      value: unknown,
      options: { raw?: boolean; update?: boolean; display_id?: string } = {},
    ): Promise<void> {
      const bundle = (options.raw ? value : await format(value)) as MimeBundle | null;
      const id = options.display_id ?? randomUUID();
      const message = options.update ? "update_display_data" : "display_data";
      if (bundle) show(bundle, message, id, host.cell(), { raw: true });
    },
    md: tag("text/markdown"),
    html: tag("text/html"),
    svg: tag("image/svg+xml"),
    image(pathOrData: string | Uint8Array) {
      const bytes = typeof pathOrData === "string" ? readFileSync(pathOrData) : pathOrData;
      const type = mediaType(bytes);
      if (type !== "image/png" && type !== "image/jpeg")
        throw new TypeError(`image: unsupported data: got ${type ?? "unknown bytes"}, expected PNG or JPEG`);
      return shown({ [type]: bytes });
    },
    format: async (value: unknown) => encodeBundle((await format(value)) ?? {}),
    async broadcast(
      type: string,
      content: Record<string, unknown>,
      extra: { metadata?: MimeBundle; buffers?: Uint8Array[] } = {},
    ): Promise<void> {
      host.publish(host.cell(), type, content, extra);
    },
  };
}
