/**
 * Characters that could make a terminal do something or show another text than is there: C0 and C1 controls
 * (ESC, CSI), bidirectional overrides and isolates (Unicode TR 9), line and paragraph separators, invisible
 * format characters, tags, and surrogates without a partner.
 */
const HOSTILE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

/** Text from outside as it may be shown: hostile characters appear as `\x1b` or `\u{202e}`, on one line. */
export function safeText(text: string): string {
  return text.replace(HOSTILE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** JSON text in which the same characters stand as `\uXXXX`: the same value, harmless on a terminal. */
export function safeJson(json: string): string {
  return json.replace(HOSTILE, (character) => {
    // Line breaks of the layout; inside strings JSON.stringify has already escaped them.
    if (character === '\n') return character;
    return Array.from({ length: character.length }, (_, index) => {
      return `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`;
    }).join('');
  });
}
