import t from 'tap';
import { captureBaseline } from '../../../agent/desired/baseline.ts';
import { desiredState } from '../../../agent/desired/desired.ts';
import { openHost } from '../../../agent/host.ts';
import { sha256 } from '../../../shared/canonical.ts';
import { treeOf } from '../../support/host-tree.ts';
import { machineConfigOf } from '../../support/machine-config.ts';

const CURRENT = '/etc/machine-config-daemon/currentconfig';
const baseline = captureBaseline({
  findings: [],
  files: {
    '/a': { sha256: sha256('accepted a'), mode: 0o600 },
    '/b': { sha256: sha256('accepted b'), mode: 0o600 },
  },
  acceptedAt: '2026-01-01T00:00:00Z',
  acceptedBy: 'admin',
});

t.test('the MachineConfig goes before the baseline, which fills what it leaves out', async (t) => {
  const host = openHost(
    t.testdir(treeOf({ [CURRENT]: machineConfigOf({ '/a': 'rolled out a' }) })),
  );
  const desired = await desiredState(host, baseline);
  t.match(desired.file('/a'), {
    source: 'machine-config',
    name: 'rendered-worker-1',
    sha256: sha256('rolled out a'),
    mode: 0o644,
  });
  t.equal(desired.file('/a')?.bytes?.toString(), 'rolled out a');
  t.match(desired.file('/b'), { source: 'baseline', sha256: sha256('accepted b'), mode: 0o600 });
  t.match(desired.file('/b')?.name, /admin/);
  t.equal(desired.file('/b')?.bytes, undefined, 'a baseline has hashes only');
  t.equal(desired.file('/c'), undefined);
  t.strictSame(desired.paths, ['/a', '/b']);
  t.equal(desired.isKnown, true);
});

t.test('without both nothing is known', async (t) => {
  const desired = await desiredState(openHost(t.testdir({})), undefined);
  t.match(desired, { isKnown: false, paths: [], machineConfig: undefined, problem: undefined });
  t.equal(desired.file('/a'), undefined);
});

t.test('a path is a path, not a member of objects', async (t) => {
  const desired = await desiredState(openHost(t.testdir({})), baseline);
  t.equal(desired.file('__proto__'), undefined);
  t.equal(desired.file('constructor'), undefined);
});

t.test('a MachineConfig that cannot be used is not replaced by the baseline', async (t) => {
  const host = openHost(t.testdir(treeOf({ [CURRENT]: '{' })));
  const desired = await desiredState(host, baseline);
  t.match(desired.problem, { code: 'ERR_MACHINE_CONFIG_SYNTAX', path: CURRENT });
  t.equal(desired.isKnown, false);
  t.throws(() => desired.file('/a'), { code: 'ERR_MACHINE_CONFIG_SYNTAX' });
});
