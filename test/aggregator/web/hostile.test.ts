import t from 'tap';
import type { RuleResult } from '../../../shared/findings.ts';
import type { ImageVerdict } from '../../../shared/images.ts';
import { finding, HOSTILE_NAME, image, runFleet } from '../../cli/fleet.ts';
import { event } from '../../support/agent-client.ts';
import { PageClient } from '../../support/page-client.ts';

const MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(1)>';
const LONG = 'x'.repeat(10_000);
const TEXTS = [MARKUP, HOSTILE_NAME, LONG, '\u2067שלום\u2069', '\ud83d'];

t.test('what nodes say is shown and does nothing', async (t) => {
  const findings = TEXTS.map(
    (text, index): RuleResult =>
      finding(`trust.hostile-${index}${text === LONG ? '' : text}`, {
        result: 'fail',
        title: text,
        subject: text,
        message: text,
        reason: text,
        observed: { [text]: text },
        remediation: { kind: 'none', text },
        mappings: [{ framework: 'CIS', id: text, basis: 'derived' }],
        override: { oldResult: 'fail', authority: text, remark: text, until: text },
      }),
  );
  const images = TEXTS.map((text) => image(text, { scope: text, signedBy: [text], reason: text }));
  const rubbish = [null, 7, 'x', [], { type: 7 }, { type: 'signedBy', keyPath: null }, {}];
  const malformed = image('quay.io/malformed:1', {
    requirements: rubbish as never,
    signatures: rubbish as never,
    pods: rubbish as never,
  }) as ImageVerdict;
  await using fleet = await runFleet(t.testdir(), findings, [...images, malformed]);
  const { agent, running } = fleet;
  const trust = new Map<string, never>([
    [
      'policy',
      { path: MARKUP, default: rubbish, scopes: [{ transport: MARKUP, scope: LONG }] } as never,
    ],
    [`key ${MARKUP}`, 'x' as never],
    ['registriesD', null as never],
  ]);
  agent.send(agent.full('trust', trust));
  await agent.next('stateApplied');
  agent.send(agent.full('host', new Map([[MARKUP, { [HOSTILE_NAME]: MARKUP }]])));
  await agent.next('stateApplied');
  agent.send(agent.full('files', new Map<string, never>([[MARKUP, null as never]])));
  await agent.next('stateApplied');
  agent.send({
    type: 'events',
    epoch: 'epoch-1',
    items: TEXTS.map((path, index) =>
      event(4 + index, {
        kind: index === 0 ? 'file.changed' : path.slice(0, 64),
        data: { path, explained: MARKUP },
      }),
    ),
  });
  await agent.next('ack', ({ sequence }) => sequence === 3 + TEXTS.length);

  const client = await PageClient.signIn(running.url, running.adminToken);
  const [rule = ''] = findings.map(({ ruleId }) => ruleId);
  const paths = [
    ...['/', '/nodes', '/trust', '/images', '/checks', '/drift', '/coverage', '/simulate'],
    ...['summary', 'trust', 'checks', 'images', 'drift', 'agent', 'raw'].map(
      (tab) => `/nodes/node-1?tab=${tab}`,
    ),
    '/nodes/node-1?compare=pool/default',
    `/nodes/node-1?compare=${encodeURIComponent(MARKUP)}`,
    `/checks/${encodeURIComponent(rule)}`,
    `/images?reference=${encodeURIComponent(MARKUP)}`,
    `/trust?image=${encodeURIComponent(HOSTILE_NAME)}`,
  ];
  for (const path of paths) {
    const { status, text } = await client.get(path);
    t.equal(status, path.includes('compare=%22') ? 404 : 200, path);
    t.notMatch(text, /<script>|<img/, path);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
    t.notMatch(text, /[\u0000-\u0008\u001b\u009b\u202a-\u202e\u2066-\u2069]/u, path);
    if (!path.includes('raw')) t.notMatch(text, /x{2500}/, `${path}: cut`);
  }
  t.match((await client.get('/images')).text, /&lt;script&gt;alert\(1\)/, 'as text');
});
