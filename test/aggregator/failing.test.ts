import t from 'tap';
import { Failing } from '../../aggregator/failing.ts';
import type { ItemQuery } from '../../aggregator/store/store.ts';
import type { Json } from '../../shared/canonical.ts';
import { findingItem } from '../support/findings.ts';

const nothing = { set: [], removed: [] } as const;
const set = (...items: readonly (readonly [string, Json])[]) => ({ ...nothing, set: items });
const mode = (result: string, severity = 'high'): Json =>
  findingItem({ ruleId: 'selinux.mode', result, severity });
const said = (failing: Failing): string =>
  [...failing.rules()]
    .map(({ ruleId, severity, nodes }) => {
      const names = [...nodes.values()].map(({ name, subjects }) => `${name}*${subjects}`);
      return `${ruleId}/${severity}: ${names.join(' ')}`;
    })
    .join('; ');

t.test('rules fail on the nodes whose findings say so, each counted once', async (t) => {
  const failing = new Failing();
  t.equal(said(failing), '');
  failing.applied('u1', 'n1', set(['selinux.mode', mode('fail')]));
  failing.applied(
    'u2',
    'n2',
    set(['selinux.mode /a', mode('fail')], ['selinux.mode /b', mode('fail')]),
  );
  t.equal(said(failing), 'selinux.mode/high: n1*1 n2*2');
  failing.applied('u2', 'n2', { set: [], removed: [['selinux.mode /a', mode('fail')]] });
  t.equal(said(failing), 'selinux.mode/high: n1*1 n2*1');
  failing.applied('u2', 'n2', set(['selinux.mode /b', mode('pass')]));
  t.equal(said(failing), 'selinux.mode/high: n1*1');
  failing.applied('u1', 'n1', set(['selinux.mode', mode('fail', 'critical')]));
  t.equal(said(failing), 'selinux.mode/critical: n1*1', 'a severity of its own');
  failing.drop('u1');
  t.equal(said(failing), '');
});

t.test('the same said again is no change', async (t) => {
  const failing = new Failing();
  failing.applied('u1', 'n1', set(['selinux.mode', mode('fail')]));
  const [before] = [...failing.rules()].map(({ version }) => version);
  failing.applied('u1', 'n1', set(['other', mode('pass')]));
  failing.applied('u1', 'n1', set(['selinux.mode more', mode('fail')]));
  t.equal(
    [...failing.rules()][0]?.version,
    before,
    'one more subject of a node that fails already',
  );
});

t.test('what is not a finding that fails does not count', async (t) => {
  const failing = new Failing();
  const items: readonly Json[] = [
    ...['pass', 'error', 'unknown', 'notapplicable', 'notchecked'].map((result) => mode(result)),
    null,
    'fail',
    [],
    { result: 'fail' },
    { ...(mode('fail') as object), severity: 'terrible' },
  ];
  for (const [index, item] of items.entries()) failing.applied('u', 'n', set([`r.${index}`, item]));
  t.equal(said(failing), '');
});

t.test('what happened to a node elsewhere counts with what the store holds', async (t) => {
  const asked: ItemQuery[] = [];
  let beforeAnswer = (): void => {};
  const store = {
    items: async (query: ItemQuery) => {
      asked.push(query);
      beforeAnswer();
      const key = asked.length === 1 ? 'selinux.mode /old' : 'selinux.mode /new';
      return { rows: [{ node: 'n1', section: 'checks', key, item: mode('fail') }] };
    },
  };
  const failing = new Failing();
  await failing.catchUp(store);
  t.equal(asked.length, 0, 'nothing happened');

  failing.outdated('u1', 'n1');
  beforeAnswer = () => failing.applied('u1', 'n1', set(['selinux.mode /new', mode('fail')]));
  await failing.catchUp(store);
  t.equal(said(failing), 'selinux.mode/high: n1*1', 'what was read while it changed is not used');
  beforeAnswer = () => failing.applied('u2', 'n2', set(['selinux.mode', mode('fail')]));
  await failing.catchUp(store);
  await failing.catchUp(store);
  t.equal(said(failing), 'selinux.mode/high: n2*1 n1*1', 'nothing twice');
  t.equal(asked.length, 2, 'read until it was right, whatever other nodes do, then no more');
  t.match(asked[0], { node: 'n1', outcomes: ['fail'] });

  failing.outdated('u1', 'n1');
  beforeAnswer = () => failing.outdated('u1', 'n1');
  await failing.catchUp(store);
  beforeAnswer = () => failing.drop('u1');
  await failing.catchUp(store);
  t.equal(said(failing), 'selinux.mode/high: n2*1', 'of a node that is retired nothing is kept');
  await failing.catchUp(store);
  t.equal(asked.length, 4, 'news that came during a look is looked at again');
});
