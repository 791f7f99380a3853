import { join } from 'node:path';
import t from 'tap';
import { checks } from '../../agent/checks/index.ts';
import type { RuleResult } from '../../shared/findings.ts';
import { runCli } from '../cli/fake-io.ts';
import { runAgent } from '../support/agent.ts';
import { until } from '../support/link-node.ts';

const POLICY = '/etc/containers/policy.json';

t.test('a running agent goes by a baseline as soon as it is accepted', async (t) => {
  const folder = t.testdir({});
  const trust = checks.filter(({ id }) => id === 'trust');
  await using node = await runAgent(folder, undefined, { checks: trust });
  const managed = (): string | undefined =>
    [...node.agent.state.section('checks').items.values()]
      .map((item) => item as unknown as RuleResult)
      .find(({ ruleId }) => ruleId === 'trust.policy-managed')?.result;
  node.write(POLICY, '{"default":[{"type":"reject"}]}');
  await until(() => managed() === 'notchecked');
  const where = ['--host-root', join(folder, 'host'), '--state-dir', join(folder, 'state')];
  const { exit, stdout } = await runCli(['baseline', 'capture', ...where]);
  t.equal(exit, 0, stdout);
  await until(() => managed() === 'pass');
  node.write(POLICY, '{"default":[{"type":"insecureAcceptAnything"}]}');
  await until(() => managed() === 'fail');
  await runCli(['baseline', 'accept', ...where]);
  await until(() => managed() === 'pass');
});
