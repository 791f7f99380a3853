import t from 'tap';
import { fips } from '../../agent/checks/fips.ts';
import { runtime } from '../../agent/checks/runtime.ts';
import { seccomp } from '../../agent/checks/seccomp.ts';
import { observeContainers } from '../../agent/containers.ts';
import { type Host, openHost } from '../../agent/host.ts';
import { runChecks } from '../../agent/runner.ts';
import { configPathOf, containerFiles, NODE_PROCESS } from '../support/container-tree.ts';
import { contextAt, treeOf } from '../support/host-tree.ts';

const FILES = {
  ...NODE_PROCESS,
  '/proc/sys/crypto/fips_enabled': '1\n',
  ...containerFiles({}),
};

/** How often a host is asked for the text of a file, by path. */
function countReads(host: Host): ReadonlyMap<string, number> {
  const reads = new Map<string, number>();
  const readText = host.readText.bind(host);
  Object.assign(host, {
    readText: async (path: string, limitBytes?: number) => {
      reads.set(path, (reads.get(path) ?? 0) + 1);
      return await readText(path, limitBytes);
    },
  });
  return reads;
}

t.test('checks that run together look at the containers once', async (t) => {
  const root = t.testdir(treeOf(FILES));
  const context = contextAt(root);
  const reads = countReads(context.host);
  await runChecks([seccomp, fips, runtime], context);
  t.equal(reads.get(configPathOf({})), 1);
  await runChecks([seccomp, fips, runtime], context);
  t.equal(reads.get(configPathOf({})), 2, 'and the next time anew');
});

t.test('a check goes on when the one whose look it shares is ended', async (t) => {
  const root = t.testdir(treeOf(FILES));
  const host = openHost(root);
  const ended = new AbortController();
  const first = observeContainers(host, ended.signal);
  const second = observeContainers(host, new AbortController().signal);
  ended.abort(new Error('took too long'));
  await t.rejects(first, { message: 'took too long' });
  t.equal((await second)?.length, 1);
});
