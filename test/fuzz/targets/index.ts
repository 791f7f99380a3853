import type { FuzzTarget } from '../target.ts';
import { manifest } from './manifest.ts';
import { openpgp } from './openpgp.ts';
import { payload } from './payload.ts';
import { policy } from './policy.ts';
import { reference } from './reference.ts';
import { registriesD } from './registries-d.ts';
import { sigstore } from './sigstore.ts';

/** Everything that is fuzzed. */
export const TARGETS: readonly FuzzTarget[] = [
  policy,
  registriesD,
  reference,
  openpgp,
  payload,
  sigstore,
  manifest,
];
