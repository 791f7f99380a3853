import t from 'tap';
import { parseKernelArguments } from '../../../agent/kernel-arguments.ts';
import { enforcingArgument, switchedOffBy } from '../../../agent/selinux/arguments.ts';

const LINES: readonly (readonly [line: string, argument: string | undefined])[] = [
  ['ro quiet', undefined],
  ['selinux=0', 'selinux=0'],
  ['selinux=1 enforcing=0', undefined],
  ['lsm=landlock,lockdown,yama,selinux,bpf', undefined],
  ['lsm=landlock,lockdown,yama,bpf', 'lsm=landlock,lockdown,yama,bpf'],
  ['lsm=', 'lsm='],
  ['lsm', undefined],
  ['lsm=selinux_not', 'lsm=selinux_not'],
  ['lsm=bpf lsm=selinux', undefined],
  ['lsm=selinux lsm=bpf', 'lsm=bpf'],
  ['lsm=selinux selinux=0', 'selinux=0'],
  ['security=selinux', undefined],
  ['security=apparmor', 'security=apparmor'],
  ['security=apparmor security=selinux', undefined],
  ['security=apparmor lsm=yama,selinux', undefined],
  ['security=selinux lsm=yama,apparmor', 'lsm=yama,apparmor'],
  ['ro -- lsm=bpf', undefined],
];

for (const [line, argument] of LINES) {
  t.test(`a kernel booted with "${line}" has SELinux, or not by ${argument}`, async (t) => {
    t.equal(switchedOffBy(parseKernelArguments(line)), argument);
  });
}

/** What libselinux's selinux_init_load_policy makes of it; null: the configuration decides. */
const ENFORCING: readonly (readonly [line: string, isEnforcing: boolean | null])[] = [
  ['ro quiet', null],
  ['enforcing=1', true],
  ['enforcing=0', false],
  ['enforcing=2', true],
  ['enforcing=0 enforcing=1', false],
  ['enforcing=1 enforcing=0', true],
  ['enforcing', null],
  ['enforcing=', false],
  ['enforcing=on', false],
  ['enforcing=0x1', false],
  ['enforcing=01', true],
  ['enforcing=-1', null],
  ['my.enforcing=1 enforcing=0', null],
];

for (const [line, isEnforcing] of ENFORCING) {
  t.test(`init of a kernel booted with "${line}" makes it enforcing: ${isEnforcing}`, async (t) => {
    const argument = enforcingArgument(parseKernelArguments(line));
    t.equal(argument?.isEnforcing ?? null, isEnforcing);
  });
}
