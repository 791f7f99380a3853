import { writeFileSync } from 'node:fs';
import t from 'tap';
import { openHost } from '../../../agent/host.ts';
import {
  hiddenSwitches,
  type KernelStatus,
  parseKernelStatus,
  readKernelStatus,
  STATUS,
} from '../../../agent/selinux/status.ts';
import { treeOf } from '../../support/host-tree.ts';
import { statusOf, u32 } from '../../support/selinux-policy.ts';

t.test('the words of the kernel are read', async (t) => {
  t.strictSame(parseKernelStatus(statusOf(12, { policyload: 5 })), {
    sequence: 12,
    enforcing: true,
    policyload: 5,
    denyUnknown: false,
  });
});

t.test('what the kernel is just writing says nothing', async (t) => {
  t.equal(parseKernelStatus(statusOf(13)), undefined);
});

const words = (...values: readonly number[]): Buffer => Buffer.concat(values.map(u32));
const BAD: readonly (readonly [name: string, bytes: Buffer, message: RegExp])[] = [
  ['nothing', Buffer.alloc(0), /expected 20 bytes, found 0/],
  ['one word', u32(1), /expected 20 bytes, found 4/],
  ['nineteen bytes', statusOf(2).subarray(0, 19), /found 19/],
  ['twenty-one bytes', Buffer.concat([statusOf(2), Buffer.alloc(1)]), /found 21/],
  ['a version to come', words(2, 2, 1, 1, 0), /expected version 1, found 2/],
  ['the other byte order', statusOf(2).swap32(), /expected version 1, found 16777216/],
  ['a mode that is none', words(1, 2, 7, 1, 0), /enforcing to be 0 or 1, found 7/],
  ['a flag that is none', words(1, 2, 1, 1, 0xffffffff), /deny_unknown to be 0 or 1/],
];

for (const [name, bytes, message] of BAD) {
  t.test(`${name} is no status`, async (t) => {
    t.throws(() => parseKernelStatus(bytes), { code: 'ERR_SELINUX_STATUS', path: STATUS, message });
  });
}

t.test('a node without the file has no status; one always being written is an error', async (t) => {
  const root = t.testdir(treeOf({ [STATUS]: statusOf(3) }));
  await t.rejects(readKernelStatus(openHost(root)), { code: 'ERR_SELINUX_STATUS' });
  writeFileSync(`${root}${STATUS}`, statusOf(4));
  t.match(await readKernelStatus(openHost(root)), { sequence: 4 });
  t.equal(await readKernelStatus(openHost(t.testdir({}))), undefined);
});

const at = (sequence: number, policyload: number, enforcing = true): KernelStatus => ({
  sequence,
  policyload,
  enforcing,
  denyUnknown: false,
});

/** The first three rows and the fifth are as a kernel 6.1 counted `setenforce`, `setsebool` and `load_policy`. */
const SWITCHES: readonly (readonly [
  name: string,
  before: KernelStatus,
  now: KernelStatus,
  hidden: number,
])[] = [
  ['nothing happened', at(12, 5), at(12, 5), 0],
  ['off, and seen so', at(2, 2), at(4, 2, false), 0],
  ['on again, and seen so', at(4, 2, false), at(6, 2), 0],
  ['off and on', at(2, 2), at(6, 2), 2],
  ['two booleans and a policy', at(6, 2), at(12, 5), 0],
  ['off, a boolean, and on', at(6, 2), at(12, 3), 2],
  ['off, on, off', at(2, 2), at(8, 2, false), 2],
  ['permissive throughout, on and off', at(4, 2, false), at(8, 2, false), 2],
  ['the first load since the file came to be', at(0, 0), at(2, 3), 0],
  ['off and on before any load', at(0, 0), at(4, 0), 2],
  ['a first load that hides what came before it', at(0, 0), at(6, 3), 0],
  ['another boot', at(12, 5), at(2, 1), 0],
];

for (const [name, before, now, hidden] of SWITCHES) {
  t.test(`switches that two looks do not show: ${name}`, async (t) => {
    t.equal(hiddenSwitches(before, now), hidden);
  });
}
