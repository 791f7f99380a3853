import type { ConformanceKind } from '../kind.ts';
import { containersStorage } from './containers-storage.ts';
import { identityMatch } from './identity-match.ts';
import { manifestDigests } from './manifest-digest.ts';
import { openpgpVerify } from './openpgp-verify.ts';
import { policyParse } from './policy-parse.ts';
import { referenceNormalisation } from './reference-normalisation.ts';
import { registriesD } from './registries-d.ts';
import { scopeLookup } from './scope-lookup.ts';
import { signatureBlobFormat } from './signature-blob-format.ts';
import { signatureFetch } from './signature-fetch.ts';
import { signaturePayload } from './signature-payload.ts';
import { sigstoreVerify } from './sigstore-verify.ts';
import { simpleSigningVerify } from './simple-signing-verify.ts';

/** Every kind of question that the product answers; a table of another kind is reported as not run. */
export const KINDS: readonly ConformanceKind[] = [
  containersStorage,
  identityMatch,
  manifestDigests,
  openpgpVerify,
  policyParse,
  referenceNormalisation,
  registriesD,
  scopeLookup,
  signatureBlobFormat,
  signatureFetch,
  signaturePayload,
  sigstoreVerify,
  simpleSigningVerify,
];
