const BLANK = ' \t\r\n';
const NEWLINE = '\r\n';
/** Characters that a backslash keeps from their meaning between double quotes. */
const ESCAPED = '"\\`$';

type Place =
  | 'before-name'
  | 'name'
  | 'before-value'
  | 'value'
  | 'escape'
  | 'single'
  | 'double'
  | 'double-escape'
  | 'comment'
  | 'comment-escape';

/**
 * The variables of a file that `EnvironmentFile=` names, in order (systemd.exec(5), character by character as systemd's
 * env-file.c): quotes at the start of a value may span lines, a value goes on behind its closing quote, blanks around it are
 * dropped. Never throws: every text has a reading.
 */
export function parseEnvironmentFile(text: string): readonly (readonly [string, string])[] {
  const variables: (readonly [string, string])[] = [];
  let place: Place = 'before-name';
  let name = '';
  let value = '';
  /** What of the value is not to be dropped as a blank at its end. */
  let kept = 0;
  const end = (): void => {
    variables.push([name.replace(/[ \t\r\n]+$/, ''), value]);
    name = '';
    value = '';
    kept = 0;
  };
  const add = (characters: string): void => {
    value += characters;
    kept = value.length;
  };
  for (const character of text) {
    switch (place) {
      case 'before-name':
        if ('#;'.includes(character)) place = 'comment';
        else if (!BLANK.includes(character)) {
          place = 'name';
          name = character;
        }
        break;
      case 'name':
        if (NEWLINE.includes(character)) place = 'before-name';
        else if (character === '=') place = 'before-value';
        else name += character;
        break;
      case 'before-value':
        if (NEWLINE.includes(character)) {
          place = 'before-name';
          end();
        } else if (character === "'") place = 'single';
        else if (character === '"') place = 'double';
        else if (character === '\\') place = 'escape';
        else if (!BLANK.includes(character)) {
          place = 'value';
          add(character);
        }
        break;
      case 'value':
        if (NEWLINE.includes(character)) {
          place = 'before-name';
          value = value.slice(0, kept);
          end();
        } else if (character === '\\') {
          place = 'escape';
          kept = value.length;
        } else if (BLANK.includes(character)) value += character;
        else add(character);
        break;
      case 'escape':
        place = 'value';
        if (!NEWLINE.includes(character)) add(character);
        break;
      case 'single':
        if (character === "'") place = 'before-value';
        else add(character);
        break;
      case 'double':
        if (character === '"') place = 'before-value';
        else if (character === '\\') place = 'double-escape';
        else add(character);
        break;
      case 'double-escape':
        place = 'double';
        if (ESCAPED.includes(character)) add(character);
        else if (character !== '\n') add(`\\${character}`);
        break;
      case 'comment':
        if (character === '\\') place = 'comment-escape';
        else if (NEWLINE.includes(character)) place = 'before-name';
        break;
      case 'comment-escape':
        // Since systemd 254 a comment ends with its line, whatever stands there; before, a backslash took in the next one.
        place = NEWLINE.includes(character) ? 'before-name' : 'comment';
        break;
    }
  }
  if (place === 'value') value = value.slice(0, kept);
  if (!['before-name', 'name', 'comment', 'comment-escape'].includes(place)) end();
  return variables;
}
