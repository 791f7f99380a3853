import t from 'tap';
import { parseKernelArguments } from '../../../agent/kernel-arguments.ts';
import { switchedOffBy } from '../../../agent/selinux/arguments.ts';

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
