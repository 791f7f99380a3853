import t from 'tap';
import type { Json } from '../../shared/canonical.ts';
import { readReportedTrust } from '../../shared/reported-trust.ts';

const POLICY = { path: '/p', default: [{ type: 'reject' }], scopes: [] };
const GOOD: readonly (readonly [string, Json])[] = [
  ['policy', POLICY],
  ['registriesD', {}],
  ['registriesConf', { registries: [] }],
];

/** An item that a node may send, and what stands for it. */
const cases: readonly (readonly [name: string, key: string, item: Json, found: object])[] = [
  ['an empty policy', 'policy', {}, { policies: [{ problem: { reason: 'malformed-report' } }] }],
  ['no object', 'policy', null, { policies: [{ problem: { reason: 'malformed-report' } }] }],
  [
    'a requirement that is none',
    'policy',
    { ...POLICY, default: [{ type: 'trustMe' }] },
    { policies: [{ path: '/p', problem: { reason: 'malformed-report' } }] },
  ],
  [
    'scopes called as members of every object',
    'policy',
    { ...POLICY, scopes: [{ transport: '__proto__', scope: 'constructor', requirements: [] }] },
    { policies: [{ problem: { reason: 'malformed-report' } }] },
  ],
  [
    'a policy of CRI-O without its content, as earlier agents sent it',
    'crioPolicy',
    { path: '/c', sha256: 'sha256:1' },
    { policies: [{ role: 'system' }, { role: 'crio', problem: { reason: 'not-reported' } }] },
  ],
  [
    'a policy with what is wrong with it',
    'policy',
    { path: '/p', problem: { reason: 'syntax', message: 'm', path: '/p', line: 2, column: 3 } },
    { policies: [{ problem: { reason: 'syntax', line: 2 }, policy: undefined }] },
  ],
  [
    'a folder that is none',
    'registriesD',
    3,
    { registriesDProblem: { reason: 'malformed-report' } },
  ],
  [
    'a scope that is none',
    'registriesD quay.io',
    { scope: 'quay.io', lookaside: 7, file: 'a' },
    { registriesDProblem: { reason: 'malformed-report' }, registriesD: undefined },
  ],
  [
    'a mirror that is none',
    'registriesConf',
    {
      registries: [
        { prefix: 'a', location: 'a', insecure: false, blocked: false, mirrors: [1], file: 'f' },
      ],
    },
    { registriesConfProblem: { reason: 'malformed-report' } },
  ],
];

t.test('a part that cannot be read is a problem, not an empty configuration', async (t) => {
  t.match(readReportedTrust(new Map(GOOD)), {
    policies: [{ role: 'system', path: '/p', policy: { default: [{ type: 'reject' }] } }],
    registriesD: { docker: new Map() },
    registriesConf: { shortNameMode: 'permissive' },
  });
  for (const [name, key, item, found] of cases) {
    t.match(readReportedTrust(new Map([...GOOD, [key, item]])), found, name);
  }
  const keys = readReportedTrust(new Map([...GOOD, ['key /k', { keys: 'many' }]])).keyFiles;
  t.match(keys.get('/k'), { path: '/k', problem: { reason: 'malformed-report' } });
});
