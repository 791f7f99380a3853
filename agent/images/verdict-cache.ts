import { canonicalJson, type Json, sha256 } from '../../shared/canonical.ts';
import type { PolicyRequirement, PolicyRequirements } from '../../shared/trust/policy-types.ts';
import type { CandidateImage, PolicyVerdict } from '../../shared/trust/verdict-types.ts';
import type { TrustContent } from '../trust-files.ts';
import { keyPathsOf } from '../trust-keys.ts';

/** Keys and signatures expire while nothing on the node changes: after so long an image is judged anew. */
export const MAX_AGE_MS: number = 15 * 60 * 1000;

export interface KnownVerdict {
  readonly verdict: PolicyVerdict;
  readonly judgedAtMs: number;
}

interface Entry extends KnownVerdict {
  usedInPass: number;
}

/** What is known from earlier passes, by everything a verdict depends on but the time. */
export class VerdictCache {
  readonly #entries = new Map<string, Entry>();
  #pass = 0;

  get size(): number {
    return this.#entries.size;
  }

  get(key: string, nowMs: number): KnownVerdict | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || Math.abs(nowMs - entry.judgedAtMs) > MAX_AGE_MS) return undefined;
    entry.usedInPass = this.#pass;
    return entry;
  }

  /** Counts as used in this pass though nobody asked. */
  keep(key: string): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.usedInPass = this.#pass;
  }

  set(key: string, verdict: PolicyVerdict, nowMs: number): void {
    this.#entries.set(key, { verdict, judgedAtMs: nowMs, usedInPass: this.#pass });
  }

  /** Ends a pass over the whole store: what it did not use is of images or keys that are gone. */
  endPass(): void {
    for (const [key, { usedInPass }] of this.#entries) {
      if (usedInPass !== this.#pass) this.#entries.delete(key);
    }
    this.#pass++;
  }
}

/** The cache key of an image as its judge sees it: manifest, names, signatures, requirements and key material. */
export function verdictKey(image: CandidateImage, basisKey: string): string {
  const { transport, policyReference, dockerReference, manifest, list, signatures } = image;
  return sha256(
    canonicalJson([
      transport,
      policyReference,
      dockerReference ?? null,
      sha256(manifest),
      list === undefined ? null : sha256(list),
      signatures.map((signature) => sha256(signature)),
      basisKey,
    ]),
  );
}

/** What requirements ask for, key material included: one text for each content. */
export function requirementsKey(
  requirements: PolicyRequirements,
  keyFiles: ReadonlyMap<string, TrustContent>,
  signingSubkeys?: boolean,
): string {
  const keys = requirements
    .flatMap(keyPathsOf)
    .map((path): Json => [path, keyFiles.get(path)?.sha256 ?? null]);
  return sha256(canonicalJson([requirements.map(toJson), keys, signingSubkeys ?? true]));
}

function toJson(requirement: PolicyRequirement): Json {
  return { ...requirement } as unknown as Json; // plain data of JSON as it stood in the policy
}
