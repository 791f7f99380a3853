import t from 'tap';
import { selinux } from '../../../agent/checks/selinux.ts';
import type { Finding } from '../../../shared/findings.ts';
import { contextAt, treeOf } from '../../support/host-tree.ts';

const LABEL = '/proc/1/attr/current';

interface Node {
  /** What the kernel says: `enforce`, or where it says nothing whether it has SELinux, or hides it. */
  readonly runtime: '1' | '0' | 'none' | 'unloaded' | 'hidden';
  /** In place of that of an init which the policy labelled. */
  readonly label?: string;
  /** False: the file is not there. */
  readonly file?: string | false;
  readonly running?: string | false;
  readonly next?: string;
}

/** selinux.enforcing for each mode of the kernel, of the file, and of the arguments now and at the next boot. */
const ROWS: readonly (readonly [name: string, node: Node, verdict: string, cause?: string])[] = [
  ['r=1, f=enforcing, k none', { runtime: '1' }, 'pass'],
  [
    'r=0, k enforcing=0',
    { runtime: '0', running: 'enforcing=0' },
    'fail critical permissive',
    'booted permissive by enforcing=0',
  ],
  [
    'r=0, k enforcing=0, f=permissive',
    { runtime: '0', running: 'enforcing=0', file: 'permissive' },
    'fail critical permissive',
    'booted permissive by enforcing=0',
  ],
  [
    'r=0, f=permissive',
    { runtime: '0', file: 'permissive' },
    'fail critical permissive',
    'configured permissive',
  ],
  [
    'r=0, f=enforcing, k none',
    { runtime: '0' },
    'fail critical permissive',
    'switched at runtime (setenforce 0)',
  ],
  [
    'r=0, f=disabled, k none',
    { runtime: '0', file: 'disabled' },
    'fail critical permissive',
    'switched at runtime (setenforce 0)',
  ],
  [
    'r=0 and no policy loaded, f=disabled',
    { runtime: '0', label: 'kernel\0', file: 'disabled' },
    'fail critical disabled',
    'configured disabled',
  ],
  [
    'r=0, f not there, k none',
    { runtime: '0', file: false },
    'fail critical permissive',
    'no mode is configured',
  ],
  [
    'r=0, f=enforcing, k not visible',
    { runtime: '0', running: false },
    'fail critical permissive',
    'by what is not visible here',
  ],
  ['r=1, f=permissive', { runtime: '1', file: 'permissive' }, 'fail high lost-at-reboot'],
  ['r=1, f=disabled', { runtime: '1', file: 'disabled' }, 'fail high lost-at-reboot'],
  ['r=1, f not there', { runtime: '1', file: false }, 'fail high lost-at-reboot'],
  ['r=1, next boot enforcing=0', { runtime: '1', next: 'enforcing=0' }, 'fail high lost-at-reboot'],
  ['r=1, next boot selinux=0', { runtime: '1', next: 'selinux=0' }, 'fail high lost-at-reboot'],
  [
    'r=1 though booted with enforcing=0, next boot clean',
    { runtime: '1', running: 'enforcing=0' },
    'pass',
  ],
  [
    'no SELinux in the kernel, k selinux=0',
    { runtime: 'none', running: 'selinux=0' },
    'fail critical disabled',
    'switched off by selinux=0',
  ],
  [
    'no SELinux in the kernel',
    { runtime: 'none' },
    'fail critical disabled',
    'the kernel runs without it',
  ],
  [
    'no SELinux in the kernel, k lsm= without it',
    { runtime: 'none', running: 'lsm=landlock,lockdown,yama,bpf' },
    'fail critical disabled',
    'switched off by lsm=landlock,lockdown,yama,bpf',
  ],
  ['r=1, next boot lsm= without it', { runtime: '1', next: 'lsm=bpf' }, 'fail high lost-at-reboot'],
  ['r=1, next boot lsm= with it', { runtime: '1', next: 'lsm=bpf,selinux' }, 'pass'],
  [
    'no policy loaded, f=disabled',
    { runtime: 'unloaded', file: 'disabled' },
    'fail critical disabled',
    'configured disabled',
  ],
  ['not visible', { runtime: 'hidden' }, 'error critical not-visible'],
];

for (const [name, node, verdict, cause] of ROWS) {
  t.test(`selinux.enforcing where ${name}: ${verdict}`, async (t) => {
    const found = await enforcingOf(t.testdir(treeOf(filesOf(node))));
    t.equal(
      [found?.result, ...(found?.result === 'pass' ? [] : [found?.severity, found?.reason])].join(
        ' ',
      ),
      verdict,
    );
    t.equal(found?.observed['cause'], cause);
  });
}

function filesOf({ runtime, label, file = 'enforcing', running = '', next = '' }: Node) {
  const isTold = runtime === '1' || runtime === '0';
  return {
    '/sys/fs/selinux/enforce': isTold ? runtime : undefined,
    '/proc/filesystems': runtime === 'none' ? 'nodev\tproc\n' : 'nodev\tselinuxfs\n',
    [LABEL]: label ?? (runtime === 'unloaded' ? 'kernel\0' : 'system_u:system_r:init_t:s0\0'),
    '/etc/selinux/config': file === false ? undefined : `SELINUX=${file}\nSELINUXTYPE=targeted\n`,
    '/proc/cmdline': running === false ? undefined : `ro ${running}\n`,
    '/boot/loader/entries/ostree-1-x.conf': `options ro ${next}\n`,
  };
}

async function enforcingOf(root: string): Promise<Finding | undefined> {
  const found = await selinux.run(contextAt(root), AbortSignal.timeout(10_000));
  return found.find(({ ruleId }) => ruleId === 'selinux.enforcing');
}
