import { open, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import * as v from 'valibot';
import { canonicalJson, type Json, sha256 } from '../../shared/canonical.ts';
import { CodedError, messageOf } from '../../shared/errors.ts';
import { type Finding, findingKey, type Observed } from '../../shared/findings.ts';
import { openHost } from '../host.ts';

/**
 * Observed values a person accepted as right, by finding key (`findingKey`). `digest` is of their canonical
 * JSON. The agent keeps it in its state directory; nothing on the node is touched.
 */
export interface Baseline {
  readonly digest: string;
  /** RFC 3339. */
  readonly acceptedAt: string;
  readonly acceptedBy: string;
  readonly observed: Readonly<Record<string, Observed>>;
  /** Files of the trust set, by path on the node. */
  readonly files: Readonly<Record<string, BaselineFile>>;
}

/** A file as it was accepted: the hash of its content, never the content. */
export interface BaselineFile {
  readonly sha256: string;
  /** Permission bits. */
  readonly mode: number;
  /** Ids as the agent sees them; a baseline of an earlier version has none. */
  readonly uid?: number;
  readonly gid?: number;
}

/** Longest baseline that is read, bytes: some 100 times a usual one. */
const LIMIT_BYTES = 8 * 1024 * 1024;

/** Where the agent with this state directory has its baseline, if any. */
export function baselineFile(stateDir: string): string {
  return join(stateDir, 'baseline.json');
}

/** What a baseline is made of: the findings of one run and the files of the same moment. */
export interface Accepted {
  readonly findings: readonly Finding[];
  readonly files: Readonly<Record<string, BaselineFile>>;
  /** RFC 3339. */
  readonly acceptedAt: string;
  readonly acceptedBy: string;
}

export type BaselineErrorCode = 'ERR_BASELINE_IO' | 'ERR_BASELINE_SYNTAX' | 'ERR_BASELINE_DIGEST';

/** A baseline that is there and cannot be used. */
export class BaselineError extends CodedError<BaselineErrorCode> {}

/** The state of a node as accepted. What could not be observed (`error`, `unknown`) is not part of it. */
export function captureBaseline(accepted: Accepted): Baseline {
  const { findings, files, acceptedAt, acceptedBy } = accepted;
  const observed: Record<string, Observed> = {};
  for (const finding of findings) {
    if (finding.result === 'error' || finding.result === 'unknown') continue;
    observed[findingKey(finding)] = finding.observed;
  }
  return { digest: digestOf({ observed, files }), acceptedAt, acceptedBy, observed, files };
}

/** What was accepted for one finding; undefined when nothing was. */
export function acceptedOf(
  baseline: Baseline | undefined,
  finding: Pick<Finding, 'ruleId' | 'subject'>,
): Observed | undefined {
  const key = findingKey(finding);
  if (baseline === undefined || !Object.hasOwn(baseline.observed, key)) return undefined;
  return baseline.observed[key];
}

/** The baseline kept in `path`; undefined where none was captured. Throws `BaselineError`. */
export async function loadBaseline(path: string): Promise<Baseline | undefined> {
  let text: string | undefined;
  try {
    text = await openHost('/').readText(resolve(path), LIMIT_BYTES);
  } catch (cause) {
    throw new BaselineError('ERR_BASELINE_IO', messageOf(cause), { cause });
  }
  if (text === undefined) return undefined;
  const baseline = parseBaseline(path, text);
  if (digestOf(baseline) === baseline.digest) return baseline;
  const message = `${path}: digest does not match: the file was changed after it was accepted`;
  throw new BaselineError('ERR_BASELINE_DIGEST', message);
}

/** Replaces the baseline kept in `path` (mode 0600). After it resolved, a crash cannot bring the old one back. */
export async function saveBaseline(path: string, baseline: Baseline): Promise<void> {
  const draft = `${path}.${process.pid}.new`;
  try {
    await writeDurably(draft, `${canonicalJson(toJson(baseline))}\n`);
    await rename(draft, path);
    await using folder = await open(dirname(path));
    await folder.sync();
  } catch (cause) {
    await rm(draft, { force: true });
    const message = `${path}: could not be written (${messageOf(cause)})`;
    throw new BaselineError('ERR_BASELINE_IO', message, { cause });
  }
}

async function writeDurably(path: string, text: string): Promise<void> {
  await rm(path, { force: true });
  await using file = await open(path, 'wx', 0o600);
  await file.writeFile(text);
  await file.sync();
}

function digestOf(state: Pick<Baseline, 'observed' | 'files'>): string {
  const { observed, files } = state;
  return sha256(canonicalJson({ observed, files: filesJson(files) }));
}

function toJson(baseline: Baseline): Json {
  return { ...baseline, files: filesJson(baseline.files) };
}

function filesJson(files: Baseline['files']): { readonly [path: string]: Json } {
  return Object.fromEntries(Object.entries(files).map(([path, file]) => [path, { ...file }]));
}

const sha256Text = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256:<hex>'));
const schema: v.GenericSchema<Baseline> = v.strictObject({
  digest: sha256Text,
  acceptedAt: v.string(),
  acceptedBy: v.string(),
  observed: v.record(
    v.string(),
    v.record(v.string(), v.nullable(v.union([v.string(), v.number(), v.boolean()]))),
  ),
  files: v.record(
    v.string(),
    v.strictObject({
      sha256: sha256Text,
      mode: v.number(),
      uid: v.exactOptional(v.number()),
      gid: v.exactOptional(v.number()),
    }),
  ),
});

function parseBaseline(path: string, text: string): Baseline {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new BaselineError('ERR_BASELINE_SYNTAX', `${path}: expected JSON`, { cause });
  }
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const place = v.getDotPath(issue) ?? 'the document';
  throw new BaselineError('ERR_BASELINE_SYNTAX', `${path}: ${place}: ${issue.message}`);
}
