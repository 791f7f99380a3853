import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import t from 'tap';
import {
  CAPABILITIES,
  CRIO_CAPABILITIES,
  capabilityNames,
  PODMAN_CAPABILITIES,
} from '../../agent/capabilities.ts';

const BITS: readonly (readonly [hex: string, names: string])[] = [
  ['0', ''],
  ['1', 'CHOWN'],
  ['200000', 'SYS_ADMIN'],
  ['202400', 'NET_BIND_SERVICE NET_RAW SYS_ADMIN'],
  ['10000000000', 'CHECKPOINT_RESTORE'],
  ['60000000000', '41 42'],
];

for (const [hex, names] of BITS) {
  t.test(`the bits ${hex} are ${names || 'no capability'}`, async (t) => {
    t.equal(capabilityNames(BigInt(`0x${hex}`)).join(' '), names);
  });
}

const HEADER = '/usr/include/linux/capability.h';
t.test(
  'names are at the numbers of the kernel',
  { skip: !existsSync(HEADER) && 'no header' },
  async (t) => {
    const defined = readFileSync(HEADER, 'utf8').matchAll(/^#define CAP_([A-Z_]+)\s+(\d+)\s*$/gm);
    const named = [...defined].map(([, name, number]) => [Number(number), name]);
    t.ok(named.length >= 38);
    for (const [number, name] of named) t.equal(CAPABILITIES[Number(number)], name);
  },
);

const CONF = '/usr/share/containers/containers.conf';
t.test('podman gives what it says', { skip: !existsSync(CONF) && 'no podman' }, async (t) => {
  const list = execFileSync('sed', ['-n', '/^default_capabilities/,/^]/p', CONF], {
    encoding: 'utf8',
  });
  const names = [...list.matchAll(/"([A-Z_]+)"/g)].map(([, name = '']) => name);
  t.strictSame([...PODMAN_CAPABILITIES].sort(), names.sort());
  t.ok([...CRIO_CAPABILITIES].every((name) => CAPABILITIES.includes(name)));
});
