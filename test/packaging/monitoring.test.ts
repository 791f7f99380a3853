import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse, stringify } from 'yaml';
import { checks } from '../../agent/checks/index.ts';
import { alertsSchema } from '../../aggregator/alerts/config.ts';
import { parseConfig } from '../../shared/config.ts';
import { runAggregator } from '../support/aggregator.ts';

const folder = join(import.meta.dirname, '../../packaging/monitoring');
const promtool = spawnSync('promtool', ['--version']).status === 0 ? false : 'needs promtool';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}
const { spec } = parse(readFileSync(join(folder, 'prometheusrule.yaml'), 'utf8')) as {
  readonly spec: { readonly groups: readonly { readonly rules: readonly Rule[] }[] };
};
const rules = spec.groups.flatMap((group) => group.rules);

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: Readonly<Record<'x' | 'y' | 'w' | 'h', number>>;
  readonly targets: readonly { readonly expr: string }[];
}
const dashboard = JSON.parse(readFileSync(join(folder, 'dashboard.json'), 'utf8')) as {
  readonly panels: readonly Panel[];
};

/** Of others: kube-state-metrics. */
const FOREIGN = ['kube_node_info'];

function metricsIn(expr: string): readonly string[] {
  return [...expr.matchAll(/\b(?:nodeseal|process|kube)_\w+/g)].map(([name]) => name);
}

/** Every name that a sample of the aggregator has. */
async function exported(stateDir: string): Promise<ReadonlySet<string>> {
  const config = { webhooks: [{ url: 'http://127.0.0.1:1' }] };
  const alerts = parseConfig(JSON.stringify(config), 'alerts', alertsSchema);
  const inventoryFile = join(stateDir, 'nodes.txt');
  writeFileSync(inventoryFile, 'worker-1\n');
  await using server = await runAggregator(stateDir, { alerts, inventoryFile });
  const { body } = await server.get('/metrics');
  const families = [...String(body).matchAll(/^# TYPE (\w+) (\w+)$/gm)];
  return new Set(
    families.flatMap(([, name = '', type]) => {
      if (type === 'counter') return [`${name}_total`];
      if (type === 'histogram') return ['_bucket', '_sum', '_count'].map((end) => name + end);
      return [name];
    }),
  );
}

t.test('rules and dashboard name only metrics that there are', async (t) => {
  const known = await exported(t.testdir());
  t.ok(known.has('nodeseal_nodes') && known.has('nodeseal_rejects_total'), 'some are exported');
  const asked = [
    ...rules.map(({ alert, expr }) => [alert, expr] as const),
    ...dashboard.panels.flatMap(({ title, targets }) =>
      targets.map(({ expr }) => [title, expr] as const),
    ),
  ];
  for (const [where, expr] of asked) {
    const names = metricsIn(expr);
    t.ok(names.length > 0, `${where} asks for a metric`);
    for (const name of names) {
      t.ok(known.has(name) || FOREIGN.includes(name), `${where}: ${name}`);
    }
  }
});

t.test('every rule is one that an OpenShift cluster can route', async (t) => {
  t.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length, 'names are unique');
  for (const { alert, labels, annotations } of rules) {
    t.match(alert, /^Nodeseal[A-Z]\w+$/);
    t.match(labels, { severity: /^(critical|warning|info)$/, namespace: 'nodeseal' }, alert);
    t.ok(annotations['summary'] && annotations['description'], alert);
  }
});

t.test('the rule on trust is about rules that there are', async (t) => {
  const weakened = rules.find(({ alert }) => alert === 'NodesealTrustPolicyWeakened');
  const [, severity = '', check = ''] =
    /severity=~"([^"]+)",check=~"([^"]+)"/.exec(weakened?.expr ?? '') ?? [];
  const matching = checks
    .flatMap((one) => one.rules)
    .filter((rule) => new RegExp(`^(?:${check})$`).test(rule.id))
    .filter((rule) => new RegExp(`^(?:${severity})$`).test(rule.severity));
  t.ok(matching.some(({ id }) => id === 'trust.policy-valid'));
});

t.test('the panels of the dashboard lie side by side', async (t) => {
  const taken = new Set<string>();
  for (const { title, gridPos } of dashboard.panels) {
    const { x, y, w, h } = gridPos;
    t.ok(x + w <= 24, title);
    for (let column = x; column < x + w; column++) {
      for (let row = y; row < y + h; row++) {
        t.notOk(taken.has(`${column} ${row}`), `${title} at ${column} ${row}`);
        taken.add(`${column} ${row}`);
      }
    }
  }
  const ids = dashboard.panels.map(({ id }) => id);
  t.equal(new Set(ids).size, ids.length);
});

t.test(
  'Prometheus takes the rules, and they fire when they should',
  { skip: promtool },
  async (t) => {
    const dir = t.testdir();
    const file = join(dir, 'rules.yaml');
    writeFileSync(file, stringify({ groups: spec.groups }));
    const checked = spawnSync('promtool', ['check', 'rules', file], { encoding: 'utf8' });
    t.equal(checked.status, 0, checked.stderr);
    t.match(checked.stdout, `SUCCESS: ${rules.length} rules found`);
    const cases = join(dir, 'rules.test.yaml');
    copyFileSync(join(import.meta.dirname, '../fixtures/monitoring/rules.test.yaml'), cases);
    const tested = spawnSync('promtool', ['test', 'rules', cases], { encoding: 'utf8' });
    t.equal(tested.status, 0, tested.stdout + tested.stderr);
  },
);
