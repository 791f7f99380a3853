import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Conditions } from '../../agent/conditions.ts';
import { openHost } from '../../agent/host.ts';
import { NodeState } from '../../agent/node-state.ts';
import { Reporter } from '../../agent/reporter.ts';
import type { SectionSource } from '../../agent/section-sources.ts';
import type { EventDraft } from '../../agent/spool.ts';
import type { Json } from '../../shared/canonical.ts';
import { systemClock } from '../../shared/clock.ts';
import type { Result } from '../../shared/results.ts';
import { keptLog } from '../support/aggregator.ts';
import { checkOf, findingOf } from '../support/checks.ts';

/** A node whose one check and one section say what the test wants. */
class Rig implements AsyncDisposable {
  result: Result | Error = 'pass';
  other: Result = 'pass';
  files: Record<string, Json> | Error = {};
  readonly state = new NodeState();
  readonly events: EventDraft[] = [];
  readonly log = keptLog();
  readonly conditions: Conditions = new Conditions(systemClock, (event) => this.events.push(event));
  readonly stateDir: string;
  readonly #reporters: Reporter[] = [];

  /** In a folder of the test's own or, for another life of the agent, in that of the first. */
  constructor(t: Test, stateDir: string = t.testdir({})) {
    this.stateDir = stateDir;
  }

  async reporter(): Promise<Reporter> {
    const say = (id: string, result: Result | Error) => {
      if (result instanceof Error) throw result;
      return [findingOf(`${id}.a`, { result, severity: 'high' }), findingOf(`${id}.b`)];
    };
    const sources: readonly SectionSource[] = [
      {
        section: 'files',
        watches: ['/etc'],
        collect: async () => {
          if (this.files instanceof Error) throw this.files;
          return new Map(Object.entries(this.files));
        },
      },
      {
        section: 'images',
        after: 'x',
        collect: async () => new Map([['i', { verdict: 'accepted' }]]),
      },
    ];
    const reporter = await Reporter.open({
      host: openHost('/'),
      clock: systemClock,
      checks: [
        checkOf('x', async () => say('x', this.result), { watches: ['/etc/x'] }),
        checkOf('y', async () => say('y', this.other)),
      ],
      sources,
      state: this.state,
      conditions: this.conditions,
      stateDir: this.stateDir,
      emit: async (event) => void this.events.push(event),
      log: this.log,
    });
    this.#reporters.push(reporter);
    return reporter;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const reporter of this.#reporters) await reporter.saved();
  }

  told(): readonly string[] {
    return this.events
      .splice(0)
      .map(
        ({ kind, data }) =>
          `${kind} ${data['ruleId'] ?? data['path'] ?? data['condition'] ?? ''} ${data['now'] ?? data['holds']}`,
      );
  }
}

const { signal } = new AbortController();

t.test('checks and sections without one are scheduled, with what they look at', async (t) => {
  await using rig = new Rig(t);
  const { jobs } = await rig.reporter();
  t.match(jobs, [
    { id: 'x', watches: ['/etc/x'] },
    { id: 'y', watches: [] },
    { id: 'section files', watches: ['/etc'] },
  ]);
  t.equal(jobs.length, 3);
});

t.test('the first report of a new agent is state and no event', async (t) => {
  await using rig = new Rig(t);
  rig.result = 'fail';
  rig.files = { '/p': { sha256: '1' } };
  const reporter = await rig.reporter();
  for (const { id } of reporter.jobs) await reporter.look(id, signal);
  t.same(rig.told(), []);
  t.match(rig.state.section('checks').items.get('x.a'), { result: 'fail' });
  t.equal(rig.state.section('checks').items.size, 4);
  t.match(rig.state.section('files').items.get('/p'), { sha256: '1' });
  t.match(rig.state.section('images').items.get('i'), { verdict: 'accepted' });
});

t.test('one change is one event, the same again is none', async (t) => {
  await using rig = new Rig(t);
  const reporter = await rig.reporter();
  const look = async (): Promise<readonly string[]> => {
    for (const { id } of reporter.jobs) await reporter.look(id, signal);
    return rig.told();
  };
  await look();
  t.same(await look(), []);
  rig.result = 'fail';
  t.same(await look(), ['finding.changed x.a fail']);
  t.same(await look(), []);
  rig.files = { '/p': { sha256: '1' } };
  t.same(await look(), ['file.changed /p 1'], 'a file where there was none');
  rig.result = new Error('broken');
  t.same([...(await look())].sort(), ['finding.changed x.a error', 'finding.changed x.b error']);
  t.ok(rig.log.lines.some((line) => line.startsWith('check failed')));
});

t.test('after a restart only what changed meanwhile is told', async (t) => {
  await using first = new Rig(t);
  first.files = { '/p': { sha256: '1' } };
  const before = await first.reporter();
  for (const { id } of before.jobs) await before.look(id, signal);
  await before.saved();

  await using rig = new Rig(t, first.stateDir);
  rig.files = { '/p': { sha256: '1' } };
  rig.other = 'fail';
  const reporter = await rig.reporter();
  await reporter.look('x', signal);
  t.same(rig.told(), []);
  t.match(
    rig.state.section('checks').items.get('y.a'),
    { result: 'pass' },
    'what was not looked at yet stands',
  );
  await reporter.look('y', signal);
  t.same(rig.told(), ['finding.changed y.a fail']);
  await reporter.look('section files', signal);
  t.same(rig.told(), []);
});

t.test('a first report cut short makes no news of the rest', async (t) => {
  await using first = new Rig(t);
  const before = await first.reporter();
  await before.look('x', signal);
  await before.saved();
  await using rig = new Rig(t, first.stateDir);
  rig.other = 'fail';
  const reporter = await rig.reporter();
  for (const { id } of reporter.jobs) await reporter.look(id, signal);
  t.same(rig.told(), []);
});

t.test('what is remembered and cannot be used is as if nothing were', async (t) => {
  for (const text of [
    '',
    '{',
    '[]',
    '{"format":2,"sections":{}}',
    '{"format":1,"sections":{"x":[]}}',
    '{"format":1,"sections":{"checks":[["k"]]}}',
    'null',
  ]) {
    await using rig = new Rig(t, t.testdir({ 'last-report.json': text }));
    rig.result = 'fail';
    const reporter = await rig.reporter();
    for (const { id } of reporter.jobs) await reporter.look(id, signal);
    t.same(rig.told(), [], JSON.stringify(text));
    await reporter.saved();
    t.match(JSON.parse(readFileSync(join(rig.stateDir, 'last-report.json'), 'utf8')), {
      format: 1,
    });
  }
});

t.test('a section that cannot be read is logged, what was read before stands', async (t) => {
  await using rig = new Rig(t);
  rig.files = { '/p': { sha256: '1' } };
  const reporter = await rig.reporter();
  await reporter.look('section files', signal);
  rig.files = new Error('unreadable');
  await reporter.look('section files', signal);
  t.equal(rig.state.section('files').items.size, 1);
  t.ok(rig.log.lines.some((line) => line.startsWith('looking at the node failed')));
});

t.test('a memory that cannot be written is a condition, until it can', async (t) => {
  await using rig = new Rig(t);
  const reporter = await rig.reporter();
  // A folder in the draft's place: also root cannot open it for writing.
  mkdirSync(join(rig.stateDir, 'last-report.json.tmp'));
  writeFileSync(join(rig.stateDir, 'last-report.json.tmp/x'), '');
  await reporter.look('x', signal);
  await reporter.saved();
  t.same(rig.conditions.names, ['MemoryUnwritable']);
  t.same(rig.told(), ['agent.condition MemoryUnwritable true']);
  rmSync(join(rig.stateDir, 'last-report.json.tmp'), { recursive: true });
  rig.result = 'fail';
  await reporter.look('x', signal);
  await reporter.saved();
  t.same(rig.conditions.names, []);
});

t.test('a baseline that cannot be used is a condition', async (t) => {
  await using rig = new Rig(t);
  const reporter = await rig.reporter();
  const file = join(rig.stateDir, 'baseline.json');
  writeFileSync(file, '{"digest": 1}');
  chmodSync(file, 0o600);
  await reporter.look('x', signal);
  t.same(rig.conditions.names, ['BaselineUnusable']);
  t.match(rig.conditions.items.get('condition BaselineUnusable'), { why: /digest/, since: /^2/ });
  rmSync(file);
  await reporter.look('x', signal);
  t.same(rig.conditions.names, []);
  t.same(rig.told(), [
    'agent.condition BaselineUnusable true',
    'agent.condition BaselineUnusable false',
  ]);
});

t.test('an item too long for a frame says so', async (t) => {
  const state = new NodeState();
  t.ok(state.replace('files', new Map([['a', 'x'.repeat(300_000)]])));
  t.same(state.section('files').items.get('a'), { tooLarge: true, bytes: 300_002 });
  t.notOk(
    state.replace('files', new Map([['a', 'y'.repeat(300_000)]])),
    'and what is said is the same',
  );
});
