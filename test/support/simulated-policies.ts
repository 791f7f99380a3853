import { readFileSync } from 'node:fs';
import { join } from 'node:path';

type Requirement = Readonly<Record<string, unknown>>;
export interface PolicyText {
  readonly default: readonly Requirement[];
  readonly transports: Readonly<Record<string, Readonly<Record<string, readonly Requirement[]>>>>;
}

const HOST = 'registry.example.test';
const KEYS = '/etc/pki/containers';
const ACCEPT: readonly Requirement[] = [{ type: 'insecureAcceptAnything' }];
const REJECT: readonly Requirement[] = [{ type: 'reject' }];

function signedBy(key: string, identity?: Requirement): readonly Requirement[] {
  const signedIdentity = identity === undefined ? {} : { signedIdentity: identity };
  return [{ type: 'signedBy', keyType: 'GPGKeys', keyPath: `${KEYS}/${key}`, ...signedIdentity }];
}

/** Policies that a store of make-image-store can be rehearsed with, as a node would have them. */
export function simulatedPolicies(root: string): Readonly<Record<string, PolicyText>> {
  const keyData = readFileSync(join(root, KEYS, 'rsa4096.asc')).toString('base64');
  return {
    'scopes and identities': {
      default: REJECT,
      transports: {
        docker: {
          [HOST]: signedBy('rsa4096.asc'),
          [`${HOST}/variety`]: signedBy('rsa4096.asc', { type: 'matchExact' }),
          [`${HOST}/variety/other-repo`]: signedBy('rsa4096.asc', { type: 'matchRepository' }),
          [`${HOST}/variety/other-tag`]: signedBy('rsa4096.asc', { type: 'matchRepository' }),
          [`${HOST}/variety/other-key`]: signedBy('other.asc'),
          [`${HOST}/variety/unsigned`]: ACCEPT,
          [`${HOST}/matchexact`]: signedBy('rsa4096.asc', { type: 'matchRepoDigestOrExact' }),
          [`${HOST}/exactref`]: signedBy('rsa4096.asc', {
            type: 'exactReference',
            dockerReference: `${HOST}/exactref/good:v1`,
          }),
          [`${HOST}/exactrepo`]: signedBy('rsa4096.asc', {
            type: 'exactRepository',
            dockerRepository: `${HOST}/exactrepo/bad`,
          }),
          [`${HOST}/remap`]: signedBy('rsa4096.asc', {
            type: 'remapIdentity',
            prefix: `${HOST}/remap`,
            signedPrefix: `${HOST}/elsewhere`,
          }),
          [`${HOST}/keydata`]: [{ type: 'signedBy', keyType: 'GPGKeys', keyData }],
          [`${HOST}/release/app-0001:v1`]: REJECT,
          [`${HOST}/release/app-0002`]: signedBy('no-such-key.asc'),
          [`${HOST}/release/app-0003`]: [...signedBy('rsa4096.asc'), ...signedBy('second.asc')],
          [`${HOST}/any`]: signedBy('rsa4096.asc'),
          [`${HOST}/blocked`]: ACCEPT,
          'unlisted.example.test': ACCEPT,
          'a.wild.example.test': signedBy('second.asc'),
        },
      },
    },
    'one key for everything': { default: signedBy('rsa4096.asc'), transports: {} },
    'another key for everything': { default: signedBy('other.asc'), transports: {} },
    'nothing but one repository': {
      default: REJECT,
      transports: { docker: { [`${HOST}/release`]: signedBy('rsa4096.asc') } },
    },
    'anything goes': { default: ACCEPT, transports: {} },
    'a key file that is not there': { default: signedBy('no-such-key.asc'), transports: {} },
    'every identity by repository': {
      default: signedBy('rsa4096.asc', { type: 'matchRepository' }),
      transports: {},
    },
    'every identity exactly': {
      default: signedBy('rsa4096.asc', { type: 'matchExact' }),
      transports: {},
    },
  };
}
