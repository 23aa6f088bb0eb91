import { h, nameOnALine, plain } from "./dom.mjs";
import { inSnakeCase, Ledger, readLines } from "./ledger.mjs";
import { List } from "./list.mjs";
import { drawMap } from "./map.mjs";
import { Voice } from "./voice.mjs";

const kindNames = {
  wrongLabel: "wrong label",
  splitSpeaker: "one person, two names",
  leakage: "in two data sets",
  mergedSpeakers: "two people, one name",
  equalFiles: "equal files",
  nearCopies: "near copies",
  nonSpeech: "no speech",
  severalVoices: "several voices",
  short: "short",
  clipped: "clipped",
  quiet: "quiet",
  narrowBand: "narrow band",
  lowSnr: "low SNR",
  pair: "pair",
  utterance: "recording",
};

const nameOf = (kind) => kindNames[kind] ?? kind;

/** The word of a kind that findings and decisions have in files, where the desk calls it otherwise. */
const fileWordOf = (kind) => (inSnakeCase(kind) === nameOf(kind) ? undefined : inSnakeCase(kind));

const signs = { keep: "○", same: "✓", different: "✗", unsure: "?" };

/**
 * The listening desk. What it shows and saves goes through `model`, as anywidget gives it: a notebook's kernel at the other end,
 * or the page's own (static.mjs).
 *
 * It sends `hello`, `voice` (with a key), `map` (with an item's number), `decide` (with a decision) and `save`; and hears `desk`
 * (everything to show), `voice`, `map`, `saved` (a decision that is safe now) and `refused` (with the reason).
 */
class Desk {
  #model;
  #items = [];
  #ledger = new Ledger();
  #by = "";
  #shown = -1;
  #voices = [];
  #undo = [];
  #waiting = new Map();
  #urls = [];
  #isBusy = false;
  /** What was chosen before it was known who decides. */
  #pending;
  #hear = (message, buffers) => this.#take(message, buffers ?? []);

  constructor(model, el) {
    this.#model = model;
    this.#build(el);
    model.on("msg:custom", this.#hear);
    model.send({ type: "hello" });
  }

  remove() {
    this.#model.off("msg:custom", this.#hear);
    for (const voice of this.#voices) voice.remove();
    for (const url of this.#urls) URL.revokeObjectURL(url);
  }

  #build(el) {
    const filter = () => this.#filter();
    this.title = h("h1", {});
    this.progressText = h("span", { class: "desk-count" });
    this.progress = h("progress", { max: 1, value: 0 });
    this.by = h("input", {
      placeholder: "your name",
      "aria-label": "Your name",
      maxLength: 60,
      onchange: () => this.#takeName(),
      onkeydown: (event) => {
        if (event.key === "Escape") this.#pending = undefined;
        if (event.key !== "Enter" || event.isComposing) return;
        event.preventDefault();
        this.#takeName();
        if (this.#by !== "") this.root.focus();
      },
    });
    this.saveButton = h("button", { type: "button", onclick: () => this.#save() }, "Save decisions");
    const file = h("input", {
      type: "file",
      accept: ".jsonl",
      hidden: true,
      onchange: () => this.#load(file),
    });
    this.loadButton = h("button", { type: "button", onclick: () => file.click() }, "Load");
    this.undoButton = h(
      "button",
      { type: "button", disabled: true, onclick: () => this.#undoLast() },
      "Undo ",
      h("kbd", {}, "u"),
    );
    this.kind = h("select", { "aria-label": "Kind", onchange: filter });
    this.status = h(
      "select",
      { "aria-label": "Status", onchange: filter },
      ...["all", "to decide", "decided", "unsure", "disputed"].map((name) =>
        h("option", { value: name }, name),
      ),
    );
    this.least = h("input", {
      type: "range",
      min: 0,
      max: 100,
      value: 0,
      step: 5,
      "aria-label": "Least probability",
      oninput: filter,
    });
    this.leastText = h("span", {});
    this.search = h("input", {
      type: "search",
      placeholder: "search names",
      "aria-label": "Search",
      oninput: filter,
    });
    this.hits = h("div", { class: "desk-hits" });
    this.list = new List({ draw: (index) => this.#row(index), onPick: (row) => this.#show(row) });
    this.pane = h("main", { class: "desk-pane" });
    this.message = h("div", { class: "desk-message", role: "status", hidden: true });
    this.voiceKeys = h("kbd", {});
    this.choiceKeys = h("kbd", {});
    this.leastRow = h("label", { class: "desk-least" }, "from ", this.leastText, this.least);
    this.root = h(
      "div",
      {
        class: "desk",
        tabIndex: 0,
        "data-lm-suppress-shortcuts": "true",
        onkeydown: (event) => this.#key(event),
      },
      h(
        "header",
        { class: "desk-top" },
        this.title,
        h("div", { class: "desk-progress" }, this.progress, this.progressText),
        h("div", { class: "desk-tools" }, this.by, this.undoButton, this.loadButton, this.saveButton, file),
      ),
      this.message,
      h(
        "div",
        { class: "desk-body" },
        h(
          "aside",
          {},
          h("div", { class: "desk-filters" }, this.kind, this.status, this.search, this.leastRow, this.hits),
          this.list.element,
        ),
        this.pane,
      ),
      h(
        "footer",
        {},
        ...[
          [h("kbd", {}, "space"), "play"],
          [this.voiceKeys, "one voice"],
          [this.choiceKeys, "decide"],
          [h("kbd", {}, "↑ ↓"), "move"],
          [h("kbd", {}, "u"), "undo"],
          [h("kbd", {}, "/"), "search"],
        ].flat(),
      ),
    );
    el.append(this.root);
  }

  #take(message, buffers) {
    if (message.type === "desk") this.#open(message);
    else if (message.type === "voice") this.#answer(`voice ${message.key}`, this.#clipOf(message, buffers));
    else if (message.type === "map") this.#answer(`map ${message.item}`, message.map);
    else if (message.type === "saved" || message.type === "refused") {
      if (message.type === "saved") this.#record(message.decision);
      else this.#say(message.reason);
      this.#answer(`decide ${message.token}`, message.type === "saved");
    }
  }

  /** Asks the other end, once for each name. */
  #ask(name, message) {
    const known = this.#waiting.get(name);
    if (known !== undefined) return known.promise;
    let settle;
    const promise = new Promise((done) => {
      settle = done;
    });
    this.#waiting.set(name, { promise, settle });
    this.#model.send(message);
    return promise;
  }

  #answer(name, value) {
    this.#waiting.get(name)?.settle(value);
  }

  #clipOf({ sound, picture, mime, seconds, played, problem }, [bytes, image]) {
    if (problem !== undefined) return { problem };
    const urlOf = (data, mime) => {
      const url = URL.createObjectURL(new Blob([data], { type: mime }));
      this.#urls.push(url);
      return url;
    };
    return {
      sound: sound ?? urlOf(bytes, mime),
      picture: picture ?? (image === undefined ? undefined : urlOf(image, "image/png")),
      seconds,
      played,
    };
  }

  #open({ title, items, decisions, by, isPage, place, speakers }) {
    this.#items = items;
    this.#ledger = new Ledger();
    for (const decision of decisions) this.#ledger.add(decision);
    this.title.textContent = plain(title);
    this.#by = by ?? "";
    this.by.value = this.#by;
    this.by.disabled = !isPage;
    this.saveButton.hidden = this.loadButton.hidden = !isPage;
    this.place = place;
    this.speakers = speakers;
    const kinds = [...new Set(items.map(({ kind }) => kind))];
    const count = (kind) => items.filter((item) => item.kind === kind).length;
    this.kind.replaceChildren(
      h("option", { value: "" }, `all kinds (${items.length})`),
      ...kinds.map((kind) =>
        h("option", { value: kind, title: fileWordOf(kind) }, `${nameOf(kind)} (${count(kind)})`),
      ),
    );
    this.kind.hidden = kinds.length < 2;
    this.leastRow.hidden = items.every(({ probability }) => probability === null);
    this.#filter();
    const next = this.list.rows.findIndex((index) => !this.#isDecided(index));
    this.#show(Math.max(0, next));
  }

  #isDecided(index) {
    return this.#ledger.mine(this.#items[index], this.#by) !== undefined;
  }

  /** Takes the name that was typed, and carries out what waited for it. */
  #takeName() {
    const name = this.by.value.trim();
    if (name === this.#by) return;
    const { item, choice } = this.#pending ?? {};
    this.#by = name;
    this.#filter();
    this.#redraw();
    if (name === "") return;
    this.message.hidden = true;
    this.#pending = undefined;
    if (choice !== undefined && item === this.#item()) void this.#decide(choice);
  }

  #filter() {
    const kind = this.kind.value;
    const least = Number(this.least.value) / 100;
    this.leastText.textContent = `${this.least.value} %`;
    const words = this.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const status = this.status.value;
    const isOf = {
      all: () => true,
      "to decide": (item) => this.#ledger.mine(item, this.#by) === undefined,
      decided: (item) => this.#ledger.mine(item, this.#by) !== undefined,
      unsure: (item) => this.#ledger.mine(item, this.#by)?.action === "unsure",
      disputed: (item) => this.#ledger.isDisputed(item),
    }[status];
    const current = this.list.rows[this.#shown];
    const rows = [];
    this.#items.forEach((item, index) => {
      if (kind !== "" && item.kind !== kind) return;
      if (item.probability !== null && item.probability < least) return;
      if (words.length > 0) {
        const text = [...item.keys, ...item.voices.map(({ label }) => label), item.title]
          .join(" ")
          .toLowerCase();
        if (!words.every((word) => text.includes(word))) return;
      }
      if (isOf(item)) rows.push(index);
    });
    this.list.rows = rows;
    this.hits.textContent =
      rows.length === this.#items.length ? "" : `${rows.length} of ${this.#items.length} shown`;
    const at = rows.indexOf(current);
    this.#shown = at;
    this.list.current = at;
    this.#count();
  }

  #count() {
    const done = this.#items.reduce((sum, _, index) => sum + Number(this.#isDecided(index)), 0);
    this.progress.max = Math.max(1, this.#items.length);
    this.progress.value = done;
    this.progressText.textContent = `${done} of ${this.#items.length} decided`;
  }

  #row(index) {
    const item = this.#items[index];
    const mine = this.#ledger.mine(item, this.#by);
    const others = this.#ledger.others(item, this.#by);
    const sign = mine === undefined ? "" : (signs[mine.action] ?? "✓");
    const isDisputed = this.#ledger.isDisputed(item);
    return [
      h(
        "span",
        { class: `desk-sign${isDisputed ? " is-disputed" : ""}` },
        isDisputed ? "≠" : sign || (others.length > 0 ? "·" : ""),
      ),
      h(
        "span",
        { class: "desk-names" },
        h(
          "b",
          {},
          item.keys.flatMap((key, k) => [
            k > 0 ? "  ·  " : "",
            nameOnALine(key, item.keys.length > 1 ? 12 : 20),
          ]),
        ),
        h("span", { title: fileWordOf(item.kind) }, nameOf(item.kind)),
      ),
      h(
        "span",
        { class: "desk-probability" },
        item.probability === null ? "" : `${Math.round(100 * item.probability)} %`,
      ),
    ];
  }

  /** Shows the item of a row, or says that there is none. */
  #show(row) {
    for (const voice of this.#voices) voice.remove();
    this.#voices = [];
    this.#shown = row;
    this.list.current = row;
    const index = this.list.rows[row];
    if (index === undefined) {
      const text =
        this.#items.length === 0 ? "There is nothing to decide." : "Nothing here fits the filters.";
      this.pane.replaceChildren(h("p", { class: "desk-empty" }, text));
      return;
    }
    const item = this.#items[index];
    this.#voices = item.voices.map(
      (voice, v) =>
        new Voice(voice, "abcdef"[v], {
          fetch: (key) => this.#ask(`voice ${key}`, { type: "voice", key }),
          onPlay: (own) => {
            for (const other of this.#voices) if (other !== own) other.stop();
          },
          onEnd: (own) => {
            if (this.isPlayingAll) void this.#voices[this.#voices.indexOf(own) + 1]?.play();
          },
        }),
    );
    this.decided = h("p", { class: "desk-decided" });
    this.choices = h("div", { class: "desk-choices" });
    const map = h("div", { class: "desk-mapplace" });
    this.pane.replaceChildren(
      h(
        "p",
        { class: "desk-kind" },
        nameOf(item.kind),
        fileWordOf(item.kind) &&
          h("code", { title: "Its name in findings and decisions" }, inSnakeCase(item.kind)),
        h("span", {}, ` ${row + 1} of ${this.list.rows.length}`),
      ),
      h("h2", {}, plain(item.title)),
      h(
        "div",
        { class: "desk-voices" },
        this.#voices.map(({ element }) => element),
      ),
      this.choices,
      this.decided,
      h(
        "div",
        { class: "desk-evidence" },
        h(
          "table",
          {},
          h(
            "tbody",
            {},
            item.facts.map(([name, value]) =>
              h("tr", {}, h("th", { scope: "row" }, plain(name)), h("td", {}, plain(value))),
            ),
          ),
        ),
        map,
      ),
    );
    this.pane.scrollTop = 0;
    this.#redraw();
    const letters = new Map(item.voices.map(({ key }, v) => [key, "abcdef"[v]]));
    if (item.hasMap)
      void this.#ask(`map ${index}`, { type: "map", item: index }).then((drawn) => {
        if (drawn && map.isConnected) map.replaceChildren(drawMap(drawn, letters));
      });
  }

  #item() {
    return this.#items[this.list.rows[this.#shown]];
  }

  /** What can be decided, and what was. */
  #redraw() {
    const item = this.#item();
    if (item === undefined) return;
    this.voiceKeys.textContent = item.voices.map((_, v) => "abcdef"[v]).join(" ");
    this.choiceKeys.textContent = item.actions.map((_, c) => c + 1).join(" ");
    const mine = this.#ledger.mine(item, this.#by);
    const isChosen = ({ action, to, needs }) =>
      mine?.action === action && (needs !== undefined || to === undefined || to === mine.to);
    this.choices.replaceChildren(
      ...item.actions.map((choice, c) =>
        h(
          "button",
          {
            type: "button",
            class: `desk-choice${isChosen(choice) ? " is-chosen" : ""}`,
            "aria-pressed": String(isChosen(choice)),
            // Were the name's field left by it, what was chosen before would be decided instead.
            onmousedown: (event) => event.preventDefault(),
            onclick: () => this.#choose(choice),
          },
          h("kbd", {}, String(c + 1)),
          plain(choice.label),
        ),
      ),
    );
    const said = [mine, ...this.#ledger.others(item, this.#by)].filter((decision) => decision !== undefined);
    this.decided.replaceChildren(
      ...said.map(({ by, action, to, at }) =>
        h(
          "span",
          {},
          plain(
            `${by === this.#by ? "You" : by}: ${wordsOf(action)}${to === undefined ? "" : ` ${to}`}${at === "" ? "" : `, ${at.slice(0, 10)}`}`,
          ),
        ),
      ),
    );
  }

  #choose(choice) {
    if (choice.needs !== "speaker") return this.#decide(choice);
    const names = h(
      "datalist",
      { id: "desk-speakers" },
      (this.speakers ?? []).map((name) => h("option", { value: name })),
    );
    const input = h("input", { placeholder: "which speaker? Enter decides", "aria-label": "Speaker" });
    input.setAttribute("list", "desk-speakers");
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        this.#redraw();
        this.root.focus();
      }
      if (event.key !== "Enter" || input.value.trim() === "") return;
      event.preventDefault();
      void this.#decide({ ...choice, to: input.value.trim() });
    });
    this.choices.append(input, names);
    input.focus();
  }

  /** The next item is shown when the decision is safe. */
  async #decide(choice) {
    this.#pending = undefined;
    // A name that is still being typed is taken when its field is left; and keys go on after a click.
    this.root.focus({ preventScroll: true });
    const item = this.#item();
    if (item === undefined || this.#isBusy) return;
    const { action, to, parts } = choice;
    if (this.#by === "") {
      this.#pending = { item, choice };
      this.#say("Who are you? Decisions carry a name: type it and press Enter.");
      this.by.focus();
      return;
    }
    const index = this.list.rows[this.#shown];
    if (!(await this.#send(item, { action, to, parts }))) return;
    this.#undo.push(index);
    this.undoButton.disabled = false;
    this.#next(index);
  }

  async #send({ kind, keys, probability }, { action, to, parts }) {
    this.#isBusy = true;
    this.message.hidden = true;
    const decision = {
      kind,
      keys,
      action,
      ...(to === undefined ? {} : { to }),
      ...(parts === undefined ? {} : { parts }),
      by: this.#by,
      at: new Date().toISOString(),
      ...(probability === null ? {} : { probability }),
    };
    const token = `${decision.at} ${Math.random()}`;
    const isSaved = await this.#ask(`decide ${token}`, { type: "decide", token, decision });
    this.#waiting.delete(`decide ${token}`);
    this.#isBusy = false;
    return isSaved;
  }

  #record(decision) {
    this.#ledger.add(decision);
    this.list.refresh();
    this.#count();
    this.#redraw();
  }

  /** The next one that is to be decided, else the next. */
  #next(index) {
    // By a filter the row may be gone.
    const { rows } = this.list;
    const at = rows.indexOf(index);
    const open = rows.findIndex((other, row) => row > at && !this.#isDecided(other));
    const row = open >= 0 ? open : rows.findIndex((other) => !this.#isDecided(other));
    if (row >= 0) this.#show(row);
    else {
      this.#redraw();
      this.#say(
        this.place === undefined
          ? "All decided. Save the decisions."
          : `All decided. The decisions are in ${this.place}.`,
      );
    }
  }

  async #undoLast() {
    const index = this.#undo.pop();
    if (index === undefined || this.#isBusy) return;
    this.undoButton.disabled = this.#undo.length === 0;
    if (!(await this.#send(this.#items[index], { action: "undo" }))) return;
    const row = this.list.rows.indexOf(index);
    if (row >= 0) this.#show(row);
  }

  #save() {
    const lines = [...this.#ledger.lines()];
    if (lines.length === 0) return this.#say("Nothing is decided yet, so no file was saved.");
    const name = this.#by.replace(/[^\p{L}\p{N}_-]+/gu, "_");
    const url = URL.createObjectURL(new Blob(lines, { type: "application/jsonl" }));
    const link = h("a", { href: url, download: `decisions${name && `-${name}`}.jsonl` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
    this.#model.send({ type: "save" });
    this.#say(`${lines.length} ${lines.length === 1 ? "decision" : "decisions"} saved.`);
  }

  async #load(file) {
    const [chosen] = file.files;
    if (chosen === undefined) return;
    const { decisions, bad } = readLines(await chosen.text());
    file.value = "";
    for (const decision of decisions) this.#ledger.add(decision);
    this.#filter();
    this.#redraw();
    this.#say(
      `${decisions.length} decisions loaded${bad > 0 ? `; ${bad} lines are none, and were left out` : ""}.`,
    );
  }

  #say(text) {
    this.message.textContent = plain(text);
    this.message.hidden = false;
  }

  #play() {
    const playing = this.#voices.find((voice) => voice.isPlaying);
    this.isPlayingAll = playing === undefined;
    if (playing === undefined) void this.#voices[0]?.play();
    else playing.stop();
  }

  #key(event) {
    const { key, target } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.closest("input, select, textarea") !== null) {
      if (key === "Escape") this.root.focus();
      return;
    }
    const letter = "abcdef".indexOf(key);
    const choice = this.#item()?.actions[Number(key) - 1];
    const action =
      key === " "
        ? () => this.#play()
        : key === "ArrowDown" || key === "ArrowRight"
          ? () => this.#show(Math.min(this.#shown + 1, this.list.rows.length - 1))
          : key === "ArrowUp" || key === "ArrowLeft"
            ? () => this.#show(Math.max(this.#shown - 1, 0))
            : key === "u"
              ? () => this.#undoLast()
              : key === "/"
                ? () => this.search.focus()
                : letter >= 0 && key.length === 1 && this.#voices[letter] !== undefined
                  ? () => {
                      this.isPlayingAll = false;
                      this.#voices[letter].toggle();
                    }
                  : choice !== undefined
                    ? () => this.#choose(choice)
                    : undefined;
    if (action === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    void action();
  }
}

const wordsOf = (action) => action.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** As anywidget calls it. */
export function render({ model, el }) {
  const desk = new Desk(model, el);
  return () => desk.remove();
}
