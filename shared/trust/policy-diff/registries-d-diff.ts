import type { RegistriesD } from '../registries-d.ts';
import type { RegistriesDSection } from '../registries-d-file.ts';
import { isReachable } from '../scope-reach.ts';
import type { PolicyChange } from './change.ts';
import { scopesAbove } from './scopes-above.ts';

/** Which signatures a policy looks at anywhere: where they are read from matters for no others. */
export interface SignatureNeeds {
  readonly simple: boolean;
  readonly sigstore: boolean;
}

/** What is read when nothing is configured, by root. */
const BUILT_IN = 'file:///var/lib/containers/sigstore';

const EMPTY: RegistriesD = { docker: new Map(), warnings: [] };

/**
 * How the places of signatures changed. Whose signature counts is for the policy alone to say; but an image that had
 * none in the old place may have one in the new place, so that a move counts as weakening wherever signatures are
 * looked at. Not looking any more can only refuse images. Servers that fail are not thought of.
 */
export function diffRegistriesD(
  old: RegistriesD = EMPTY,
  now: RegistriesD = EMPTY,
  needs: SignatureNeeds,
): readonly PolicyChange[] {
  const scopes = new Set([...old.docker.keys(), ...now.docker.keys()]);
  return [...[...scopes].sort(), undefined].flatMap((scope) => [
    ...lookasideChange(scope, old, now, needs),
    ...attachmentsChange(scope, old, now, needs),
  ]);
}

function lookasideChange(
  scope: string | undefined,
  old: RegistriesD,
  now: RegistriesD,
  needs: SignatureNeeds,
): readonly PolicyChange[] {
  const read = ({ lookaside, sigstore }: RegistriesDSection): string | undefined =>
    lookaside ?? sigstore;
  const from = setting(old, scope, read) ?? BUILT_IN;
  const to = setting(now, scope, read) ?? BUILT_IN;
  if (from === to) return [];
  const moved = `signatures of ${subjectOf(scope)} are read at ${to} in place of ${from}`;
  if (isUnused(scope)) return [unused(scope, moved)];
  // A lookaside may hold signatures of either format.
  if (!needs.simple && !needs.sigstore) return [unneeded(scope, moved)];
  return [
    change(scope, 'weakened', `${moved}: an image without a valid one there may have one here`),
  ];
}

function attachmentsChange(
  scope: string | undefined,
  old: RegistriesD,
  now: RegistriesD,
  needs: SignatureNeeds,
): readonly PolicyChange[] {
  const read = (section: RegistriesDSection): boolean | undefined => section.useSigstoreAttachments;
  const from = setting(old, scope, read) ?? false;
  const to = setting(now, scope, read) ?? false;
  if (from === to) return [];
  const what = `sigstore attachments of ${subjectOf(scope)} are ${to ? 'now' : 'no longer'} read`;
  if (isUnused(scope)) return [unused(scope, what)];
  if (!needs.sigstore) return [unneeded(scope, what)];
  return to
    ? [
        change(
          scope,
          'weakened',
          `${what}: an image without a sigstore signature elsewhere may have one there`,
        ),
      ]
    : [change(scope, 'strengthened', `${what}: images that need such a signature will be refused`)];
}

/** A setting as an image of this scope gets it; undefined: what no scope speaks for. */
function setting<T>(
  { docker, defaultDocker }: RegistriesD,
  scope: string | undefined,
  read: (section: RegistriesDSection) => T | undefined,
): T | undefined {
  const scopes = scope === undefined ? [] : [scope, ...scopesAbove('docker', scope)];
  for (const name of scopes) {
    const section = docker.get(name);
    const value = section && read(section);
    if (value !== undefined) return value;
  }
  return defaultDocker && read(defaultDocker);
}

/** The scope "" is no scope of registries.d. */
function isUnused(scope: string | undefined): boolean {
  return scope !== undefined && (scope === '' || !isReachable('docker', scope));
}

function subjectOf(scope: string | undefined): string {
  return scope === undefined ? 'registries without an entry of their own' : scope;
}

function unused(scope: string | undefined, what: string): PolicyChange {
  return change(scope, 'neutral', `${what}, but no image leads to this scope`);
}

function unneeded(scope: string | undefined, what: string): PolicyChange {
  return change(scope, 'neutral', `${what}, but the policy asks for none`);
}

function change(
  scope: string | undefined,
  effect: PolicyChange['effect'],
  reason: string,
): PolicyChange {
  return {
    effect,
    part: 'registries.d',
    transport: 'docker',
    ...(scope === undefined ? {} : { scope }),
    reason,
  };
}
