/** Asks a question and waits for the line that is typed; null where nobody can answer. */
declare function prompt(message?: string, defaultValue?: string): string | null;
/** Asks a yes-or-no question and waits for the answer; false where nobody can answer. */
declare function confirm(message?: string): boolean;
/** Shows a message and waits until it is acknowledged. */
declare function alert(message?: string): void;

/** The part of Deno's API that its notebooks use. */
declare namespace Deno {
  namespace jupyter {
    /** MIME type to data: text, bytes in base64 or as they are, or an object for JSON types. */
    interface MediaBundle {
      "text/plain"?: string;
      "text/html"?: string;
      "image/svg+xml"?: string;
      "text/markdown"?: string;
      "application/javascript"?: string;
      "image/png"?: string;
      "image/jpeg"?: string;
      "image/gif"?: string;
      "application/pdf"?: string;
      "text/latex"?: string;
      "application/json"?: object;
      "application/geo+json"?: object;
      "application/vdom.v1+json"?: object;
      "text/vega"?: object;
      "application/vnd.vega.v5+json"?: object;
      "application/vnd.vegalite.v4+json"?: object;
      "application/vnd.vegalite.v5+json"?: object;
      [key: string]: string | object | undefined;
    }
    interface Displayable {
      [$display]: () => MediaBundle | Promise<MediaBundle>;
    }
    interface DisplayOptions {
      /** The value is a MediaBundle already. */
      raw?: boolean;
      /** Change the display with this id instead of showing a new one. */
      update?: boolean;
      display_id?: string;
    }
    /** The name of the method by which a value says how it is shown. */
    const $display: unique symbol;
    function display(value: unknown, options?: DisplayOptions): Promise<void>;
    function md(strings: TemplateStringsArray, ...values: unknown[]): Displayable;
    function html(strings: TemplateStringsArray, ...values: unknown[]): Displayable;
    function svg(strings: TemplateStringsArray, ...values: unknown[]): Displayable;
    /** A PNG or JPEG, by its path or its bytes. */
    function image(pathOrData: string | Uint8Array): Displayable;
    /** The MIME bundle that `display` would show. */
    function format(value: unknown): Promise<MediaBundle>;
    /** Sends any message to every client. */
    function broadcast(
      messageType: string,
      content: Record<string, unknown>,
      extra?: { metadata?: Record<string, unknown>; buffers?: Uint8Array[] },
    ): Promise<void>;
  }
}

/** What magics become; not for use by hand. */
declare const __magic__: {
  run(name: string, rest: string, text?: string): Promise<void> | void;
  time<T>(work: () => Promise<T>): Promise<T>;
  begin(): void;
  end(): void;
};
