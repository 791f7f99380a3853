import { counted } from '../../shared/counted.ts';
import type { Statement } from '../check.ts';
import type { ProfileValues } from '../profile-values.ts';
import type { NodeRegistriesConf } from '../registries-conf.ts';
import { notRead } from './registries-lookaside.ts';
import { isCovered } from './registries-places.ts';

/** What the rule `registries.mirrors` says of each mirror: approved, and asked for digests alone. */
export function mirrors(
  { path, conf }: NodeRegistriesConf,
  { allowedMirrors }: ProfileValues,
): readonly Statement[] {
  if (conf === undefined) return [notRead(path)];
  const all = [...conf.registries.values()].flatMap(({ prefix, file, mirrors: ofRegistry }) =>
    ofRegistry.map((mirror) => ({ ...mirror, prefix, file })),
  );
  if (all.length === 0) {
    return [{ result: 'notapplicable', reason: 'no-mirrors', message: 'no mirror is configured' }];
  }
  const statements = new Map<string, Statement>();
  for (const { location, use, prefix, file } of all) {
    const subject = `${prefix} at ${location}`;
    const observed = { file, use };
    const of = `${file} sends images of ${prefix} to ${location}`;
    if (allowedMirrors.length > 0 && !isCovered(allowedMirrors, location)) {
      const message = `${of}, which is not approved`;
      const reason = 'not-approved';
      statements.set(subject, { subject, result: 'fail', reason, message, observed });
    } else if (use !== 'digest-only' && !statements.has(subject)) {
      const message = `${of} by tag: what a tag names there is for the mirror to say`;
      statements.set(subject, { subject, result: 'fail', reason: 'by-tag', message, observed });
    }
  }
  if (statements.size > 0) return [...statements.values()];
  const what = allowedMirrors.length > 0 ? 'approved and ' : '';
  const message = `${counted(all.length, 'mirror is', 'mirrors are')} ${what}asked for digests alone`;
  return [{ result: 'pass', message, observed: { mirrors: all.length } }];
}
