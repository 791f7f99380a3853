import t from 'tap';
import { readImageLibrary } from '../../cli/image-library.ts';

const versions: readonly (readonly [string | undefined, boolean | undefined])[] = [
  [undefined, undefined],
  ['5.23', false],
  ['5.36.2', false],
  ['v5.36.0', false],
  ['5.37', true],
  ['5.37.0', true],
  ['5.100.1', true],
  ['4.99', false],
  ['6.0', true],
];
for (const [version, signingSubkeys] of versions) {
  t.test(`signing subkeys of ${version ?? 'the newest version'}`, async (t) => {
    t.same(readImageLibrary(version), signingSubkeys === undefined ? {} : { signingSubkeys });
  });
}
for (const version of ['', 'new', '5', '5.x', '5.37.0.1', '5.37-rc1', '-5.37']) {
  t.test(`"${version}" is no version`, async (t) => {
    t.throws(() => readImageLibrary(version), { message: /--image-library/ });
  });
}
