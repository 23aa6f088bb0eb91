import { render } from "./desk.mjs";

/** The other end of a page that opens from the disk: its data came with it, and decisions stay in it until they are saved. */
class OwnModel {
  #data;
  #listeners = new Set();
  #isSaved = true;

  constructor(data) {
    this.#data = data;
    addEventListener("beforeunload", (event) => {
      if (!this.#isSaved) event.preventDefault();
    });
  }

  on(_event, listener) {
    this.#listeners.add(listener);
  }

  off(_event, listener) {
    this.#listeners.delete(listener);
  }

  send(message) {
    const { desk, voices, maps } = this.#data;
    const reply = (answer) =>
      queueMicrotask(() => {
        for (const listener of this.#listeners) listener(answer, []);
      });
    if (message.type === "hello") reply({ type: "desk", isPage: true, ...desk });
    if (message.type === "voice") reply({ type: "voice", key: message.key, ...voiceOf(voices, message.key) });
    if (message.type === "map") reply({ type: "map", item: message.item, map: maps[message.item] });
    if (message.type === "decide") {
      this.#isSaved = false;
      reply({ type: "saved", token: message.token, decision: message.decision });
    }
    if (message.type === "save") this.#isSaved = true;
  }
}

const voiceOf = (voices, key) =>
  Object.hasOwn(voices, key) ? voices[key] : { problem: "the sound of this recording is not in this page" };

/** Called by data.js. */
globalThis.speakerscopeDesk = (data) => {
  render({ model: new OwnModel(data), el: document.body });
  // There is nothing else in the page that keys could be meant for.
  document.body.querySelector(".desk").focus();
};
