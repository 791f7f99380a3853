import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import {
  type Baseline,
  BaselineError,
  captureBaseline,
  loadBaseline,
  saveBaseline,
} from '../../../agent/desired/baseline.ts';
import { sha256 } from '../../../shared/canonical.ts';
import { findingOf } from '../../support/checks.ts';

const FILES = { '/etc/containers/policy.json': { sha256: sha256('policy'), mode: 0o644 } };

function capture(by = 'admin'): Baseline {
  return captureBaseline({
    findings: [
      findingOf('selinux.enforcing', { observed: { mode: 'enforcing' } }),
      findingOf('registries.unmanaged-files', {
        subject: '/etc/x',
        result: 'fail',
        observed: { sha256: null },
      }),
      findingOf('fips.kernel-enabled', { result: 'error', observed: { path: '/proc' } }),
      findingOf('images.signature-valid', { result: 'unknown', observed: {} }),
    ],
    files: FILES,
    acceptedAt: '2026-01-01T00:00:00.000Z',
    acceptedBy: by,
  });
}

t.test('what was observed is captured by finding, what could not be observed is not', async (t) => {
  t.strictSame(capture().observed, {
    'selinux.enforcing': { mode: 'enforcing' },
    'registries.unmanaged-files /etc/x': { sha256: null },
  });
  t.strictSame(capture().files, FILES);
});

t.test('the digest is of what was accepted, not of who accepted it', async (t) => {
  t.equal(capture('one').digest, capture('two').digest);
  const other = captureBaseline({ ...capture(), findings: [], files: FILES });
  t.not(other.digest, capture().digest);
  t.match(capture().digest, /^sha256:[0-9a-f]{64}$/);
});

t.test('a saved baseline is read back, by root alone', async (t) => {
  const path = join(t.testdir({}), 'baseline.json');
  t.equal(await loadBaseline(path), undefined, 'none was captured yet');
  await saveBaseline(path, capture());
  t.strictSame(await loadBaseline(path), capture());
  t.equal(statSync(path).mode & 0o777, 0o600);
  await saveBaseline(path, capture('another'));
  t.equal((await loadBaseline(path))?.acceptedBy, 'another');
  t.strictSame(readdirSync(join(path, '..')), ['baseline.json'], 'no draft is left');
});

t.test('a baseline has owners of files, one of an earlier version none', async (t) => {
  const path = join(t.testdir({}), 'baseline.json');
  for (const owner of [{}, { uid: 0, gid: 7 }]) {
    const files = { '/etc/x': { sha256: sha256('x'), mode: 0o644, ...owner } };
    const baseline = captureBaseline({ ...capture(), findings: [], files });
    await saveBaseline(path, baseline);
    t.strictSame((await loadBaseline(path))?.files, files);
  }
});

t.test('a baseline that cannot be written is an error, and the old one stays', async (t) => {
  const folder = t.testdir({});
  await t.rejects(saveBaseline(join(folder, 'absent', 'baseline.json'), capture()), {
    code: 'ERR_BASELINE_IO',
  });
  const path = join(folder, 'baseline.json');
  mkdirSync(join(path, 'in-the-way'), { recursive: true });
  await t.rejects(saveBaseline(path, capture()), { code: 'ERR_BASELINE_IO' });
  t.strictSame(readdirSync(folder), ['baseline.json'], 'no draft is left');
});

const whole = () => JSON.parse(JSON.stringify(capture())) as Record<string, unknown>;
const DAMAGES: readonly (readonly [name: string, text: string, code: string, message: RegExp])[] = [
  ['empty', '', 'ERR_BASELINE_SYNTAX', /expected JSON/],
  ['cut short', JSON.stringify(capture()).slice(0, -5), 'ERR_BASELINE_SYNTAX', /expected JSON/],
  ['a text', '"baseline"', 'ERR_BASELINE_SYNTAX', /the document/],
  ['a list', '[]', 'ERR_BASELINE_SYNTAX', /digest: .*received undefined/],
  [
    'without a member',
    JSON.stringify({ ...whole(), files: undefined }),
    'ERR_BASELINE_SYNTAX',
    /files/,
  ],
  ['with a member more', JSON.stringify({ ...whole(), extra: 1 }), 'ERR_BASELINE_SYNTAX', /extra/],
  [
    'with a hash that is none',
    JSON.stringify({ ...whole(), files: { '/x': { sha256: 'abc', mode: 1 } } }),
    'ERR_BASELINE_SYNTAX',
    /files.*sha256/,
  ],
  [
    'with an owner that is a name',
    JSON.stringify({ ...whole(), files: { '/x': { sha256: sha256(''), mode: 1, uid: 'root' } } }),
    'ERR_BASELINE_SYNTAX',
    /files.*uid/,
  ],
  [
    'with observed values that are lists',
    JSON.stringify({ ...whole(), observed: { a: { b: [] } } }),
    'ERR_BASELINE_SYNTAX',
    /observed\.a\.b/,
  ],
  [
    'changed by hand',
    JSON.stringify({ ...whole(), observed: { 'selinux.enforcing': { mode: 'permissive' } } }),
    'ERR_BASELINE_DIGEST',
    /digest does not match/,
  ],
];

for (const [name, text, code, message] of DAMAGES) {
  t.test(`a baseline that is ${name} is an error that says so`, async (t) => {
    const path = join(t.testdir({}), 'baseline.json');
    writeFileSync(path, text);
    await t.rejects(loadBaseline(path), { code, message });
    await t.rejects(loadBaseline(path), BaselineError);
    t.equal(readFileSync(path, 'utf8'), text, 'the file stays as it is');
  });
}

t.test('a baseline that is no file is an error, not a wait', async (t) => {
  const folder = t.testdir({ folder: {}, sparse: '' });
  execFileSync('mkfifo', [join(folder, 'fifo')]);
  truncateSync(join(folder, 'sparse'), 50_000_000);
  for (const name of ['folder', 'fifo', 'sparse']) {
    await t.rejects(loadBaseline(join(folder, name)), { code: 'ERR_BASELINE_IO' }, name);
  }
  chmodSync(folder, 0o755);
});
