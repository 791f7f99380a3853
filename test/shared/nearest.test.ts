import t from 'tap';
import { nearest } from '../../shared/nearest.ts';

const known = ['hostRoot', 'stateDir', 'tokenFile', 'caFile', 'interval', 'findings', 'nodes'];
const cases: readonly (readonly [string, string | undefined])[] = [
  ['hostroot', 'hostRoot'],
  ['host-root', 'hostRoot'],
  ['host_rot', 'hostRoot'],
  ['tokenFiel', 'tokenFile'],
  ['caFlie', 'caFile'],
  ['finding', 'findings'],
  ['node', 'nodes'],
  ['intervall', 'interval'],
  ['zzzzzz', undefined],
  ['', undefined],
  ['x'.repeat(1_000_000), undefined],
];

for (const [word, expected] of cases) {
  t.equal(nearest(word, known), expected, `"${word.slice(0, 20)}" is taken for ${expected}`);
}
t.equal(nearest('cat', ['cart', 'cat']), 'cat', 'the word itself wins over one near it');
