import { spawnSync } from 'node:child_process';
import type { Test } from 'tap';
import { openHost } from '../../agent/host.ts';
import { verifyImages } from '../../agent/images/verify.ts';
import { HttpReader } from '../../agent/signatures/http.ts';
import type { SourceId } from '../../agent/signatures/source.ts';
import { readNodeTrust } from '../../agent/trust.ts';
import { sha256 } from '../../shared/canonical.ts';
import type { ImageVerdict } from '../../shared/images.ts';
import type { TestKey } from './certificates.ts';
import { pullBySkopeo } from './pull-judge.ts';
import { KEY, KEY_PATH, manifestOf, pulled, SIGNED, type TestPolicy } from './signed-images.ts';
import { ANNOTATION, payloadOf, signPayload } from './sigstore.ts';
import { type Files, storeFiles, writeFiles } from './store-tree.ts';

/** Where the one image is. */
export const REPOSITORY: string = 'team/app';
/** Of the image that servers of a test have. */
export const MANIFEST: Buffer = manifestOf('app');
/** Why skopeo cannot judge here, for `skip`. */
export const noSkopeo: string | false =
  spawnSync('skopeo', ['--version']).error === undefined ? false : 'needs skopeo';

/** One node: the images of its store are unsigned, the registries are asked. */
export interface Node {
  readonly host: string;
  readonly files?: Files;
  readonly policy?: TestPolicy;
  readonly registriesD?: object;
  readonly registriesConf?: string;
  readonly sources?: readonly SourceId[];
}

export function rootOf(dir: string, node: Node, manifest: Buffer = MANIFEST): string {
  const { host } = node;
  const name = `${host}/${REPOSITORY}:v1`;
  return writeFiles(dir, {
    '/etc/containers/policy.json': JSON.stringify(policyOf(node)),
    [KEY_PATH]: KEY.pem,
    '/etc/containers/registries.conf':
      node.registriesConf ?? `[[registry]]\nlocation = "${host}"\ninsecure = true\n`,
    '/etc/containers/registries.d/a.yaml': JSON.stringify(node.registriesD ?? ATTACHMENTS),
    ...storeFiles([pulled({ seed: 'app', names: [name], manifest })]),
    ...node.files,
  });
}

const ATTACHMENTS = { 'default-docker': { 'use-sigstore-attachments': true } };

function policyOf({ host, policy }: Node): TestPolicy {
  return policy ?? { default: [{ type: 'reject' }], transports: { docker: { [host]: SIGNED } } };
}

export async function verdictOf(root: string, node: Node): Promise<ImageVerdict | undefined> {
  const host = openHost(root);
  const { verdicts } = await verifyImages(host, await readNodeTrust(host), {
    sources: node.sources ?? ['store', 'lookaside', 'registry'],
    http: new HttpReader({ timeoutMs: 1500 }),
  });
  return verdicts[0];
}

/** An attachment that says of the manifest that it is `reference`. */
export function attached(reference: string, manifest: Buffer, key: TestKey = KEY): Attachment {
  const payload = payloadOf({ reference, digest: sha256(manifest) });
  const signature = signPayload(key, payload).toString('base64');
  return { payload, annotations: { [ANNOTATION.signature]: signature } };
}

export interface Attachment {
  readonly payload: Buffer;
  readonly annotations: Readonly<Record<string, string>>;
}

/** skopeo has no word for what could not be decided: it fails. */
export async function agree(
  t: Test,
  root: string,
  node: Node,
  verdict: ImageVerdict | undefined,
): Promise<void> {
  const said = await pullBySkopeo(root, `${node.host}/${REPOSITORY}:v1`, policyOf(node));
  if (said === 'undecided') {
    t.equal(verdict?.source, 'registry', 'both found an attachment');
  } else t.equal(said, verdict?.verdict === 'unknown' ? 'failed' : verdict?.verdict);
}
