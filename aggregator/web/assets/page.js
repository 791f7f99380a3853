// What pages do beside being there: they stay up to date, and their tables can be ordered. Without it all is readable.

const LEAST_MS = 1000;

/** Ordering of tables; the choice is kept in the query of the page, so that it can be linked to. */
function orderTables() {
  const [wanted, direction] = (new URLSearchParams(location.search).get('order') ?? '').split(':');
  for (const table of document.querySelectorAll('table[data-sortable]')) {
    const heads = [...table.querySelectorAll('thead th')];
    heads.forEach((head, column) => {
      if (head.querySelector('button') !== null) return;
      const button = document.createElement('button');
      button.type = 'button';
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener('click', () => {
        const down = head.getAttribute('aria-sort') === 'ascending';
        order(table, heads, column, down);
        keep('order', `${column}:${down ? 'down' : 'up'}`);
      });
    });
    const column = Number(wanted);
    if (wanted !== '' && column < heads.length) order(table, heads, column, direction === 'down');
  }
}

function order(table, heads, column, down) {
  for (const head of heads) head.removeAttribute('aria-sort');
  heads[column].setAttribute('aria-sort', down ? 'descending' : 'ascending');
  const keyOf = (row) => {
    const cell = row.cells[column];
    return cell?.dataset.sort ?? cell?.textContent.trim() ?? '';
  };
  const body = table.tBodies[0];
  const rows = [...body.rows].map((row) => [keyOf(row), row]);
  const compare = new Intl.Collator('en', { numeric: true }).compare;
  rows.sort(([a], [b]) => (down ? compare(b, a) : compare(a, b)));
  body.append(...rows.map(([, row]) => row));
}

function keep(name, value) {
  const url = new URL(location.href);
  url.searchParams.set(name, value);
  history.replaceState(null, '', url);
}

/** Takes over what changed of the parts of the page that are live; the rest, forms above all, stays as it is. */
function takeOver(fresh) {
  for (const part of fresh.querySelectorAll('[data-live]')) {
    const shown = document.getElementById(part.id);
    if (
      shown === null ||
      shown.innerHTML === part.innerHTML ||
      shown.dataset.source === part.innerHTML
    )
      continue;
    const open = [...shown.querySelectorAll('details')].map((each) => each.open);
    const focus = placeOf(document.activeElement, shown);
    shown.dataset.source = part.innerHTML;
    shown.replaceChildren(...part.childNodes);
    shown.querySelectorAll('details').forEach((each, index) => {
      each.open = open[index] ?? false;
    });
    focused(shown, focus)?.focus({ preventScroll: true });
  }
  orderTables();
  drawCharts();
}

const FOCUSABLE = 'a[href], button, summary, [tabindex]';

/** Which of the elements that take the focus has it; -1 for none in this part. */
function placeOf(element, part) {
  return element !== null && part.contains(element)
    ? [...part.querySelectorAll(FOCUSABLE)].indexOf(element)
    : -1;
}

function focused(part, place) {
  return place < 0 ? undefined : part.querySelectorAll(FOCUSABLE)[place];
}

/** Fetches the page again when the server tells that something of its topics changed. */
class Live {
  #topics;
  #state = document.getElementById('live-state');
  #pause = document.getElementById('pause');
  #source = null;
  #timer = null;
  #tookMs = 0;
  #isStale = false;

  constructor(topics) {
    this.#topics = topics;
    this.#pause.hidden = false;
    this.#pause.addEventListener('click', () => this.#toggle());
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.#isStale) this.#plan();
    });
    if (sessionStorage.getItem('paused') === 'yes') this.#stop();
    else this.#start();
    this.#planMore();
  }

  #start() {
    this.#pause.setAttribute('aria-pressed', 'false');
    this.#source = new EventSource('/live');
    this.#source.addEventListener('watching', () => this.#say('● live'));
    this.#source.addEventListener('changed', ({ data }) => {
      if (data.split(' ').some((topic) => this.#topics.includes(topic))) this.#plan();
    });
    this.#source.addEventListener('ended', () => this.#leave());
    this.#source.addEventListener('error', () => this.#say('no connection, trying again'));
  }

  #stop() {
    this.#source?.close();
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#pause.setAttribute('aria-pressed', 'true');
    this.#say('paused');
  }

  #toggle() {
    const isPaused = this.#pause.getAttribute('aria-pressed') === 'true';
    sessionStorage.setItem('paused', isPaused ? 'no' : 'yes');
    if (!isPaused) return this.#stop();
    this.#start();
    this.#plan();
  }

  /** Not at once, and the less often the longer it takes; a page that nobody sees waits. */
  #plan() {
    this.#isStale = true;
    if (document.hidden) return;
    this.#timer ??= setTimeout(() => this.#refresh(), Math.max(LEAST_MS, 4 * this.#tookMs));
  }

  async #refresh() {
    const startedMs = performance.now();
    this.#isStale = false;
    try {
      const response = await fetch(location.href, { headers: { accept: 'text/html' } });
      if (response.redirected) return this.#leave();
      if (response.ok)
        takeOver(new DOMParser().parseFromString(await response.text(), 'text/html'));
    } catch {
      this.#say('no connection, trying again');
    } finally {
      this.#tookMs = performance.now() - startedMs;
      this.#timer = null;
      if (this.#isStale) this.#plan();
      else this.#planMore();
    }
  }

  /** What is under way says so itself. */
  #planMore() {
    const isPaused = this.#pause.getAttribute('aria-pressed') === 'true';
    if (!isPaused && document.querySelector('[data-poll]') !== null) this.#plan();
  }

  /** Nobody is signed in any more: the server asks who it is. */
  #leave() {
    this.#source?.close();
    location.reload();
  }

  #say(text) {
    if (this.#state.textContent !== text) this.#state.textContent = text;
  }
}

const TENS = [1, 10, 100, 1000, 10_000, 100_000];

/** @param {number} seconds since 1970 */
function longTime(seconds) {
  return new Date(seconds * 1000).toISOString().slice(0, 16).replace('T', ' ');
}

/** The day at midnight, else the hour. @param {number} seconds since 1970 */
function shortTime(seconds) {
  const [day, hour] = longTime(seconds).split(' ');
  return hour === '00:00' ? day.slice(5) : hour;
}

/** Time series by uPlot, from the table that says the same; a line has the colour of its heading. */
function drawCharts() {
  /** @type {typeof import('uplot') | undefined} */
  const uPlot = globalThis.uPlot;
  if (uPlot === undefined) return;
  for (const figure of document.querySelectorAll('figure[data-chart]')) {
    /** @type {HTMLElement} */
    const place = figure.querySelector('.chart');
    if (place.childElementCount > 0) continue;
    const [, ...heads] = figure.querySelectorAll('thead th');
    const rows = [...figure.querySelector('tbody').rows];
    const colourOf = (element) => getComputedStyle(element).color;
    const axis = { stroke: () => colourOf(figure), grid: { width: 0.5 } };
    const times = { ...axis, values: (_, seconds) => seconds.map(shortTime) };
    // What is counted has no half.
    const counts = {
      ...axis,
      incrs: [1, 2, 5].flatMap((step) => TENS.map((ten) => step * ten)).sort((a, b) => a - b),
    };
    const options = {
      width: place.clientWidth,
      height: 240,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'UTC'),
      axes: [times, counts],
      series: [
        { label: 'UTC', value: (_, seconds) => (seconds === null ? '–' : longTime(seconds)) },
        ...heads.map((head, at) => ({
          label: head.textContent.trim(),
          stroke: () => colourOf(head),
          width: 2,
          // A line is told from another without its colour, too.
          dash: at === 0 ? [] : [8, 4],
        })),
      ],
    };
    const moments = rows.map((row) => Number(row.cells[0].dataset.sort));
    const values = heads.map((_, at) => rows.map((row) => Number(row.cells[at + 1].textContent)));
    new uPlot(options, [moments, ...values], place);
  }
}

orderTables();
drawCharts();
const topics = document.body.dataset.topics.split(' ').filter((topic) => topic !== '');
if (topics.length > 0) new Live(topics);
