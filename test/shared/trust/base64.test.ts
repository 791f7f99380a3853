import t from 'tap';
import { decodeBase64 } from '../../../shared/trust/base64.ts';

const accepted: readonly (readonly [string, string, string])[] = [
  ['nothing', '', ''],
  ['two pads', 'YQ==', 'a'],
  ['one pad', 'YWI=', 'ab'],
  ['no pad', 'YWJj', 'abc'],
  ['line ends anywhere', '\r\nY\nQ=\r\n=\n', 'a'],
  ['bits that say nothing', 'YR==', 'a'],
];
for (const [name, text, expected] of accepted) {
  t.equal(Buffer.from(decodeBase64(text) ?? 'none').toString(), expected, `base64 with ${name}`);
}

const refused: readonly (readonly [string, string])[] = [
  ['a missing pad', 'YQ='],
  ['no pad at all', 'YQ'],
  ['one character', 'Y'],
  ['pads alone', '===='],
  ['three pads', 'Y==='],
  ['a pad inside', 'YQ==YQ=='],
  ['something behind the pad', 'YQ==Y'],
  ['a blank', 'YW Jj'],
  ['a tab', 'YWJj\t'],
  ['the URL alphabet', '-_-_'],
  ['letters beyond ASCII', 'YWJ\u00e9'],
  ['a NUL', 'YWJ\0'],
];
for (const [name, text] of refused) {
  t.equal(decodeBase64(text), undefined, `${name} is no base64`);
}
