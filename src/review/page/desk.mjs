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

/** How a row shows what was decided, and how it is said. */
const signs = {
  keep: ["○", "kept"],
  same: ["✓", "the same"],
  different: ["✗", "different"],
  unsure: ["?", "unsure"],
};

const letters = "abcdef";

/** A probability as the toolkit writes it: it is never called certain. */
const percent = (probability) => (probability >= 0.995 ? "> 99 %" : `${Math.round(100 * probability)} %`);

const counted = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** There may be several desks in a notebook. */
let desks = 0;

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
  #id = `desk-${++desks}`;
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
    this.progress = h("progress", { max: 1, value: 0, "aria-label": "Decided" });
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
    /** After a click, keys go on; who pressed the button by a key stays on it. */
    const press = (action) => (event) => {
      action();
      if (event.detail > 0) this.root.focus({ preventScroll: true });
    };
    this.saveButton = h("button", { type: "button", onclick: press(() => this.#save()) }, "Save decisions");
    const file = h("input", {
      type: "file",
      accept: ".jsonl",
      hidden: true,
      onchange: () => this.#load(file),
    });
    this.loadButton = h(
      "button",
      { type: "button", title: "Load decisions that were saved", onclick: press(() => file.click()) },
      "Load",
    );
    this.undoButton = h(
      "button",
      { type: "button", disabled: true, onclick: press(() => this.#undoLast()) },
      "Undo ",
      h("kbd", { "aria-hidden": "true" }, "u"),
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
      placeholder: "search",
      "aria-label": "Search names",
      oninput: filter,
    });
    this.hits = h("div", { class: "desk-hits", role: "status" });
    this.list = new List({
      id: `${this.#id}-list`,
      draw: (index) => this.#row(index),
      onPick: (row) => this.#show(row),
    });
    /** What is shown, for who hears the page. */
    this.spoken = h("div", { class: "desk-spoken", role: "status" });
    this.pane = h("main", { class: "desk-pane" });
    this.message = h("div", { class: "desk-message", role: "status", hidden: true });
    this.voiceKeys = h("kbd", {});
    this.choiceKeys = h("kbd", {});
    this.oneVoice = h("span", { class: "desk-key-group" }, this.voiceKeys, "one voice");
    this.leastRow = h("label", { class: "desk-least" }, "probability from ", this.leastText, this.least);
    this.root = h(
      "div",
      {
        class: "desk",
        role: "group",
        "aria-label": "Listening desk",
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
      this.spoken,
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
        h("span", { class: "desk-key-group" }, h("kbd", {}, "space"), "play"),
        this.oneVoice,
        h("span", { class: "desk-key-group" }, this.choiceKeys, "decide"),
        ...[
          ["↑ ↓", "move"],
          ["u", "undo"],
          ["/", "search"],
        ].map(([keys, what]) => h("span", { class: "desk-key-group" }, h("kbd", {}, keys), what)),
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
    this.isPage = isPage;
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
    const hits = rows.length === this.#items.length ? "" : `${rows.length} of ${this.#items.length} shown`;
    if (this.hits.textContent !== hits) this.hits.textContent = hits;
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
    const isDisputed = this.#ledger.isDisputed(item);
    const [sign, meaning] = isDisputed
      ? ["≠", "people disagree"]
      : mine !== undefined
        ? (signs[mine.action] ?? ["✓", wordsOf(mine.action)])
        : others.length > 0
          ? ["·", "decided by somebody else"]
          : ["", undefined];
    return [
      h(
        "span",
        {
          class: `desk-sign${isDisputed ? " is-disputed" : ""}`,
          title: meaning,
          role: meaning && "img",
          "aria-label": meaning,
        },
        sign,
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
      h("span", { class: "desk-probability" }, item.probability === null ? "" : percent(item.probability)),
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
      this.spoken.textContent = text;
      return;
    }
    const item = this.#items[index];
    this.#voices = item.voices.map(
      (voice, v) =>
        new Voice(voice, letters[v], {
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
    // What goes takes the focus along, and keys are heard by what has it.
    if (this.pane.contains(document.activeElement)) this.root.focus({ preventScroll: true });
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
    // On a narrow screen the page is what scrolls.
    if (this.isPage && this.pane.getBoundingClientRect().top < 0) this.pane.scrollIntoView();
    this.#redraw();
    this.spoken.textContent = plain(
      `${row + 1} of ${this.list.rows.length}, ${nameOf(item.kind)}: ${item.title}`,
    );
    const letterOf = new Map(item.voices.map(({ key }, v) => [key, letters[v]]));
    if (item.hasMap)
      void this.#ask(`map ${index}`, { type: "map", item: index }).then((drawn) => {
        if (drawn && map.isConnected) map.replaceChildren(drawMap(drawn, letterOf));
      });
  }

  #item() {
    return this.#items[this.list.rows[this.#shown]];
  }

  /** What can be decided, and what was. */
  #redraw() {
    const item = this.#item();
    if (item === undefined) return;
    this.voiceKeys.textContent = item.voices.map((_, v) => letters[v]).join(" ");
    this.oneVoice.hidden = item.voices.length === 0;
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
          h("kbd", { "aria-hidden": "true" }, String(c + 1)),
          plain(choice.label),
        ),
      ),
    );
    const said = [mine, ...this.#ledger.others(item, this.#by)].filter((decision) => decision !== undefined);
    this.decided.replaceChildren(
      ...said.map((decision) => {
        const { by, at = "" } = decision;
        return h(
          "span",
          {},
          plain(`${by === this.#by ? "You" : by}: ${saidOf(decision, item)}${at && `, ${at.slice(0, 10)}`}`),
        );
      }),
    );
  }

  #choose(choice) {
    if (choice.needs !== "speaker") return this.#decide(choice);
    this.choices.querySelector(".desk-speaker")?.remove();
    const known = this.speakers ?? [];
    const names = h(
      "datalist",
      { id: `${this.#id}-speakers` },
      known.map((name) => h("option", { value: name })),
    );
    const note = h("span", { role: "alert" });
    const input = h("input", { placeholder: "which speaker? Enter decides", "aria-label": "Speaker" });
    input.setAttribute("list", names.id);
    let confirmed;
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        this.#redraw();
        this.root.focus();
      }
      const to = input.value.trim();
      if (event.key !== "Enter" || event.isComposing || to === "") return;
      event.preventDefault();
      // A slip of the pen would make a speaker whom nobody looks for.
      if (known.some((name) => name === to || name.endsWith(`_${to}`)) || confirmed === to)
        return void this.#decide({ ...choice, to });
      confirmed = to;
      note.textContent = plain(`There is no speaker ${to}. Enter again makes it a new one.`);
    });
    this.choices.append(h("div", { class: "desk-speaker" }, input, note, names));
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
    // Keys are heard by what has the focus, which a button that is off has lost.
    if (this.undoButton.disabled && this.undoButton === document.activeElement) this.root.focus();
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
    this.#say(`${counted(lines.length, "decision")} saved.`);
  }

  async #load(file) {
    const [chosen] = file.files;
    if (chosen === undefined) return;
    const { decisions, bad } = readLines(await chosen.text());
    file.value = "";
    for (const decision of decisions) this.#ledger.add(decision);
    this.#filter();
    this.#redraw();
    const left = bad === 1 ? "1 line is none, and was left out" : `${bad} lines are none, and were left out`;
    this.#say(`${counted(decisions.length, "decision")} loaded${bad > 0 ? `; ${left}` : ""}.`);
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
    // Of a button that has the focus, space is its own.
    if (key === " " && target.closest("button") !== null) return;
    const letter = letters.indexOf(key);
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

/** What was decided, by the words of the choice where there is one. */
function saidOf({ action, to }, { actions }) {
  const choice = actions.find((one) => one.action === action && one.to === to && one.needs === undefined);
  return choice?.label ?? `${wordsOf(action)}${to === undefined ? "" : ` ${to}`}`;
}

const wordsOf = (action) => action.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** As anywidget calls it. */
export function render({ model, el }) {
  const desk = new Desk(model, el);
  return () => desk.remove();
}
