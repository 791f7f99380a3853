import type { ConformanceKind } from '../kind.ts';
import { simpleSigningVerify } from './simple-signing-verify.ts';

/** The same question as for simple signatures, with `sigstoreSigned` requirements. */
export const sigstoreVerify: ConformanceKind = { ...simpleSigningVerify, kind: 'sigstore-verify' };
