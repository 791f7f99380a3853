import { writeFileSync } from 'node:fs';
import t from 'tap';
import { type Host, openHost } from '../../../agent/host.ts';
import { ENFORCE } from '../../../agent/selinux/mode.ts';
import { kernelMoment } from '../../../agent/selinux/moment.ts';
import { STATUS } from '../../../agent/selinux/status.ts';
import { treeOf } from '../../support/host-tree.ts';
import { statusOf } from '../../support/selinux-policy.ts';

/** A node of which each reading of the mode is followed by what `between` does. */
function switching(root: string, between: () => void): Host {
  const host = openHost(root);
  return new Proxy(host, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (name !== 'readText') return member.bind(target);
      return async (path: string) => {
        const text = await target.readText(path);
        if (path === ENFORCE) between();
        return text;
      };
    },
  });
}

t.test('a mode that is switched while it is read is read again', async (t) => {
  const root = t.testdir(treeOf({ [ENFORCE]: '1', [STATUS]: statusOf(2) }));
  let switches = 0;
  const host = switching(root, () => {
    if (switches++ > 0) return;
    writeFileSync(root + ENFORCE, '0');
    writeFileSync(root + STATUS, statusOf(4, { enforcing: false }));
  });
  t.match(await kernelMoment(host), {
    mode: 'permissive',
    status: { sequence: 4, enforcing: false },
  });
});

t.test('one that never rests is told as it was last', async (t) => {
  const root = t.testdir(treeOf({ [ENFORCE]: '1', [STATUS]: statusOf(2) }));
  let sequence = 2;
  const host = switching(root, () => {
    sequence += 2;
    writeFileSync(root + STATUS, statusOf(sequence));
  });
  t.match(await kernelMoment(host), { mode: 'enforcing', status: { sequence: 12 } });
});

t.test('a status that cannot be used leaves the mode', async (t) => {
  const root = t.testdir(treeOf({ [ENFORCE]: '1', [STATUS]: 'x' }));
  t.strictSame(await kernelMoment(openHost(root)), { mode: 'enforcing', status: undefined });
});
