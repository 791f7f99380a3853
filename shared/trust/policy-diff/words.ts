import type { PolicyRequirement, PolicyRequirements, SigstoreSigned } from '../policy-types.ts';
import { type KeySource, openPgpSources, sigstoreSources } from './key-sources.ts';
import type { Loss, Lost } from './losses.ts';
import { refusesEverything } from './losses.ts';

/** How a key is to be called: fingerprints of what a file or a keyring holds; undefined when nobody knows. */
export type KeyNames = (source: {
  readonly path?: string;
  readonly data?: Uint8Array;
}) => readonly string[] | undefined;

/** Writes changes of requirements as sentences that go on from "quay.io …". */
export class Wording {
  readonly #names: KeyNames | undefined;

  constructor(names: KeyNames | undefined) {
    this.#names = names;
  }

  /** What images may now get away with. */
  weakened(lost: readonly Lost[], old: PolicyRequirements, now: PolicyRequirements): string {
    if (old.some(refusesEverything)) return `is no longer refused: it ${this.demands(now)}`;
    if (!now.some(asksForSignature))
      return `no longer ${this.#requires(old.filter(asksForSignature))}`;
    return lost.map((one) => this.#lost(one)).join(', and it ');
  }

  /** What images now have to show; `gained` is what the old requirements would lose. */
  strengthened(gained: readonly Lost[], old: PolicyRequirements, now: PolicyRequirements): string {
    if (now.some(refusesEverything)) return 'is now refused';
    if (!old.some(asksForSignature)) return `now ${this.#requires(now.filter(asksForSignature))}`;
    return gained.map((one) => this.#gained(one)).join(', and it ');
  }

  /** Two sets of requirements neither of which implies the other. */
  incomparable(lost: readonly Lost[], now: PolicyRequirements): string {
    if (lost.every(({ losses }) => losses.every(({ kind }) => kind !== 'other-means'))) {
      return `${lost.map((one) => this.#lost(one)).join(', and it ')}; old and new cannot be compared`;
    }
    const old = lost.map(({ requirement }) => this.#phrase(requirement)).join(' and ');
    return `${this.demands(now)} in place of ${old}, which cannot be compared`;
  }

  demands(requirements: PolicyRequirements): string {
    if (requirements.some(refusesEverything)) return 'is refused';
    const asking = requirements.filter(asksForSignature);
    return asking.length === 0 ? 'is accepted without a signature' : this.#requires(asking);
  }

  #requires(requirements: readonly PolicyRequirement[]): string {
    return `requires ${requirements.map((one) => this.#phrase(one)).join(' and ')}`;
  }

  #phrase(requirement: PolicyRequirement): string {
    switch (requirement.type) {
      case 'signedBy':
        return `a signature by ${this.#keys(openPgpSources(requirement), ' or ')}`;
      case 'sigstoreSigned':
        return `a sigstore signature by ${this.#signers(requirement)}`;
      case 'insecureAcceptAnything':
        return 'nothing';
      default:
        return 'the impossible';
    }
  }

  #signers(requirement: SigstoreSigned): string {
    const { fulcio, pki } = requirement;
    if (fulcio !== undefined) return `${fulcio.subjectEmail} of ${fulcio.oidcIssuer}`;
    if (pki !== undefined) {
      return [pki.subjectEmail, pki.subjectHostname]
        .filter((name) => name !== undefined)
        .join(' at ');
    }
    return this.#keys(sigstoreSources(requirement), ' or ');
  }

  #lost({ requirement, nearest, losses }: Lost): string {
    const same = nearest?.type === requirement.type ? nearest : undefined;
    return losses.map((loss) => this.#lossText(loss, requirement, same)).join(' and ');
  }

  #lossText(loss: Loss, old: PolicyRequirement, now: PolicyRequirement | undefined): string {
    switch (loss.kind) {
      case 'keys': {
        const added = this.#keys(loss.added, ' or ');
        return loss.removed.length === 0
          ? `also accepts a signature by ${added}`
          : `accepts a signature by ${added} in place of ${this.#keys(loss.removed, ' or ')}`;
      }
      case 'log-keys':
        return `accepts transparency log entries signed by ${this.#keys(loss.added, ' or ')}`;
      case 'no-log':
        return 'no longer requires an entry in a transparency log';
      case 'authority':
        return 'accepts certificates of another authority';
      case 'issuer':
        return 'accepts another OIDC issuer';
      case 'subject':
        return 'accepts another certificate subject';
      case 'identity':
        return `accepts images signed as ${identityText(now)} in place of ${identityText(old)}`;
      default:
        return `no longer requires ${this.#phrase(old)}`;
    }
  }

  #gained({ requirement, nearest, losses }: Lost): string {
    if (nearest?.type !== requirement.type) return `now requires ${this.#phrase(requirement)} too`;
    return losses
      .map((loss) => {
        switch (loss.kind) {
          case 'keys':
            return `no longer accepts a signature by ${this.#keys(loss.added, ' or ')}`;
          case 'log-keys':
            return `no longer accepts log entries signed by ${this.#keys(loss.added, ' or ')}`;
          case 'no-log':
            return 'now requires an entry in a transparency log';
          case 'identity':
            return `accepts only images signed as ${identityText(requirement)}, not as ${identityText(nearest)}`;
          default:
            return `now requires ${this.#phrase(requirement)}`;
        }
      })
      .join(' and ');
  }

  #keys(sources: readonly KeySource[], or: string): string {
    const names = sources.flatMap((source) => this.#keyNames(source));
    return names.length === 0 ? 'no key at all' : names.join(or);
  }

  #keyNames(source: KeySource): readonly string[] {
    const known = this.#names?.(source);
    if (known !== undefined && known.length > 0) return known.map(shortened);
    if (source.fingerprint !== undefined) return [shortened(source.fingerprint)];
    return [
      source.path ?? `a key in the policy (${shortened(source.id.replace('data:', 'sha256:'))})`,
    ];
  }
}

/** True for requirements that look at signatures. */
export function asksForSignature({ type }: PolicyRequirement): boolean {
  return type === 'signedBy' || type === 'sigstoreSigned';
}

function identityText(requirement: PolicyRequirement | undefined): string {
  if (requirement === undefined || !('signedIdentity' in requirement)) return 'anything';
  const { signedIdentity: identity } = requirement;
  switch (identity.type) {
    case 'exactReference':
      return `${identity.type} ${identity.dockerReference}`;
    case 'exactRepository':
      return `${identity.type} ${identity.dockerRepository}`;
    case 'remapIdentity':
      return `${identity.type} ${identity.prefix} to ${identity.signedPrefix}`;
    default:
      return identity.type;
  }
}

/** Both ends of a fingerprint, which is how people know their keys. */
function shortened(name: string): string {
  const [, scheme = '', hex] = /^(sha256:)?([0-9A-Fa-f]{32,})$/.exec(name) ?? [];
  return hex === undefined ? name : `${scheme}${hex.slice(0, 4)}…${hex.slice(-4)}`;
}
