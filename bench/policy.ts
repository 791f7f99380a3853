import { parsePolicy } from '../shared/trust/policy.ts';
import { findScope } from '../shared/trust/scope.ts';
import { counted, median, tell } from './figure.ts';

/** What reading and asking a large policy costs, beside JSON.parse of the same text in the same run. */
const SCOPES = 10_000;
const ROUNDS = 15;
const LOOKUPS = 50_000;

const scopes = Object.fromEntries(
  Array.from({ length: SCOPES }, (_, index) => [
    `registry${index % 100}.example.com:5000/namespace${index}/repository`,
    [
      {
        type: 'signedBy',
        keyType: 'GPGKeys',
        keyPath: `/etc/pki/rpm-gpg/key-${index}.gpg`,
        signedIdentity: { type: 'matchRepository' },
      },
    ],
  ]),
);
const text = JSON.stringify(
  { default: [{ type: 'reject' }], transports: { docker: scopes } },
  null,
  2,
);
const bytes = Buffer.from(text);

const parseMs = medianMs(() => parsePolicy(bytes));
const jsonMs = medianMs(() => JSON.parse(bytes.toString()));
const policy = parsePolicy(bytes);
const lookUpMs = medianMs(() => {
  for (let index = 0; index < LOOKUPS; index++) {
    const place = `registry${index % 100}.example.com:5000/namespace${index % SCOPES}`;
    findScope(policy, 'docker', `${place}/repository/image:v1`);
  }
});

print('scopes', `${SCOPES} in ${(bytes.length / 1e6).toFixed(2)} MB`);
print('parsePolicy, median', `${parseMs.toFixed(1)} ms`);
print('JSON.parse, median', `${jsonMs.toFixed(1)} ms`);
print('ratio', (parseMs / jsonMs).toFixed(2));
print('findScope, median', `${((lookUpMs * 1000) / LOOKUPS).toFixed(2)} µs`);

const at = counted(SCOPES, 'scopes');
tell(
  { id: 'policy.parse', at, ours: parseMs, bare: jsonMs, ratio: parseMs / jsonMs },
  { id: 'policy.find-scope', at, ours: (lookUpMs * 1000) / LOOKUPS },
);

function medianMs(run: () => unknown): number {
  const times = Array.from({ length: ROUNDS }, () => {
    const startedAt = performance.now();
    run();
    return performance.now() - startedAt;
  });
  return median(times);
}

function print(name: string, value: string): void {
  process.stdout.write(`${name.padEnd(22)}${value}\n`);
}
