import t from 'tap';
import { compareVersions } from '../../../agent/images/release-version.ts';

/** Each list from the oldest on. */
const ORDERS = [
  ['4.9.59', '4.10.0', '4.16.3', '4.16.12', '5.0.0'],
  ['4.17.0-ec.1', '4.17.0-rc.2', '4.17.0-rc.10', '4.17.0', '4.17.1-rc.0'],
  ['4.16', '4.16.0', '4.16.0.1'],
  ['4.15.0-0.okd-2024-02-10-035534', '4.15.0-0.okd-2024-10-05-021530', '4.15.0'],
  ['1', 'nightly', 'stable'],
  ['9'.repeat(127), `1${'0'.repeat(127)}`],
];

for (const order of ORDERS) {
  t.test(order.join(' < '), async (t) => {
    for (const [i, a] of order.entries()) {
      for (const [j, b] of order.entries()) {
        t.equal(Math.sign(compareVersions(a, b)), Math.sign(i - j), `${a} and ${b}`);
      }
    }
  });
}

t.equal(compareVersions('4.16.3+x86', '4.16.3+arm'), 0, 'of one version, built differently');
