import { setImmediate } from 'node:timers/promises';
import { isReadingReason } from '../host.ts';
import { openSources } from '../signatures/index.ts';
import { openNetwork } from '../signatures/network.ts';
import type { SourceId } from '../signatures/source.ts';
import type { NodeTrust } from '../trust.ts';
import { UNDECIDED } from '../trust-files.ts';
import { type ImageContents, inspectContents } from './contents.ts';
import { inThisThread } from './evaluator.ts';
import { toImageVerdict } from './image-verdict.ts';
import { Judge, type Judged } from './judge.ts';
import type { Pass } from './pass-memory.ts';
import type { JudgedImage, PolicyJudge } from './policy-judges.ts';
import type { ReleaseCandidates } from './release-candidates.ts';
import type { Trouble } from './trouble.ts';
import type { VerdictCache } from './verdict-cache.ts';
import { DEFAULT_SOURCES, type VerifyOptions } from './verify-options.ts';

/** What came of looking at one image anew. */
export interface Found {
  readonly judged: Judged;
  readonly contents?: ImageContents;
}

/** What is kept beyond the pass. */
interface AssessMemory {
  readonly pass: Pass;
  readonly cache: VerdictCache;
  /** Absent when images are not held against releases. */
  readonly candidates?: ReleaseCandidates;
}

/** Images read and judged together: what lives so shortly never comes to where garbage stays long. */
const BATCH = 8;
/** With servers among the sources, which are waited for together. */
const ASKING_BATCH = 64;

/** Judges images, each by its own judge: one answer for each, in order. Throws the signal's reason. */
export async function assess(
  images: readonly JudgedImage[],
  trust: NodeTrust,
  options: VerifyOptions,
  { pass, cache, candidates }: AssessMemory,
): Promise<{ readonly found: readonly Found[]; readonly evaluations: number }> {
  const { reader, store } = pass;
  const { signal = new AbortController().signal } = options;
  // By default and from the store alone nothing but the disk is asked.
  const size = options.sources?.some((source) => source !== 'store') ? ASKING_BATCH : BATCH;
  const answers = new Map<JudgedImage, Found>();
  let evaluations = 0;
  for (const [by, here] of Map.groupBy(images, ({ judge }) => judge)) {
    const judge = openJudge(by, trust, { ...options, signal }, { pass, cache });
    for (let from = 0; from < here.length; from += size) {
      // The host is read at once: without it nothing else of this process has a turn while a large store is judged.
      await setImmediate();
      signal.throwIfAborted();
      const batch = here.slice(from, from + size);
      const named = batch.filter((one) => isAskable(one));
      const judged = new Map(
        ((await judge?.judge(named)) ?? []).map((one, index) => [named[index], one]),
      );
      for (const one of batch) {
        const answer = { judged: judged.get(one) ?? undecided(one) };
        // What the node as a whole has looked at need not be looked at for each namespace.
        const isWanted = options.contents === true && by.namespace === undefined;
        const contents = isWanted ? await inspectContents(reader, store, one.image) : undefined;
        if (isWanted) await candidates?.readLabel(reader, store, one.image);
        answers.set(one, { ...answer, ...(contents === undefined ? {} : { contents }) });
      }
      reader.release();
      options.onProgress?.(answers.size, images.length);
    }
    evaluations += judge?.evaluations ?? 0;
  }
  return { found: images.flatMap((one) => answers.get(one) ?? []), evaluations };
}

/** None for a policy that cannot be read. */
function openJudge(
  by: PolicyJudge,
  trust: NodeTrust,
  options: VerifyOptions & { readonly signal: AbortSignal },
  { pass, cache }: { readonly pass: Pass; readonly cache: VerdictCache },
): Judge | undefined {
  const { policy } = by.file;
  if (policy === undefined) return undefined;
  const { evaluator = inThisThread, signingSubkeys, signal } = options;
  const subkeys = signingSubkeys === undefined ? {} : { signingSubkeys };
  const { reader, store, nowMs } = pass;
  // That sources are named is what allows servers to be asked.
  const network =
    options.sources === undefined ? {} : { network: openNetwork(pass.host, options.http) };
  return new Judge({
    host: reader,
    store,
    basis: { policy, keyFiles: trust.keyFiles, ...subkeys },
    sources: openSources(sourcesFor(by, options.sources), {
      host: reader,
      trust,
      store,
      ...network,
    }),
    evaluator,
    cache,
    nowMs,
    signal,
  });
}

/** By the policy of a namespace CRI-O judges again when a container is made, and then has the store alone. */
function sourcesFor(
  { namespace }: PolicyJudge,
  sources: readonly SourceId[] = DEFAULT_SOURCES,
): readonly SourceId[] {
  return namespace !== undefined && sources.includes('store') ? ['store'] : sources;
}

/** CRI-O judges for a namespace by the name that its pod asked for, and by nothing else. */
function isAskable({ name, judge }: JudgedImage): boolean {
  return name !== undefined || judge.namespace === undefined;
}

/** What nobody could judge. Without a policy that can be read the node's tools refuse to work: no word on the image. */
function undecided(image: JudgedImage): Judged {
  const { problem } = image.judge.file;
  const outcome: Trouble =
    image.judge.file.policy !== undefined
      ? {
          verdict: 'unknown',
          reason: 'reference-unknown',
          message: 'neither the image nor its containers say by which name it was asked for',
        }
      : {
          verdict: 'unknown',
          reason: policyReason(problem?.reason),
          message: problem?.message ?? 'no policy could be read',
        };
  const attempt = { source: 'none', count: 0, outcome };
  return { verdict: toImageVerdict(image, undefined, [attempt]), attempts: [attempt] };
}

function policyReason(reason = 'missing'): string {
  if (reason === 'missing') return 'policy-missing';
  if (reason === UNDECIDED) return 'policy-undecided';
  return isReadingReason(reason) ? 'policy-unreadable' : 'policy-invalid';
}
