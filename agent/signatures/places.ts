import type { Reference } from '../../shared/trust/reference.ts';
import { type RegistrySource, resolveRegistry } from '../../shared/trust/registries-conf.ts';
import {
  lookupRegistriesD,
  type RegistriesD,
  type RegistriesDLookup,
} from '../../shared/trust/registries-d.ts';
import { RegistriesDError } from '../../shared/trust/registries-d-file.ts';
import type { NodeTrust } from '../trust.ts';
import { SourceError } from './source-error.ts';

/** A registry that an image may be fetched from, and what registries.d says of the image under its name there. */
export interface Place extends RegistrySource {
  readonly lookaside: string;
  readonly useSigstoreAttachments: boolean;
}

/**
 * Where the image may be fetched from by registries.conf, in order; none when every place is blocked. Throws
 * `SourceError` when the node does not say so in a readable way.
 */
export function placesOf(trust: NodeTrust, reference: Reference): readonly Place[] {
  const { registries, conf } = readable(trust);
  return resolveRegistry(conf, reference).sources.map((source) => placeOf(registries, source));
}

/** As `placesOf`; what may not be fetched any more was fetched from its own place. */
export function pastPlacesOf(trust: NodeTrust, reference: Reference): readonly Place[] {
  const places = placesOf(trust, reference);
  if (places.length > 0) return places;
  return [placeOf(readable(trust).registries, { reference, insecure: false, isMirror: false })];
}

function readable({ registriesD, registriesConf }: NodeTrust): {
  readonly registries: RegistriesD;
  readonly conf: NonNullable<NodeTrust['registriesConf']['conf']>;
} {
  const { registries } = registriesD;
  const { conf } = registriesConf;
  if (registries !== undefined && conf !== undefined) return { registries, conf };
  const problem = registriesD.problem ?? registriesConf.problem;
  throw new SourceError('ERR_SOURCE_CONFIG', problem?.message ?? 'no registries configuration');
}

function placeOf(registries: RegistriesD, source: RegistrySource): Place {
  const { lookaside, useSigstoreAttachments } = lookUp(registries, source.reference);
  return { ...source, lookaside: lookaside.base, useSigstoreAttachments };
}

function lookUp(registries: RegistriesD, reference: Reference): RegistriesDLookup {
  try {
    return lookupRegistriesD(registries, reference);
  } catch (error) {
    if (!(error instanceof RegistriesDError)) throw error;
    throw new SourceError('ERR_SOURCE_CONFIG', error.message, { cause: error });
  }
}
