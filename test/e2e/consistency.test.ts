import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { configSchema } from '../../agent/config.ts';
import { type Agent, startAgent } from '../../agent/daemon.ts';
import type {
  CheckItem,
  CheckResultItem,
  FindingItem,
  ImageItem,
  NodeDetail,
  NodeItem,
} from '../../shared/api.ts';
import { parseConfig } from '../../shared/config.ts';
import { EXPORT_FORMATS } from '../../shared/exports/index.ts';
import { type Outcome, outcomeOf } from '../../shared/exports/outcome.ts';
import { findingLine } from '../../shared/finding-text.ts';
import { findingKey, type RuleResult } from '../../shared/findings.ts';
import { type ImageVerdict, VERDICTS } from '../../shared/images.ts';
import { countResults, resultWord } from '../../shared/results.ts';
import { safeText } from '../../shared/safe-text.ts';
import { runCli } from '../cli/fake-io.ts';
import { keptLog, type RunningAggregator, runAggregator } from '../support/aggregator.ts';
import { EXPORT_READERS } from '../support/export-readers.ts';
import { makeImageStore, whyNoStore } from '../support/image-store.ts';
import { fromMarkup, type Row, tableRows } from '../support/markup.ts';
import { PageClient } from '../support/page-client.ts';
import { manifestOf, pulled, signed, trustFiles } from '../support/signed-images.ts';
import { storeFiles, writeFiles } from '../support/store-tree.ts';

/** A node whose rules pass, fail, do not apply, cannot be asked, and fail by leave of somebody. */
const NODE = {
  '/sys/fs/selinux/enforce': '0',
  '/sys/fs/selinux/status': 'x',
  '/etc/selinux/config': 'SELINUX=enforcing\nSELINUXTYPE=targeted\n',
  '/proc/cmdline': 'root=UUID=1 enforcing=0\n',
  '/proc/sys/crypto/fips_enabled': '1\n',
  '/proc/sys/kernel/osrelease': '5.14.0-1.x86_64\n',
  // A name that means something to pages, sheets and XML.
  '/etc/crio/policies/a<b>&"{c}.json': '{',
};
/** The second covers nothing, which is a failure of severity info. */
const EXCEPTIONS = `exceptions:
  - {rule: selinux.kernel-args, reason: 'lab, <until> "repaired"', owner: alice, expires: 2099-12-31}
  - {rule: trust.policy-valid, reason: none, owner: bob, expires: 2099-12-31}
`;
const APP = 'registry.example.com/team/app:v1';

const STORES: readonly (readonly [name: string, skip: string | false, make: Make])[] = [
  ['a store of four images', false, smallStore],
  ['a store that skopeo made', whyNoStore(), storeOfSkopeo],
];
type Make = (root: string) => void | Promise<void>;

function smallStore(root: string): void {
  const manifest = manifestOf('signed');
  const signatures = [signed(APP, manifest)];
  const images = [
    pulled({ seed: 'signed', names: [APP], manifest, signatures }),
    pulled({ seed: 'unsigned', names: ['registry.example.com/team/unsigned:v1'] }),
    pulled({ seed: 'any', names: ['any.example.com/app:v1'] }),
    pulled({ seed: 'odd', names: ['quay.io/odd<b>:v1'] }),
  ];
  writeFiles(root, { ...trustFiles(), ...storeFiles(images) });
}

async function storeOfSkopeo(root: string): Promise<void> {
  const made = await makeImageStore(['--images', '6', '--driver', 'vfs']);
  cpSync(made.root, root, { recursive: true });
}

for (const [name, skip, make] of STORES) {
  t.test(`over ${name} all say the same`, { skip }, async (t) => {
    const folder = t.testdir({ server: {}, host: {}, 'e.yaml': EXCEPTIONS });
    const root = join(folder, 'host');
    await make(root);
    writeFiles(root, NODE);
    await using server = await runAggregator(join(folder, 'server'));
    await using agent = await agentIn(folder, server);
    const tokenFile = join(folder, 'admin.token');
    writeFileSync(tokenFile, server.adminToken);
    const flags = ['--server', server.url, '--token-file', tokenFile];
    const ask = async <Item>(...words: readonly string[]): Promise<readonly Item[]> =>
      JSON.parse((await runCli([...words, '-o', 'json'], { nowMs: Date.now() })).stdout).items;

    await settled(agent, server);
    const own = ['--state-dir', join(folder, 'state'), '--exceptions', join(folder, 'e.yaml')];
    const checked = await ask<CheckResultItem>('check', '--host-root', root, ...own);
    const verified = await ask<ImageVerdict>('verify', '--all', '--host-root', root);
    const reported = [...agent.state.section('checks').items.values()] as unknown as RuleResult[];
    const images = [...agent.state.section('images').items.values()] as unknown as ImageVerdict[];
    const complete = await ask<FindingItem>('get', 'findings', '--all', ...flags);
    const listed = await ask<ImageItem>('get', 'images', ...flags);

    await t.test('there is something of every kind', async (t) => {
      const outcomes = new Set(complete.map(outcomeOf));
      const kinds: Outcome[] = ['pass', 'fail', 'warn', 'unknown', 'error', 'notapplicable'];
      for (const kind of [...kinds, 'excepted' as const]) t.ok(outcomes.has(kind), kind);
      const verdicts = new Set(listed.map(({ verdict }) => verdict));
      for (const verdict of VERDICTS.slice(0, 3)) t.ok(verdicts.has(verdict), verdict);
    });
    await t.test('check and the agent', async (t) => {
      // Of itself only the agent knows all, and the file of exceptions it was told by another path.
      t.strictSame(byKey(checked.filter(isOfNode)), byKey(reported.filter(isOfNode)));
    });
    await t.test('verify and the agent', async (t) => {
      t.ok(images.length >= 4, `${images.length} images`);
      t.strictSame(byImage(verified), byImage(images));
    });
    await t.test('get and the agent', async (t) => {
      t.strictSame(byKey(complete), byKey(reported));
      t.strictSame(byImage(listed), byImage(images));
    });
    await t.test('counts', async (t) => {
      const counts = countResults(complete.map(({ result }) => result));
      const ofVerdict = countVerdicts(listed);
      const [node] = await ask<NodeItem>('get', 'nodes', ...flags);
      t.strictSame([node?.results, node?.images], [counts, ofVerdict], 'get nodes');
      const rules = await ask<CheckItem>('get', 'checks', ...flags);
      t.strictSame(
        rules.map(({ ruleId, title, nodes }) => [ruleId, title, nodes]).sort(),
        [...Map.groupBy(complete, ({ ruleId }) => ruleId)]
          .map(([ruleId, ofRule]) => {
            const results = countResults(new Set(ofRule.map(({ result }) => result)));
            return [ruleId, ofRule[0]?.title, results];
          })
          .sort(),
        'get checks',
      );
      const metrics = String((await server.get('/metrics')).body);
      t.strictSame(samples(metrics, 'results', 'result'), { ...counts }, 'metrics of results');
      t.strictSame(samples(metrics, 'images', 'verdict'), ofVerdict, 'metrics of images');
      const failing = new Set(complete.flatMap((one) => (one.result === 'fail' ? one.ruleId : [])));
      const failingSamples = Object.keys(samples(metrics, 'findings', 'check'));
      t.strictSame(failingSamples.sort(), [...failing].sort(), 'metrics of failing rules');
    });
    await t.test('the page', async (t) => {
      const page = await PageClient.signIn(server.url, server.adminToken);
      const rowsOf = async (tab: string): Promise<readonly Row[]> =>
        tableRows((await page.get(`/nodes/node-1?tab=${tab}`)).text);
      t.strictSame(
        (await rowsOf('checks'))
          .map(([rule, result, severity, said]) => {
            return [rule, result, severity, said?.split('Evidence and remedy')[0]?.trim()];
          })
          .sort(),
        complete
          .map((one) => [one.ruleId, resultWord(one.result), one.severity, shownText(one)])
          .sort(),
      );
      t.strictSame(
        (await rowsOf('images')).map((row) => row.slice(0, 2)).sort(),
        listed.map(({ reference, verdict }) => [reference, verdict]).sort(),
      );
    });
    await t.test('what people read on a terminal', async (t) => {
      const read = async (...words: readonly string[]): Promise<readonly string[]> =>
        (await runCli(words, { nowMs: Date.now() })).stdout.split('\n');
      const tables = {
        check: await read('check', '--host-root', root, ...own),
        'get findings': await read('get', 'findings', '--all', '--no-group', ...flags),
      };
      for (const [command, lines] of Object.entries(tables)) {
        for (const one of complete.filter(isOfNode)) {
          const said = safeText(findingLine(one));
          const isOurs = (line: string): boolean =>
            line.endsWith(said) && line.split(/\s+/).includes(one.ruleId);
          const line = ` ${lines.find(isOurs)?.toLowerCase()}`;
          const told = [one.severity, resultWord(one.result)].every((w) => line.includes(` ${w} `));
          t.ok(told, `${command}: ${findingKey(one)}`);
        }
      }
    });
    for (const { id, about } of EXPORT_FORMATS) {
      await t.test(`the export ${id}`, async (t) => {
        const { body } = await server.get(`/v1/exports/${id}`);
        const text = typeof body === 'string' ? body : JSON.stringify(body);
        if (about === 'images') {
          t.strictSame(ofAnnotations(text), byDigest(listed));
          return;
        }
        const reader = EXPORT_READERS[id];
        // A format that nobody here reads tells at least every finding in its words.
        if (reader === undefined) {
          for (const { message } of complete) t.ok(fromMarkup(text).includes(message), message);
          return;
        }
        const { words, ofResult, most = complete.length } = reader;
        const expected = new Map(
          complete.flatMap((one) => {
            const word = ofResult?.[one.result] ?? words[outcomeOf(one)];
            return word === undefined ? [] : [[findingKey(one), { ...one, word }]];
          }),
        );
        const told = reader.read(text);
        t.equal(told.length, Math.min(expected.size, most), 'as many');
        for (const { key, ...said } of told) {
          const { severity, reason, message, word } = expected.get(key) ?? {};
          const known = { severity, reason, message: safeText(message ?? ''), word };
          t.strictSame({ ...known, ...said }, known, key);
        }
      });
    }
  });
}

/** A real agent on the node below `host`. */
async function agentIn(folder: string, server: RunningAggregator): Promise<Agent> {
  const tokenFile = join(folder, 'agent.token');
  writeFileSync(tokenFile, server.agentToken);
  const config = {
    ...parseConfig('', 'test', configSchema),
    hostRoot: join(folder, 'host'),
    stateDir: join(folder, 'state'),
    exceptionsFile: join(folder, 'e.yaml'),
    nodeName: 'node-1',
    aggregator: { url: server.url, tokenFile, allowPlain: false },
  };
  return await startAgent(config, { log: keptLog() });
}

/** Resolves when every rule has an answer, and the aggregator has all that the agent has. */
async function settled(agent: Agent, server: RunningAggregator): Promise<void> {
  for (;;) {
    const { body } = await server.get('/v1/nodes/node-1');
    const { rootHash } = (body as NodeDetail).session;
    const isWhole = agent.state.section('checks').items.has('exceptions.unused trust.policy-valid');
    if (isWhole && rootHash === agent.state.rootHash) return;
  }
}

/** What a rule says of the node, not of the process that asks it or of a file beside it. */
function isOfNode({ checkId }: RuleResult): boolean {
  return checkId !== 'agent' && checkId !== 'exceptions';
}

/** The members of a finding that everybody has. */
function byKey(findings: readonly RuleResult[]): Readonly<Record<string, object>> {
  const entries = findings.map((one) => {
    const { ruleId, subject, result, severity, reason, message, observed, expected } = one;
    const { checkId, title, remediation, mappings, override } = one;
    const what = { ruleId, subject, result, severity, reason, message, observed, expected };
    return [findingKey(one), { ...what, checkId, title, remediation, mappings, override }] as const;
  });
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function byImage(images: readonly ImageVerdict[]): readonly object[] {
  const plain = images.map((image) => ({ ...image, node: undefined }));
  return plain.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

function nameOf({ imageId, reference, policy, namespace }: ImageVerdict): string {
  return JSON.stringify([imageId, reference, policy, namespace]);
}

function countVerdicts(images: readonly ImageVerdict[]): Readonly<Record<string, number>> {
  const of = (verdict: string): number => images.filter((one) => one.verdict === verdict).length;
  return Object.fromEntries(VERDICTS.map((verdict) => [verdict, of(verdict)]));
}

/** Values of a family by one of its labels. */
function samples(text: string, family: string, label: string): Readonly<Record<string, number>> {
  const lines = text.matchAll(new RegExp(`^nodeseal_${family}\\{(.*)\\} (\\d+)$`, 'gm'));
  return Object.fromEntries(
    [...lines].map(([, labels = '', value]) => {
      return [new RegExp(`${label}="([^"]*)"`).exec(labels)?.[1] ?? '', Number(value)];
    }),
  );
}

/** As the page has it: the words of the terminal, and the reason. */
function shownText(finding: RuleResult): string {
  const { reason } = finding;
  return safeText(findingLine(finding)) + (reason === undefined ? '' : ` (${reason})`);
}

/** Verdicts of the nodes by digest: a node counts once, by its worst. */
function ofAnnotations(text: string): Readonly<Record<string, object>> {
  const { items } = JSON.parse(text);
  return Object.fromEntries(
    items.map(({ image, nodes }: { image: string; nodes: object }) => [image, nodes]),
  );
}

function byDigest(images: readonly ImageVerdict[]): Readonly<Record<string, object>> {
  const worstFirst = ['rejected', 'unknown', 'unenforced', 'accepted'];
  return Object.fromEntries(
    [...Map.groupBy(images, ({ digest }) => digest)].map(([digest, ofDigest]) => {
      const worst = worstFirst.find((one) => ofDigest.some(({ verdict }) => verdict === one));
      return [digest, Object.fromEntries(VERDICTS.map((one) => [one, one === worst ? 1 : 0]))];
    }),
  );
}
