import { createHash, randomUUID } from "node:crypto";
import { inspect, isDeepStrictEqual } from "node:util";
import { type Packed, packBuffers, unpackBuffers } from "./buffers.js";
import { Callbacks } from "./callbacks.js";
import type { Call, CommEnd } from "./comms.js";
import { displaySymbol } from "./display/format.js";
import { host } from "./host.js";
import type { Header } from "./wire.js";

/** Version of the widgets' own messages. */
const protocolVersion = "2.1.0";
const target = "jupyter.widget";
const viewType = "application/vnd.jupyter.widget-view+json";

/** Any version of the front end that JupyterLab has: what is used here has been the same in all. */
const classes = {
  _model_name: "AnyModel",
  _model_module: "anywidget",
  _model_module_version: "*",
  _view_name: "AnyView",
  _view_module: "anywidget",
  _view_module_version: "*",
};

const missing =
  "<p>This is a widget. It is shown in a running JupyterLab that has anywidget (<code>pip install anywidget</code>).</p>";

export interface WidgetOptions<S> {
  /** An ES module: `export default { render({ model, el }) { … } }`, as anywidget has it. */
  esm: string;
  /** Its style sheet. */
  css?: string;
  /** What the page and the kernel share: JSON and typed arrays. */
  state?: S;
  /** HTML in its place where no widgets are shown: nbconvert, GitHub, a JupyterLab without anywidget. */
  html?: string;
  /** The same as text. */
  text?: string;
}

/** A part of the page that shares its state with the kernel. */
export interface Widget<S> {
  /** Names the model in the page. */
  readonly id: string;
  /** Whether either side has closed it. The state stays, but is shared no more. */
  readonly closed: boolean;
  get<K extends keyof S & string>(name: K): S[K];
  /** Changes the state here and in every page. */
  set<K extends keyof S & string>(name: K, value: S[K]): void;
  set(changes: Partial<S>): void;
  /** Calls back when a value has changed, on either side. The function that it gives ends that. */
  on<K extends keyof S & string>(
    event: `change:${K}`,
    callback: (value: S[K], before: S[K]) => unknown,
  ): () => void;
  /** Calls back for what the page sends by `model.send(content, callbacks, buffers)`. */
  // biome-ignore lint/suspicious/noExplicitAny: what a page sends is what its author says
  on(event: "msg:custom", callback: (content: any, buffers: Uint8Array[]) => unknown): () => void;
  on(event: "close", callback: () => unknown): () => void;
  /** Sends what is no state; the page hears it by `model.on("msg:custom", (content, buffers) => …)`. */
  send(content: unknown, buffers?: (ArrayBufferView | ArrayBuffer)[]): void;
  /** Takes it out of every page, and lets go of what it holds. */
  close(): void;
}

/**
 * Makes a widget of an ES module in anywidget's form. Its state is shared with every page that shows it; as the last
 * expression of a cell, or by `display`, it is shown, as often as you like.
 *
 * Callbacks run between cells, and while a cell awaits. What they print, and their errors, appear under the cell that
 * registered them. Bytes come as Uint8Array, or in the type that the value had before; in the page they are DataViews.
 *
 * @throws TypeError for a state that JSON cannot carry, and for names that begin with `_`
 * @example
 * const counter = widget({
 *   esm: `export default {
 *     render({ model, el }) {
 *       const button = el.appendChild(document.createElement("button"));
 *       const show = () => { button.textContent = "clicked " + model.get("count") };
 *       button.onclick = () => { model.set("count", model.get("count") + 1); model.save_changes(); };
 *       model.on("change:count", show);
 *       show();
 *     },
 *   }`,
 *   state: { count: 0 },
 * });
 * counter.on("change:count", (count) => console.log(count));
 * counter.set("count", 1);
 */
export function widget<S extends object = Record<string, unknown>>(options: WidgetOptions<S>): Widget<S> {
  return new Model(options) as unknown as Widget<S>;
}

type State = Record<string, unknown>;

class Model {
  readonly id: string;
  readonly #state = new Map<string, unknown>();
  /** What the page needs to show it. */
  readonly #own: State;
  readonly #callbacks = new Callbacks("a widget");
  readonly #html: string;
  readonly #text: string | undefined;
  #closed = false;

  constructor({ esm, css = "", state = {}, html = missing, text }: WidgetOptions<object>) {
    if (typeof esm !== "string" || esm.trim() === "")
      throw new TypeError(
        "A widget needs the text of an ES module: widget({ esm: `export default { … }` }).",
      );
    this.#html = html;
    this.#text = text;
    // Pages keep one style sheet under each of these names.
    const hash = createHash("sha256").update(esm).update("\0").update(css).digest("hex").slice(0, 16);
    this.#own = { ...classes, _esm: esm, _css: css, _anywidget_id: `speakerscope.${hash}`, _dom_classes: [] };
    for (const [name, value] of Object.entries(state)) this.#state.set(name, checked(name, value));
    const { state: packed, paths, buffers } = this.#packed();
    this.id = randomUUID();
    const data = { state: packed, buffer_paths: paths };
    host()
      ?.comms()
      .open(target, this.#end, { data, buffers, metadata: { version: protocolVersion } }, this.id);
  }

  get closed(): boolean {
    return this.#closed;
  }

  get(name: string): unknown {
    return this.#state.get(name);
  }

  set(given: string | State, value?: unknown): void {
    const changes = Object.entries(typeof given === "string" ? { [given]: value } : given)
      .map(([name, next]) => ({ name, value: checked(name, next), before: this.#state.get(name) }))
      // An object may have changed inside, so only equal primitive values need not be sent.
      .filter(({ value, before }) => typeof value === "object" || !Object.is(value, before));
    const packed = packBuffers(Object.fromEntries(changes.map(({ name, value }) => [name, value])));
    for (const { name, value } of changes) this.#state.set(name, value);
    if (changes.length > 0) this.#send("update", packed);
    for (const { name, value, before } of changes)
      if (!isDeepStrictEqual(before, value)) this.#callbacks.emit(`change:${name}`, value, before);
  }

  on(event: string, callback: () => unknown): () => void {
    return this.#callbacks.on(event, callback);
  }

  send(content: unknown, buffers: (ArrayBufferView | ArrayBuffer)[] = []): void {
    host()
      ?.comms()
      .send(this.id, { data: { method: "custom", content }, buffers: buffers as Uint8Array[] });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    host()?.comms().close(this.id);
    this.#callbacks.emit("close");
    this.#callbacks.clear();
  }

  readonly #end: CommEnd = {
    message: (data, buffers, parent) => {
      const { method, content } = data;
      if (method === "update") return this.#take(data, buffers, parent);
      if (method === "custom") return this.#callbacks.calls("msg:custom", content, buffers);
      if (method !== "request_state") throw new Error(`A widget does not know the method ${method}.`);
      this.#send("update", this.#packed(), parent);
      return [];
    },
    closed: () => {
      this.#closed = true;
      const calls = this.#callbacks.calls("close");
      this.#callbacks.clear();
      return calls;
    },
    model: () => ({
      model_name: classes._model_name,
      model_module: classes._model_module,
      model_module_version: classes._model_module_version,
      state: { ...this.#own, ...Object.fromEntries(this.#state) },
    }),
  };

  /** Takes what a page has changed, and tells the other pages. */
  #take(data: State, buffers: Uint8Array[], parent: Header): Call[] {
    const state = unpackBuffers((data.state ?? {}) as State, data.buffer_paths, buffers);
    const entries = Object.entries(state).filter(([name]) => !name.startsWith("_"));
    this.#send("echo_update", packBuffers(Object.fromEntries(entries)), parent);
    return entries.flatMap(([name, given]) => {
      const before = this.#state.get(name);
      const value = asBefore(given, before);
      this.#state.set(name, value);
      return isDeepStrictEqual(before, value) ? [] : this.#callbacks.calls(`change:${name}`, value, before);
    });
  }

  #send(method: string, { state, paths, buffers }: Packed, parent?: Header): void {
    const data = { method, state, buffer_paths: paths };
    host()
      ?.comms()
      .send(this.id, { data, buffers, ...(parent && { parent }) });
  }

  #packed() {
    return packBuffers({ ...this.#own, ...Object.fromEntries(this.#state) });
  }

  #plain(): string {
    const state = inspect(Object.fromEntries(this.#state), {
      depth: 1,
      maxArrayLength: 3,
      maxStringLength: 60,
    });
    return (
      this.#text ?? `widget(${state.split("\n").slice(0, 10).join("\n")})${this.#closed ? ", closed" : ""}`
    );
  }

  [displaySymbol](): State {
    const shown = { "text/plain": this.#plain(), "text/html": this.#html };
    // Where nobody is, what is saved must be readable without a kernel.
    if (this.#closed || !host()?.isAttended()) return shown;
    return { ...shown, [viewType]: { version_major: 2, version_minor: 0, model_id: this.id } };
  }

  [inspect.custom](): string {
    return this.#plain();
  }
}

function checked(name: string, value: unknown): unknown {
  if (name.startsWith("_"))
    throw new TypeError(`A widget's state cannot have the name ${name}: those with a leading _ are taken.`);
  // JSON knows no undefined: the page would keep what it has.
  return value === undefined ? null : value;
}

/** Bytes in the type that the value had before. */
function asBefore(value: unknown, before: unknown): unknown {
  if (!(value instanceof Uint8Array) || !ArrayBuffer.isView(before)) return value;
  if (before instanceof DataView || before instanceof Uint8Array) return value;
  const Numbers = before.constructor as Float32ArrayConstructor;
  if (value.byteLength % Numbers.BYTES_PER_ELEMENT !== 0) return value;
  return new Numbers(new Uint8Array(value).buffer);
}
