// One piece: what npm run figures keeps and the page that it makes of it, over one set of kept results.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Figure } from '../../bench/figure.ts';
import { KNOWN } from '../../bench/figures/asked.ts';
import { execute } from '../../bench/figures/execute.ts';
import { type Kept, keep, readFigures, readKept } from '../../bench/figures/kept.ts';
import { readOrder } from '../../bench/figures/order.ts';
import { outcomeOf } from '../../bench/figures/outcome.ts';
import { pageOf } from '../../bench/figures/page.ts';
import { summarise } from '../../bench/figures/profile.ts';
import { type Choices, STEPS, type Step } from '../../bench/figures/steps.ts';

const root = join(import.meta.dirname, '../..');
const docs = join(root, 'docs');
const choices: Choices = { minutes: 1, seed: 7, nodes: 10, isShort: false };

const kept: Kept = {
  step: 'resync',
  commands: ['node bench/resync.ts --nodes 2000'],
  conditions: {
    ...{ date: '2026-11-28T06:00:00Z', commit: '0123456789', changed: 0, node: 'v24.21.0' },
    ...{ kernel: '6.1.0', cores: 2, processor: 'EPYC', load: [0.1, 1.5], seconds: 12 },
    peers: { skopeo: '1.9.3' },
  },
  isShort: false,
  figures: [{ id: 'resync.rate', at: '2,000 nodes', ours: 401 }],
};

t.test('the page is what the kept results make: npm run figures -- --page', async (t) => {
  t.equal(readFileSync(join(docs, 'figures.md'), 'utf8'), pageOf(readKept(join(docs, 'figures'))));
});

t.test('every file of bench/ is run by a step, or used by one that is', async (t) => {
  const files = readdirSync(join(root, 'bench')).filter((name) => /\.m?[jt]s$/.test(name));
  const reached = new Set<string>();
  const reach = (name: string): void => {
    if (reached.has(name) || !files.includes(name)) return;
    reached.add(name);
    const text = readFileSync(join(root, 'bench', name), 'utf8');
    for (const [, used = ''] of text.matchAll(/'(?:\.\/)?([\w-]+\.m?[jt]s)'/g)) reach(used);
  };
  for (const { file } of STEPS.flatMap((step) => step.commands(choices))) {
    t.ok(readFileSync(join(root, file)), file);
    if (file.startsWith('bench/')) reach(file.slice('bench/'.length));
  }
  t.strictSame([...reached].sort(), files.sort());
});

t.test('every figure belongs to a step, and every step has figures', async (t) => {
  const stepOf = (id: string): string => id.split('.')[0] ?? '';
  const names = STEPS.map(({ name }) => name);
  t.strictSame([...new Set(KNOWN.map(({ id }) => stepOf(id)))].sort(), names.toSorted());
  t.equal(new Set(KNOWN.map(({ id }) => id)).size, KNOWN.length, 'each id once');
});

const outcomes: readonly (readonly [Figure, ReturnType<typeof outcomeOf>])[] = [
  [{ id: 'resync.rate', at: '2,000 nodes', ours: 400 }, 'holds'],
  [{ id: 'resync.rate', at: '2,000 nodes', ours: 399.9 }, 'falls short'],
  [{ id: 'resync.rate', at: '100 nodes', ours: 1 }, undefined],
  [{ id: 'ingest.durable', ours: 50, bare: 100 }, 'holds'],
  [{ id: 'ingest.durable', ours: 49, bare: 100, ratio: 0.49 }, 'falls short'],
  [{ id: 'ingest.durable', ours: 49 }, 'falls short'],
  [{ id: 'idle.memory', ours: 60, bare: 40 }, 'holds'],
  [{ id: 'idle.memory', ours: 61, bare: 40 }, 'falls short'],
  [{ id: 'conformance', ours: 1 }, 'falls short'],
  [{ id: 'resync.memory', ours: 1e9 }, undefined],
];
for (const [figure, outcome] of outcomes) {
  t.test(`${JSON.stringify(figure)}: ${outcome ?? 'nothing was asked'}`, async (t) => {
    t.equal(outcomeOf(figure), outcome);
  });
}

const pages: readonly (readonly [string, Partial<Kept>, readonly RegExp[]])[] = [
  [
    'what holds',
    {},
    [
      /\| full state of model nodes \(2,000 nodes\) \| 401 nodes\/s \| {2}\| {2}\| ≥ 400 nodes\/s \(6\) \| holds \|/,
      /Of 1 figures of which something was asked 1 hold, 0 fall short\./,
      /\| delay of the loop, p99 \| {2}\| {2}\| {2}\| ≤ 200 ms \(6\) \| not measured \|/,
      /\| resync \| 2026-11-28 06:00 \| 0123456789 \| v24\.21\.0, Linux 6\.1\.0, 2 × EPYC \| 0\.1 → 1\.5 \| 12 \| skopeo 1\.9\.3 \|/,
      /- not run yet: `fault`/,
    ],
  ],
  [
    'what falls short, with its profile',
    {
      figures: [{ id: 'resync.rate', at: '2,000 nodes', ours: 200 }],
      profile: {
        ...{ kind: 'processor', command: 'node bench/resync.ts', total: 1234 },
        rows: [{ percent: 12.5, what: 'hash (shared/report)' }],
      },
    },
    [
      /- \*\*falls short\*\*: \[resync\]\(#resync\): full state of model nodes \(2,000 nodes\): 200 nodes\/s, asked ≥ 400 nodes\/s/,
      /Where its processor time goes, 1,234 ms, self time \(`node bench\/resync\.ts`\):\n\n```text\n 12\.5 % {2}hash \(shared\/report\)\n```/,
    ],
  ],
  [
    'what falls short without a profile',
    { figures: [{ id: 'resync.rate', at: '2,000 nodes', ours: 200 }] },
    [/No profile is made of this step\./],
  ],
  [
    'what was measured in another size than asked',
    { figures: [{ id: 'resync.rate', at: '500 nodes', ours: 1 }] },
    [/\| 1 nodes\/s \| {2}\| {2}\| ≥ 400 nodes\/s for 2,000 nodes \(6\) \| {2}\|/],
  ],
  [
    'a step that did not come to its end',
    { failed: 'bench/resync.ts was ended after 20 minutes', figures: [] },
    [/- not whole: `resync`: .*20 minutes/, /\*\*Not whole\*\*: .*20 minutes\./],
  ],
  [
    'small sizes',
    { isShort: true },
    [/Of 0 figures/, /Small sizes, to see that the step works: no figures\./],
  ],
  [
    'files that are not as the commit has them',
    { conditions: { ...kept.conditions, changed: 2 }, seed: 7 },
    [/\| 0123456789 and 2 changed files \|.*\| 7 \| `node bench/],
  ],
];
for (const [name, change, patterns] of pages) {
  t.test(`the page says ${name}`, async (t) => {
    const page = pageOf([{ ...kept, ...change }]);
    for (const pattern of patterns) t.match(page, pattern);
  });
}

t.test('what was kept is read again as it was', async (t) => {
  const folder = join(t.testdir(), 'figures');
  t.strictSame(readKept(folder), [], 'no folder, no results');
  keep(folder, kept);
  t.strictSame(readKept(folder), [kept]);
});

const badResults: readonly (readonly [name: string, text: string, message: RegExp])[] = [
  ['resync.json', '{', /resync\.json: .*JSON/],
  ['resync.json', '[]', /resync\.json: Invalid/],
  ['resync.json', JSON.stringify({ ...kept, conditions: {} }), /resync\.json: .*"date"/],
  ['resync.json', JSON.stringify({ ...kept, more: 1 }), /resync\.json: .*"more"/],
  ['ingest.json', JSON.stringify(kept), /ingest\.json: no step has this name: resync/],
  ['x.json', JSON.stringify({ ...kept, step: 'x' }), /x\.json: no step has this name: x/],
  [
    'resync.json',
    JSON.stringify({ ...kept, figures: [{ id: 'none', ours: 1 }] }),
    /resync\.json: none: no such figure/,
  ],
];
for (const [name, text, message] of badResults) {
  t.test(`${name} ${text.slice(0, 30)}… is refused: ${message.source}`, async (t) => {
    const folder = t.testdir({ [name]: text });
    t.throws(() => readKept(folder), { message });
  });
}

const badFigures: readonly (readonly [string, RegExp])[] = [
  ['{"id":"resync.rate","ours":1', /JSON/],
  ['{"id":"resync.rate"}', /"ours"/],
  ['{"id":"resync.rate","ours":null}', /number/],
  ['{"id":"none","ours":1}', /none: no such figure/],
];
for (const [line, message] of badFigures) {
  t.test(`a program that tells ${line} is refused`, async (t) => {
    t.throws(() => readFigures(`${line}\n`), { message });
  });
}

const badWords: readonly (readonly [words: readonly string[], message: RegExp])[] = [
  [['--only', 'none'], /--only none: no step of this name; --list names them/],
  [['--only', ''], /--only : no step of this name/],
  [['--minutes', '0'], /--minutes 0: expected a number above 0/],
  [['--minutes', 'x'], /--minutes x: expected/],
  [['--seed', '1.5'], /--seed 1\.5: expected a whole number/],
  [['--seed', '-1'], /--seed/],
  [['--nodes', '0'], /--nodes 0: expected a whole number above 0/],
  [['--short'], /--short makes no figures: it needs --out DIR/],
  [['--list', '--page'], /--list and --page: one of them/],
  [['--nothing'], /--nothing/],
  [['ingest'], /ingest/],
];
for (const [words, message] of badWords) {
  t.test(`figures ${words.join(' ')} is refused`, async (t) => {
    t.match(readOrder(words), message);
  });
}

t.test('words that are refused end it with 2 and the usage', async (t) => {
  const { status, stdout, stderr } = figures('--only', 'none');
  t.match({ status, stdout, stderr }, { status: 2, stdout: '', stderr: /--only none.*\nusage: / });
});

t.test('the words choose the steps and how long they are', async (t) => {
  const order = readOrder(['--only', 'fuzz,fault', '--minutes', '2', '--seed', '5']);
  t.match(order, {
    steps: [{ name: 'fuzz' }, { name: 'fault' }],
    choices: { minutes: 2, seed: 5, nodes: 1000, isShort: false },
    ...{ out: docs, does: 'run' },
  });
  if (typeof order === 'string') return;
  t.strictSame(
    order.steps.flatMap((step) => step.commands(order.choices).map(({ args }) => args.join(' '))),
    ['--seconds 120 --seed 5', '--minutes 2 --seed 5'],
  );
});

t.test('--list names the steps; --page writes the page of what was kept', async (t) => {
  t.equal(figures('--list').stdout, `${STEPS.map(({ name }) => name).join('\n')}\n`);
  const out = t.testdir();
  keep(join(out, 'figures'), kept);
  t.equal(figures('--page', '--out', out).status, 0);
  t.equal(readFileSync(join(out, 'figures.md'), 'utf8'), pageOf([kept]));
});

const programs: readonly (readonly [
  name: string,
  text: string,
  more: Partial<Step>,
  expected: { readonly failed: RegExp | undefined; readonly figures: number },
])[] = [
  ['tells and ends', telling('conformance'), {}, { failed: undefined, figures: 1 }],
  [
    'tells a figure that nobody described',
    telling('none'),
    {},
    { failed: /what it told is no figure: none: no such figure/, figures: 0 },
  ],
  [
    'tells what is no number',
    telling('conformance', '0 / 0'),
    {},
    { failed: /Error: conformance: measured was NaN/, figures: 0 },
  ],
  ['tells nothing', '', {}, { failed: /no figure was told/, figures: 0 }],
  [
    'fails after it told',
    `${telling('conformance')}; throw new TypeError('no more')`,
    ...[{}, { failed: /ended with 1: TypeError: no more/, figures: 1 } as const],
  ] as const,
  [
    'hangs',
    'setInterval(() => {}, 1000)',
    ...[{ limitMinutes: () => 0.005 }, { failed: /was ended after 0\.005 minutes/, figures: 0 }],
  ] as const,
  [
    'cannot run here',
    telling('conformance'),
    ...[{ whyNot: () => 'needs skopeo' }, { failed: /^needs skopeo$/, figures: 0 }],
  ] as const,
];
for (const [name, text, more, expected] of programs) {
  t.test(`a step whose program ${name}`, async (t) => {
    const file = join(t.testdir({ 'program.mjs': text }), 'program.mjs');
    const step: Step = { name: 'conformance', commands: () => [{ file, args: [] }], ...more };
    const { failed, figures } = await execute(step, choices);
    t.equal(figures.length, expected.figures);
    if (expected.failed === undefined) t.equal(failed, undefined);
    else t.match(failed, expected.failed);
  });
}

t.test('a step that falls short is profiled by the run', async (t) => {
  const folder = t.testdir({
    cli: {
      'busy.mjs':
        'export function burn() { const end = performance.now() + 300; while (performance.now() < end) JSON.parse("[1]"); }',
    },
    'program.mjs': `import { burn } from './cli/busy.mjs'; burn(); ${telling('conformance', 1)}`,
  });
  const command = { file: join(folder, 'program.mjs'), args: [] };
  const step: Step = {
    ...{ name: 'conformance', commands: () => [command] },
    profiling: { kind: 'processor', of: ['cli/'], command },
  };
  const { profile } = await execute(step, choices);
  t.match(profile?.rows[0]?.what, /\(cli\/busy\)|parse/);
  t.ok((profile?.total ?? 0) > 100, `${profile?.total} ms`);
  const other = { ...step, profiling: { kind: 'processor', of: ['agent/'], command } } as const;
  t.match((await execute(other, choices)).profile, { failed: 'no profile of agent/', rows: [] });
});

t.test('a heap is charged to the file that asked, in the processes that are meant', async (t) => {
  const node = (url: string, selfSize: number, children: readonly object[] = []): object => ({
    callFrame: { functionName: 'f', url },
    ...{ selfSize, children },
  });
  const heap = (url: string): string =>
    JSON.stringify({
      head: node('', 0, [
        node(`file:///x/dist/${url}.js`, 2 ** 20, [
          node('', 2 ** 20, [node('file:///x/node_modules/ws/lib/a.js', 2 ** 21)]),
        ]),
      ]),
    });
  const folder = t.testdir();
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'a.heapprofile'), heap('agent/daemon'));
  writeFileSync(join(folder, 'b.heapprofile'), heap('aggregator/daemon'));
  const command = { file: '', args: [] };
  t.strictSame(summarise(folder, { kind: 'memory', of: ['agent/daemon'], command }), {
    total: 4,
    rows: [
      { percent: 50, what: 'agent/daemon' },
      { percent: 50, what: 'ws' },
    ],
  });
});

function figures(...words: readonly string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const script = join(root, 'bench/figures/run.ts');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...words], {
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

/** A program that tells one figure. */
function telling(id: string, ours: number | string = 0): string {
  const tell = join(root, 'bench/figure.ts');
  return `(await import(${JSON.stringify(tell)})).tell({ id: '${id}', ours: ${ours} })`;
}
