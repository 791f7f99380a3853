import { nearest } from '../nearest.ts';
import { CandidateError, type CheckedCandidate, checkCandidate } from './candidate.ts';

/**
 * The ClusterImagePolicy `openshift` of releases that have it by default, from openshift/cluster-update-keys
 * (manifests.rhel/0000_90_openshift-cluster-image-policy.yaml of the release's branch). Hosted control planes do without it.
 */
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  'openshift-4.21': ['quay.io/openshift-release-dev/ocp-release'],
  'openshift-4.22': [
    'quay.io/openshift-release-dev/ocp-release',
    'quay.io/openshift-release-dev/ocp-v4.0-art-dev',
    'quay.io/openshift-release-dev/ocp-v5.0-art-dev',
  ],
};

/** Red Hat's public key in it, RSA of 4,096 bits; the same in both releases. */
const KEY = `-----BEGIN PUBLIC KEY-----
MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEA0ASyuH2TLWvBUqPHZ4Ip
75g7EncBkgQHdJnjzxAW5KQTMh/siBoB/BoSrtiPMwnChbTCnQOIQeZuDiFnhuJ7
M/D3b7JoX0m123NcCSn67mAdjBa6Bg6kukZgCP4ZUZeESajWX/EjylFcRFOXW57p
RDCEN42J/jYlVqt+g9+Grker8Sz86H3l0tbqOdjbz/VxHYhwF0ctUMHsyVRDq2QP
tqzNXlmlMhS/PoFr6R4u/7HCn/K+LegcO2fAFOb40KvKSKKVD6lewUZErhop1CgJ
XjDtGmmO9dGMF71mf6HEfaKSdy+EE6iSF2A2Vv9QhBawMiq2kOzEiLg4nAdJT8wg
ZrMAmPCqGIsXNGZ4/Q+YTwwlce3glqb5L9tfNozEdSR9N85DESfQLQEdY3CalwKM
BT1OEhEX1wHRCU4drMOej6BNW0VtscGtHmCrs74jPezhwNT8ypkyS+T0zT4Tsy6f
VXkJ8YSHyenSzMB2Op2bvsE3grY+s74WhG9UIA6DBxcTie15NSzKwfzaoNWODcLF
p7BY8aaHE2MqFxYFX+IbjpkQRfaeQQsouDFdCkXEFVfPpbD2dk6FleaMTPuyxtIT
gjVEtGQK2qGCFGiQHFd4hfV+eCA63Jro1z0zoBM5BbIIQ3+eVFwt3AlZp5UVwr6d
secqki/yrmv3Y0dqZ9VOn3UCAwEAAQ==
-----END PUBLIC KEY-----`;

export const BUILT_INS: readonly string[] = Object.keys(SCOPES);

/** A candidate by its name. Throws `CandidateError` for a name that is none. */
export function builtInCandidate(name: string): CheckedCandidate {
  const scopes = Object.hasOwn(SCOPES, name) ? SCOPES[name] : undefined;
  if (scopes === undefined) {
    const near = nearest(name, BUILT_INS);
    const hint = near === undefined ? `known: ${BUILT_INS.join(', ')}` : `did you mean ${near}?`;
    throw new CandidateError(name, `no built-in policy has this name; ${hint}`);
  }
  const requirement = {
    type: 'sigstoreSigned',
    keyData: Buffer.from(KEY).toString('base64'),
    signedIdentity: { type: 'matchRepoDigestOrExact' },
  };
  const docker = Object.fromEntries(scopes.map((scope) => [scope, [requirement]]));
  // A policy without a default is none; where it is added to another one it counts for nothing.
  const policy = JSON.stringify({ default: [{ type: 'reject' }], transports: { docker } }, null, 2);
  const candidate = { policy, policyMode: 'add', registriesDMode: 'add' } as const;
  return checkCandidate(candidate, { policy: name, folder: name });
}
