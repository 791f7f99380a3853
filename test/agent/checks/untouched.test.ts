import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { checks } from '../../../agent/checks/index.ts';
import { profileFor } from '../../../agent/profile-choice.ts';
import { runChecks } from '../../../agent/runner.ts';
import type { RuleResult } from '../../../shared/findings.ts';
import { hostRoot, makeHostRoot, noHostRoots } from '../../support/host-root.ts';
import { contextAt, lineOf } from '../../support/host-tree.ts';
import { policyOf } from '../../support/selinux-policy.ts';

/** A default install must not start red: whole trees of nodes as installed, by the profile that is chosen for them. */
const NODES: readonly (readonly [name: string, profile: string, options: string])[] = [
  ['RHCOS', 'openshift-default', '--profile rhcos --fips off --policy accept'],
  ['RHCOS in FIPS mode', 'openshift-default', '--profile rhcos --fips on --policy accept'],
  [
    'RHCOS that says seccompDefault: false',
    'openshift-default',
    '--profile rhcos --seccomp-default off',
  ],
  [
    'RHCOS that says nothing of seccomp',
    'openshift-default',
    '--profile rhcos --seccomp-default unset',
  ],
  ['RHCOS with signed images', 'openshift-default', '--profile rhcos --policy signed'],
  ['RHEL 9 in a cluster', 'openshift-default', '--profile rhel9 --fips off --policy accept'],
  ['RHEL 9 with podman', 'rhel-host', '--profile rhel9 --fips off --policy accept --mc missing'],
  ['RHEL 9 in FIPS mode', 'rhel-host', '--profile rhel9 --fips on --policy accept --mc missing'],
];

/** These trees have no /boot and no SELinux policy: what those would say is not known there, and nothing else. */
const UNKNOWN: Readonly<Record<string, string>> = {
  'selinux.kernel-args error not-visible @ /boot/loader/entries': 'no boot entries in the tree',
  'fips.kernel-args error not-visible @ /boot/loader/entries': 'the same, where FIPS is asked for',
  'selinux.policy-type error not-visible @ /etc/selinux/targeted/policy': 'no policy in the tree',
  'selinux.policy-unmodified error not-visible': 'the same',
  'selinux.permissive-domains error not-visible': 'the same',
};

async function look(root: string): Promise<{ profile: string; found: readonly RuleResult[] }> {
  const context = contextAt(root);
  const { profile } = await profileFor(context.host, undefined, checks);
  const results = await runChecks(checks, { ...context, values: profile.values, profile });
  return { profile: profile.name, found: results.flatMap((result) => result.results) };
}

t.test('a default install on an untouched node', { skip: noHostRoots }, async (t) => {
  for (const [name, expected, options] of NODES) {
    t.test(`of ${name} shows no failure`, async (t) => {
      const { profile, found } = await look(hostRoot(...options.split(' ')));
      t.equal(profile, expected);
      const lines = (...results: readonly string[]): readonly string[] =>
        found.filter(({ result }) => results.includes(result)).map(lineOf);
      t.strictSame(lines('fail'), []);
      for (const line of lines('error', 'unknown')) t.ok(line in UNKNOWN, line);
      const asked = new Set(found.map(({ ruleId }) => ruleId));
      t.equal(asked.size, checks.flatMap(({ rules }) => rules).length, 'every rule is listed');
      t.ok(lines('pass').length >= 10, 'and many have looked');
    });
  }

  t.test('with its boot entries and its policy there is no error either', async (t) => {
    const root = makeHostRoot(t.testdir({}), '--profile', 'rhcos', '--policy', 'accept');
    const add = (path: string, content: string | Uint8Array): void => {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), content);
    };
    add(
      'boot/loader/entries/ostree-1-rhcos.conf',
      'title RHCOS\noptions root=UUID=1 boot=LABEL=boot fips=1\n',
    );
    for (const etc of ['etc', 'usr/etc'])
      add(`${etc}/selinux/targeted/policy/policy.33`, policyOf());
    const { found } = await look(root);
    t.strictSame(
      found.filter(({ result }) => ['fail', 'error', 'unknown'].includes(result)).map(lineOf),
      [],
    );
  });

  t.test('drift still fails under the default profile', async (t) => {
    const { found } = await look(hostRoot('--profile', 'rhcos', '--selinux', 'permissive'));
    t.ok(found.some(({ ruleId, result }) => ruleId === 'selinux.enforcing' && result === 'fail'));
  });
});
