import { h } from "./dom.mjs";

const rowHeight = 46;

/** A list of any length: only the rows in sight are in the page. */
export class List {
  #rows = [];
  #first = -1;
  #last = -1;
  #current = -1;
  #draw;
  #id;

  /**
   * @param id of its element, by which a screen reader is told of the current row
   * @param draw gives the content of a row's element for an index into the rows
   */
  constructor({ id, draw, onPick }) {
    this.#draw = draw;
    this.#id = id;
    this.inner = h("div", { class: "desk-rows", role: "presentation" });
    this.element = h(
      "div",
      {
        class: "desk-list",
        role: "listbox",
        id,
        "aria-label": "Findings",
        tabIndex: 0,
        onscroll: () => this.#show(),
        onclick: (event) => {
          const row = event.target.closest(".desk-row");
          if (row !== null) onPick(Number(row.dataset.index));
        },
      },
      this.inner,
    );
    // A message above it, or a larger window: a row that was in sight stays so, and there are rows down to the end.
    let height = 0;
    new ResizeObserver(() => {
      if (this.#isInSight(height)) this.current = this.#current;
      else this.refresh();
      height = this.element.clientHeight;
    }).observe(this.element);
  }

  set rows(rows) {
    this.#rows = rows;
    this.inner.style.height = `${rows.length * rowHeight}px`;
    this.refresh();
  }

  get rows() {
    return this.#rows;
  }

  set current(index) {
    this.#current = index;
    const { clientHeight } = this.element;
    if (index >= 0 && !this.#isInSight(clientHeight))
      this.element.scrollTop = Math.max(0, index * rowHeight - clientHeight / 2);
    this.refresh();
  }

  /** Whether the current row is within a list of that height. */
  #isInSight(height) {
    const top = this.#current * rowHeight - this.element.scrollTop;
    return top >= 0 && top + rowHeight <= height;
  }

  /** Draws what is in sight anew. */
  refresh() {
    this.#first = -1;
    this.#show();
  }

  #show() {
    const { scrollTop, clientHeight } = this.element;
    const first = Math.max(0, Math.floor(scrollTop / rowHeight) - 6);
    const last = Math.min(this.#rows.length, Math.ceil((scrollTop + (clientHeight || 600)) / rowHeight) + 6);
    if (first === this.#first && last === this.#last) return;
    [this.#first, this.#last] = [first, last];
    const elements = [];
    for (let index = first; index < last; index++) {
      const row = h("div", {
        class: `desk-row${index === this.#current ? " is-current" : ""}`,
        role: "option",
        id: `${this.#id}-${index}`,
        "aria-posinset": String(index + 1),
        "aria-setsize": String(this.#rows.length),
        "aria-selected": String(index === this.#current),
      });
      row.dataset.index = String(index);
      row.style.top = `${index * rowHeight}px`;
      row.append(...this.#draw(this.#rows[index]));
      elements.push(row);
    }
    this.inner.replaceChildren(...elements);
    const isInSight = this.#current >= first && this.#current < last;
    if (isInSight) this.element.setAttribute("aria-activedescendant", `${this.#id}-${this.#current}`);
    else this.element.removeAttribute("aria-activedescendant");
  }
}
