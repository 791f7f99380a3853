import t from 'tap';
import { node } from '../../../agent/checks/node.ts';
import type { ProfileValues } from '../../../agent/profile-values.ts';
import { contextAt, say, treeOf } from '../../support/host-tree.ts';

const RULE = 'node.kernel-hardening';
type Files = Readonly<Record<string, string | undefined>>;

const NODE: Files = {
  '/proc/cmdline': 'root=UUID=1 page_poison=1 vsyscall=none slub_debug=P quiet\n',
  '/proc/sys/kernel/dmesg_restrict': '1\n',
  '/proc/sys/kernel/unprivileged_bpf_disabled': '2\n',
  '/proc/sys/kernel/randomize_va_space': '2\n',
  '/proc/sys/kernel/tainted': '4096\n',
  '/proc/sys/net/ipv4/conf/eth0.1/rp_filter': '1\n',
  '/proc/sys/net/ipv4/tcp_rmem': '4096\t131072\t6291456\n',
  '/sys/kernel/security/lockdown': 'none [integrity] confidentiality\n',
};

/** What the profile asks for, what differs on the node, and the lines of the rule. */
const CASES: readonly (readonly [
  name: string,
  values: Partial<ProfileValues>,
  change: Files,
  expected: readonly string[],
])[] = [
  ['nothing', {}, {}, ['notapplicable not-expected']],
  [
    'a value that is so',
    { sysctls: { 'kernel.dmesg_restrict': ['1'] } },
    {},
    ['pass @ kernel.dmesg_restrict'],
  ],
  [
    'one of two values',
    { sysctls: { 'kernel.unprivileged_bpf_disabled': ['1', '2'] } },
    {},
    ['pass @ kernel.unprivileged_bpf_disabled'],
  ],
  [
    'a value that is another',
    { sysctls: { 'kernel.dmesg_restrict': ['1'] } },
    { '/proc/sys/kernel/dmesg_restrict': '0\n' },
    ['fail differs @ kernel.dmesg_restrict'],
  ],
  [
    'a value that this kernel does not have',
    { sysctls: { 'kernel.yama.ptrace_scope': ['1'] } },
    {},
    ['fail missing @ kernel.yama.ptrace_scope'],
  ],
  [
    'a value of an interface with a dot in its name',
    { sysctls: { 'net.ipv4.conf.eth0/1.rp_filter': ['1'] } },
    {},
    ['pass @ net.ipv4.conf.eth0/1.rp_filter'],
  ],
  [
    'several numbers',
    { sysctls: { 'net.ipv4.tcp_rmem': ['4096 131072 6291456'] } },
    {},
    ['pass @ net.ipv4.tcp_rmem'],
  ],
  [
    'arguments that are there',
    { kernelArguments: ['page_poison=1', 'vsyscall=none', 'slub_debug=P', 'quiet'] },
    {},
    ['pass @ page_poison=1', 'pass @ vsyscall=none', 'pass @ slub_debug=P', 'pass @ quiet'],
  ],
  [
    'an argument that is not there',
    { kernelArguments: ['audit=1'] },
    {},
    ['fail missing @ audit=1'],
  ],
  [
    'an argument that a later one overrules',
    { kernelArguments: ['page_poison=1'] },
    { '/proc/cmdline': 'page_poison=1 page_poison=0\n' },
    ['fail differs @ page_poison=1'],
  ],
  [
    'an argument that stands behind those of the kernel',
    { kernelArguments: ['page_poison=1'] },
    { '/proc/cmdline': 'quiet -- page_poison=1\n' },
    ['fail missing @ page_poison=1'],
  ],
  [
    'values of a kernel that is not visible',
    { sysctls: { 'kernel.dmesg_restrict': ['1'] }, kernelArguments: ['quiet'] },
    Object.fromEntries(Object.keys(NODE).map((path) => [path, undefined])),
    ['error not-visible @ kernel.dmesg_restrict', 'error not-visible @ quiet'],
  ],
];

for (const [name, values, change, expected] of CASES) {
  t.test(`a profile that asks for ${name}`, async (t) => {
    const root = t.testdir(treeOf({ ...NODE, ...change }));
    const lines = await say(node, root, undefined, values);
    t.strictSame(
      lines.filter((line) => line.startsWith(`${RULE} `)),
      expected.map((line) => `${RULE} ${line}`),
    );
  });
}

t.test('where nothing is asked for, what there is is shown', async (t) => {
  const findings = await node.run(contextAt(t.testdir(treeOf(NODE))), AbortSignal.timeout(5000));
  t.strictSame(findings.find(({ ruleId }) => ruleId === RULE)?.observed, {
    'kernel.dmesg_restrict': '1',
    'kernel.perf_event_paranoid': null,
    'kernel.yama.ptrace_scope': null,
    'kernel.unprivileged_bpf_disabled': '2',
    'kernel.kptr_restrict': null,
    'kernel.randomize_va_space': '2',
    lockdown: 'integrity',
    tainted: '4096',
  });
});

t.test('lockdown and taint are part of the evidence', async (t) => {
  const values = { sysctls: { 'kernel.randomize_va_space': ['2'] } };
  const context = contextAt(t.testdir(treeOf(NODE)), undefined, values);
  const findings = await node.run(context, AbortSignal.timeout(5000));
  t.match(
    findings.find(({ ruleId }) => ruleId === RULE),
    { observed: { value: '2', lockdown: 'integrity', tainted: '4096' }, expected: { value: '2' } },
  );
});
