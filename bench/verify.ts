import { execFileSync } from 'node:child_process';
import { createHash, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import * as openpgp from 'openpgp';
import { findSigner, type Keyring } from '../shared/trust/openpgp/keyring.ts';
import { loadKeys } from '../shared/trust/openpgp/keys.ts';
import { readSignedMessage } from '../shared/trust/openpgp/message.ts';
import { verifyMessage } from '../shared/trust/openpgp/verify.ts';
import type { Policy } from '../shared/trust/policy-types.ts';
import { evaluateImage } from '../shared/trust/verdict.ts';
import { type Figure, median, tell } from './figure.ts';

/**
 * What verifying one stored simple signature costs: the bare arithmetic, our verification with the key read once, a whole
 * verdict, openpgp.js, and one process of gpgv and of skopeo. All methods take turns in every round of one process, so
 * that what else runs on the machine weighs on all alike. Makes its own keys with gpg in a temporary folder.
 *
 * `node bench/verify.ts [--rounds 9] [--round-ms 200] [--json]`
 */
const KINDS = ['rsa4096', 'rsa3072', 'dsa3072', 'ed25519'] as const;
const REFERENCE = 'registry.example.com/team/app:v1';

interface Signed {
  readonly kind: string;
  readonly fingerprint: string;
  readonly keyFile: string;
  readonly key: Buffer;
  readonly signatureFile: string;
  readonly signature: Buffer;
}
/** One thing to do again and again; `cpu` also counts what the process itself burns. */
interface Method {
  readonly name: string;
  readonly run: () => unknown;
  readonly samplesUs: number[];
  readonly cpuUs: number[];
}

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '9' },
    'round-ms': { type: 'string', default: '200' },
    json: { type: 'boolean', default: false },
  },
});

function gpg(home: string, ...args: readonly string[]): Buffer {
  const all = ['--homedir', home, '--batch', '--quiet', '--pinentry-mode', 'loopback', ...args];
  return execFileSync('gpg', all, { stdio: ['ignore', 'pipe', 'ignore'] });
}

function sign(home: string, manifestFile: string, kind: string): Signed {
  const uid = `${kind}@bench.example`;
  gpg(home, '--passphrase', '', '--quick-generate-key', uid, kind, 'sign', 'never');
  const listing = gpg(home, '--with-colons', '--list-keys', uid).toString();
  const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(listing)?.[1] ?? '';
  const keyFile = join(home, `${kind}.pgp`);
  const signatureFile = join(home, `${kind}.sig`);
  const payloadFile = join(home, 'payload.json');
  const digest = createHash('sha256').update(readFileSync(manifestFile)).digest('hex');
  const image = { 'docker-manifest-digest': `sha256:${digest}` };
  const identity = { 'docker-reference': REFERENCE };
  const critical = { identity, image, type: 'atomic container signature' };
  const optional = { creator: 'bench', timestamp: 1700000000 };
  writeFileSync(payloadFile, JSON.stringify({ critical, optional }));
  gpg(home, '--output', keyFile, '--export', uid);
  gpg(home, '--digest-algo', 'SHA512', '-u', uid, '--output', signatureFile, '--sign', payloadFile);
  const [key, signature] = [readFileSync(keyFile), readFileSync(signatureFile)];
  return { kind, fingerprint, keyFile, key, signatureFile, signature };
}

async function methods(
  { kind, keyFile, key, signatureFile, signature, fingerprint }: Signed,
  manifestFile: string,
): Promise<readonly Method[]> {
  const nowMs = Date.now();
  const keyring = await loadKeys([key]);
  const publicKey = await openpgp.readKey({ binaryKey: key });
  const config = { rejectPublicKeyAlgorithms: new Set<openpgp.enums.publicKey>() };
  const manifest = readFileSync(manifestFile);
  const policy: Policy = {
    default: [
      {
        type: 'signedBy',
        keyType: 'GPGKeys',
        keyPath: keyFile,
        signedIdentity: { type: 'matchRepoDigestOrExact' },
      },
    ],
    transports: new Map(),
  };
  const image = {
    transport: 'docker',
    policyReference: REFERENCE,
    dockerReference: REFERENCE,
    manifest,
    signatures: [signature],
  };
  const context = { readFile: async () => key, nowMs };
  const list: [string, () => unknown][] = [
    ['bare node:crypto', bare(keyring, signature, nowMs)],
    ['ours, message', () => verifyMessage(keyring, signature, nowMs)],
    ['ours, whole verdict', () => evaluateImage(image, policy, context)],
    [
      'openpgp.js',
      async () => {
        const message = await openpgp.readMessage({ binaryMessage: signature });
        const verified = await openpgp.verify({
          message,
          verificationKeys: publicKey,
          format: 'binary',
          config,
        });
        await verified.signatures[0]?.verified;
      },
    ],
    [
      'gpgv process',
      () => run('gpgv', ['--keyring', keyFile, '--output', '/dev/null', signatureFile]),
    ],
    [
      'skopeo process',
      () =>
        run('skopeo', ['standalone-verify', manifestFile, REFERENCE, fingerprint, signatureFile]),
    ],
  ];
  return list.map(([name, run]) => ({ name: `${kind} ${name}`, run, samplesUs: [], cpuUs: [] }));
}

/** The arithmetic alone: hash what was signed and verify, everything else prepared. */
function bare(keyring: Keyring, message: Uint8Array, nowMs: number): () => unknown {
  const { signature, signed } = readSignedMessage(message);
  const signer = findSigner(keyring, signature, nowMs / 1000);
  if (signer === undefined) throw new Error('the benchmark does not know its own key');
  const prepared = signer.key.prepared(signature, [signed]);
  if (prepared === undefined) throw new Error('the benchmark cannot read its own signature');
  const { hash, input, key, bytes } = prepared;
  return () => {
    if (!verify(hash, input, key, bytes)) throw new Error('the bare verification failed');
  };
}

function run(program: string, args: readonly string[]): void {
  // skopeo before 1.14 knows no other keyring than that of gpg's home
  execFileSync(program, args, { stdio: 'ignore', env: { ...process.env, GNUPGHOME: home } });
}

async function measure(method: Method, roundMs: number): Promise<void> {
  const isProcess = method.name.endsWith('process');
  const started = performance.now();
  const cpu = process.cpuUsage();
  let count = 0;
  do {
    await method.run();
    count++;
  } while (performance.now() - started < roundMs && !(isProcess && count >= 3));
  const elapsed = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  method.samplesUs.push((elapsed * 1000) / count);
  method.cpuUs.push((user + system) / count);
}

const home = mkdtempSync(join(tmpdir(), 'nodeseal-bench-'));
try {
  const manifestFile = join(home, 'manifest.json');
  const config = { mediaType: 'application/vnd.oci.image.config.v1+json', size: 7023 };
  const digest = `sha256:${'b5'.repeat(32)}`;
  const layer = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', size: 32654, digest };
  const layers = Array.from({ length: 6 }, () => layer);
  writeFileSync(
    manifestFile,
    JSON.stringify({ schemaVersion: 2, config: { ...config, digest }, layers }),
  );
  const rows: object[] = [];
  for (const kind of KINDS) {
    const list = await methods(sign(home, manifestFile, kind), manifestFile);
    // long enough for the compiler to be done with what runs often
    for (const method of list) await measure(method, 400);
    for (const { samplesUs, cpuUs } of list) samplesUs.length = cpuUs.length = 0;
    for (let round = 0; round < Number(options.rounds); round++) {
      for (const method of list) await measure(method, Number(options['round-ms']));
    }
    const [limit, message, verdict, openpgpJs, gpgv, skopeo] = list;
    const beside = (id: string, ours: Method | undefined, peer: Method | undefined): Figure => {
      const [own, other] = [ours?.samplesUs ?? [], peer?.samplesUs ?? []];
      const ratio = median(own.map((sample, round) => sample / (other[round] ?? Number.NaN)));
      return { id, at: kind, ours: median(own), bare: median(other), ratio };
    };
    tell(
      beside('verify.message', message, limit),
      beside('verify.verdict', verdict, limit),
      beside('verify.openpgp-js', message, openpgpJs),
      beside('verify.gpgv', message, gpgv),
      beside('verify.skopeo', message, skopeo),
    );
    for (const { name, samplesUs, cpuUs } of list) {
      const ratios = samplesUs.map((sample, round) => sample / (limit?.samplesUs[round] ?? 1));
      const cpuRatios = cpuUs.map((sample, round) => sample / (limit?.cpuUs[round] ?? 1));
      const isProcess = name.endsWith('process');
      rows.push({
        method: name,
        medianUs: Number(median(samplesUs).toFixed(1)),
        perSecond: Math.round(1e6 / median(samplesUs)),
        ratioToBare: Number(median(ratios).toFixed(2)),
        cpuRatioToBare: isProcess ? null : Number(median(cpuRatios).toFixed(2)),
      });
    }
  }
  if (options.json) process.stdout.write(`${JSON.stringify(rows, null, 2)}\n`);
  else console.table(rows);
} finally {
  execFileSync('gpgconf', ['--homedir', home, '--kill', 'gpg-agent'], { stdio: 'ignore' });
  rmSync(home, { recursive: true, force: true });
}
