import { safeText } from '../../shared/safe-text.ts';

/** What may stand between pieces of markup; a list is its members one after another, `null` and the like are nothing. */
export type Content = Html | string | number | null | undefined | false | readonly Content[];

/** Markup that may be sent as it is: only `html` makes it, from literal markup and escaped values. */
export class Html {
  readonly #text: string;

  private constructor(text: string) {
    this.#text = text;
  }

  /** The tag of templates. Values are text, wherever they stand: in an element, or in a quoted attribute. */
  static tag(pieces: TemplateStringsArray, ...values: readonly Content[]): Html {
    let text = pieces[0] ?? '';
    for (const [index, value] of values.entries())
      text += render(value) + (pieces[index + 1] ?? '');
    return new Html(text);
  }

  toString(): string {
    return this.#text;
  }
}

export const html: typeof Html.tag = Html.tag;

/** Text whose line breaks stay, for `<pre>`. */
export function lines(text: string): Html {
  return html`${text.split('\n').map((line, index) => html`${index === 0 ? null : NEW_LINE}${line}`)}`;
}

const NEW_LINE: Html = html`
`;

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function render(value: Content): string {
  if (value === null || value === undefined || value === false) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return escaped(value);
  return value.map(render).join('');
}

/** Characters that would reorder or hide the text around them are shown by their number. */
function escaped(text: string): string {
  return safeText(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
