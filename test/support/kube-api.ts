import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createLocalJWKSet, jwtVerify } from 'jose';
import type { Test } from 'tap';
import type { ServedKeys } from '../../aggregator/identity/issuer-keys.ts';
import { discovery, ISSUER, keys } from './cluster.ts';
import { tlsAuthority } from './tls-authority.ts';

/** What RBAC allows: `user verb resource`. */
export type Rbac = Set<string>;

export interface KubeApi {
  readonly source: ServedKeys;
  /** `METHOD path` of each request. */
  readonly seen: string[];
  readonly rbac: Rbac;
  /** Pods by name and nodes by name; may be changed while it runs. */
  readonly pods: Map<string, { readonly uid: string; readonly nodeName: string }>;
  readonly nodes: Map<string, string>;
  /** People that have an opaque token, as OpenShift's OAuth server gives. */
  readonly people: Map<string, { readonly username: string; readonly groups: readonly string[] }>;
  /** Answers nothing any more. */
  stop(): Promise<void>;
}

/** Audience of the API server itself. */
export const API_AUDIENCE = 'https://kubernetes.default.svc';
const OUR_TOKEN = 'aggregators-own-token';

/** The part of an API server that the aggregator asks, over real TLS; tokens are verified, not looked up. */
export async function serveKubeApi(t: Test): Promise<KubeApi> {
  const folder = t.testdir({ token: `${OUR_TOKEN}\n` });
  const { ca, server: serverKeys } = tlsAuthority('cluster');
  const caFile = join(folder, 'ca.crt');
  writeFileSync(caFile, ca);
  const api = {
    seen: [] as string[],
    rbac: new Set<string>(),
    pods: new Map<string, { uid: string; nodeName: string }>(),
    nodes: new Map<string, string>(),
    people: new Map<string, { username: string; groups: readonly string[] }>(),
  };
  const server = createServer(serverKeys, (request, response) => {
    const { method = '', url = '', headers } = request;
    api.seen.push(`${method} ${url}`);
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const isUs = headers.authorization === `Bearer ${OUR_TOKEN}`;
      const body = Buffer.concat(chunks).toString();
      const asked = isUs ? answer(api, method, url, body) : Promise.resolve([401, {}] as const);
      void asked.then(([status, object]) => response.writeHead(status).end(JSON.stringify(object)));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    server.closeAllConnections();
    if (!server.listening) return;
    server.close();
    await once(server, 'close');
  };
  t.teardown(stop);
  const { port } = server.address() as AddressInfo;
  const tokenFile = join(folder, 'token');
  const cacheFile = join(folder, 'keys.json');
  const source = { url: `https://127.0.0.1:${port}`, caFile, tokenFile, cacheFile };
  return { ...api, source, stop };
}

type Answer = readonly [status: number, object: unknown];

async function answer(
  api: Pick<KubeApi, 'rbac' | 'pods' | 'nodes' | 'people'>,
  method: string,
  url: string,
  body: string,
): Promise<Answer> {
  const document = discovery()[url];
  if (document !== undefined) return [200, JSON.parse(document.body)];
  if (method === 'POST' && url === '/apis/authentication.k8s.io/v1/tokenreviews') {
    const { spec } = JSON.parse(body) as { spec: { token: string; audiences?: string[] } };
    const status = await review(api, spec.token, spec.audiences ?? [API_AUDIENCE]);
    return [201, { kind: 'TokenReview', status }];
  }
  if (method === 'POST' && url === '/apis/authorization.k8s.io/v1/subjectaccessreviews') {
    const { spec } = JSON.parse(body) as {
      spec: { user: string; groups: string[]; resourceAttributes: Record<string, string> };
    };
    const { group, verb, resource } = spec.resourceAttributes;
    const allowed = [spec.user, ...spec.groups].some((who) =>
      api.rbac.has(`${who} ${verb} ${resource}.${group}`),
    );
    return [201, { kind: 'SubjectAccessReview', status: { allowed } }];
  }
  const [, podName] = /^\/api\/v1\/namespaces\/nodeseal\/pods\/([^/]+)$/.exec(url) ?? [];
  const pod = podName === undefined ? undefined : api.pods.get(podName);
  if (pod !== undefined) {
    return [200, { metadata: { uid: pod.uid }, spec: { nodeName: pod.nodeName } }];
  }
  const [, nodeName] = /^\/api\/v1\/nodes\/([^/]+)$/.exec(url) ?? [];
  const uid = nodeName === undefined ? undefined : api.nodes.get(nodeName);
  return uid === undefined ? [404, { kind: 'Status' }] : [200, { metadata: { uid } }];
}

async function review(
  { people }: Pick<KubeApi, 'people'>,
  token: string,
  audiences: string[],
): Promise<unknown> {
  const person = people.get(token);
  if (person !== undefined) return { authenticated: true, audiences, user: person };
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
      issuer: ISSUER,
      audience: audiences,
    });
    const { pod } = payload['kubernetes.io'] as { pod?: { name: string; uid: string } };
    const extra =
      pod === undefined
        ? {}
        : {
            'authentication.kubernetes.io/pod-name': [pod.name],
            'authentication.kubernetes.io/pod-uid': [pod.uid],
          };
    const groups = ['system:serviceaccounts'];
    return { authenticated: true, audiences, user: { username: payload.sub, groups, extra } };
  } catch (error) {
    return { authenticated: false, error: String(error) };
  }
}
