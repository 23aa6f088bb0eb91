import { h, nameOnALine, plain } from "./dom.mjs";

/** A voice: whose it is, its spectrogram, and its sound, both fetched when it is first shown. */
export class Voice {
  #audio;
  #head;
  #loading;
  #isGone = false;
  #at;

  /** @param fetch gives `{ sound, picture, seconds, played }` (addresses), or `{ problem }` */
  constructor({ label, key, detail, at }, letter, { fetch, onPlay, onEnd }) {
    this.onEnd = onEnd;
    this.onPlay = onPlay;
    this.#head = h("div", { class: "desk-head" });
    this.picture = h(
      "div",
      {
        class: "desk-picture",
        title:
          "Spectrogram, 0 to 8 kHz on the mel scale, a stroke for every second. A click plays from there.",
        onclick: (event) => this.#seek(event),
      },
      this.#head,
    );
    this.button = h(
      "button",
      {
        class: "desk-play",
        type: "button",
        "aria-label": plain(`Play ${letter}, ${label}`),
        "aria-pressed": "false",
        onclick: () => this.toggle(),
      },
      "▶",
    );
    this.note = h("div", { class: "desk-note" }, "…");
    this.element = h(
      "section",
      { class: "desk-voice" },
      h(
        "header",
        {},
        this.button,
        h(
          "div",
          { class: "desk-who" },
          h("strong", {}, plain(label)),
          h("span", { class: "desk-key" }, nameOnALine(key, 20)),
        ),
        h("kbd", { "aria-hidden": "true" }, letter),
      ),
      this.picture,
      h("div", { class: "desk-detail" }, detail === undefined ? "" : plain(detail)),
      this.note,
    );
    this.#at = at;
    this.#loading = Promise.resolve(fetch(key)).then((clip) => this.#show(clip));
  }

  #show({ sound, picture, seconds, played, problem }) {
    if (this.#isGone) return;
    if (problem !== undefined) {
      this.note.textContent = plain(problem);
      this.button.disabled = true;
      this.element.classList.add("is-silent");
      return;
    }
    if (picture !== undefined)
      this.picture.prepend(
        h("img", { src: picture, alt: "Spectrogram, 0 to 8 kHz on the mel scale", draggable: false }),
      );
    if (this.#at < played)
      this.picture.append(h("div", { class: "desk-change", style: `left: ${(100 * this.#at) / played}%` }));
    // A stroke below it for every second.
    this.picture.style.setProperty("--second", `${100 / Math.max(0.1, played)}%`);
    this.note.textContent =
      played < seconds
        ? `the first ${played.toFixed(0)} s of ${seconds.toFixed(1)} s`
        : `${seconds.toFixed(1)} s`;
    // Not in the page: who plays all that a page holds must not start these.
    this.#audio = h("audio", {
      src: sound,
      preload: "none",
      onended: () => this.#stopped(true),
      onpause: () => this.#stopped(false),
      onerror: () => {
        this.note.textContent = "The browser cannot play this sound.";
      },
    });
  }

  get isPlaying() {
    return this.#audio !== undefined && !this.#audio.paused;
  }

  /** Plays from the start, or from a part of it, in 0 to 1. */
  async play(from = 0) {
    await this.#loading;
    if (this.#audio === undefined || this.#isGone) return false;
    this.onPlay(this);
    if (Number.isFinite(this.#audio.duration)) this.#audio.currentTime = from * this.#audio.duration;
    try {
      await this.#audio.play();
    } catch {
      return false;
    }
    this.button.textContent = "■";
    this.button.setAttribute("aria-pressed", "true");
    this.element.classList.add("is-playing");
    this.#move();
    return true;
  }

  stop() {
    this.#audio?.pause();
  }

  toggle() {
    if (this.isPlaying) this.stop();
    else void this.play();
  }

  /** Takes it out of the page. */
  remove() {
    this.#isGone = true;
    this.onEnd = () => {};
    this.stop();
  }

  #seek(event) {
    const { left, width } = this.picture.getBoundingClientRect();
    void this.play(Math.min(1, Math.max(0, (event.clientX - left) / width)));
  }

  #move() {
    if (!this.isPlaying) return;
    const { currentTime, duration } = this.#audio;
    this.#head.style.left = `${(100 * currentTime) / (duration || 1)}%`;
    requestAnimationFrame(() => this.#move());
  }

  #stopped(isOver) {
    this.button.textContent = "▶";
    this.button.setAttribute("aria-pressed", "false");
    this.element.classList.remove("is-playing");
    if (isOver) {
      this.#head.style.left = "0";
      this.onEnd(this);
    }
  }
}
