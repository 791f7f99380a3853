import type { ContentIdentity } from './host.ts';

/** A change so short after another may look like it: the kernel's clock ticks in steps of milliseconds. */
const SETTLED_MS = 2_000;

/** The identity by which a later look knows the same content again; undefined for what changed too lately for that. */
export function settledText(identity: ContentIdentity, nowMs: number): string | undefined {
  return identity.changedMs < nowMs - SETTLED_MS ? identity.text : undefined;
}
