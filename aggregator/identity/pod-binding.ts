import * as v from 'valibot';
import type { Clock } from '../../shared/clock.ts';
import { type KubernetesApi, KubernetesApiError } from './kubernetes-api.ts';
import { Remembered } from './remembered.ts';
import { type ReviewedUser, reviewToken } from './token-review.ts';

/** The node a pod runs on. */
export interface BoundNode {
  readonly name: string;
  readonly uid: string;
}

export interface PodBindingRules {
  readonly audience: string;
  /** `namespace/name` of the account agents run under. */
  readonly serviceAccount: string;
}

const REMEMBERED_MS = 60_000;
/** A pod that just started may not be known yet. */
const UNKNOWN_MS = 5000;
const EXTRA = 'authentication.kubernetes.io';
const text = v.pipe(v.string(), v.minLength(1), v.maxLength(253));
const podSchema = v.object({
  metadata: v.object({ uid: text }),
  spec: v.object({ nodeName: text }),
});
const nodeSchema = v.object({ metadata: v.object({ uid: text }) });

/**
 * Which node a token is of when it does not say so itself (before Kubernetes 1.30): the API server is asked for the
 * token's pod, the pod for its node. Remembered for a minute; with the API server down such tokens let nobody in.
 */
export class PodBinding {
  readonly #api: KubernetesApi;
  readonly #rules: PodBindingRules;
  readonly #known: Remembered<BoundNode | undefined>;

  constructor(api: KubernetesApi, rules: PodBindingRules, clock: Clock) {
    this.#api = api;
    this.#rules = rules;
    this.#known = new Remembered(clock, (node) =>
      node === undefined ? UNKNOWN_MS : REMEMBERED_MS,
    );
  }

  /** Undefined when the API server does not know the token, or the pod is gone. Throws `KubernetesApiError`. */
  async nodeOf(token: string, podUid: string): Promise<BoundNode | undefined> {
    return await this.#known.get(token, () => this.#ask(token, podUid));
  }

  async #ask(token: string, podUid: string): Promise<BoundNode | undefined> {
    const [namespace = '', account = ''] = this.#rules.serviceAccount.split('/');
    const user = await reviewToken(this.#api, token, this.#rules.audience);
    if (user?.username !== `system:serviceaccount:${namespace}:${account}`) return undefined;
    if (extraOf(user, 'pod-uid') !== podUid) return undefined;
    const [name, uid] = [extraOf(user, 'node-name'), extraOf(user, 'node-uid')];
    if (name !== undefined && uid !== undefined) return { name, uid };
    const podName = extraOf(user, 'pod-name');
    return podName === undefined ? undefined : await this.#ofPod(namespace, podName, podUid);
  }

  async #ofPod(namespace: string, podName: string, podUid: string): Promise<BoundNode | undefined> {
    const place = `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(podName)}`;
    const pod = v.safeParse(podSchema, await this.#api.get(place));
    // Another pod of this name has taken its place.
    if (!pod.success || pod.output.metadata.uid !== podUid) return undefined;
    const { nodeName } = pod.output.spec;
    const node = v.safeParse(
      nodeSchema,
      await this.#api.get(`/api/v1/nodes/${encodeURIComponent(nodeName)}`),
    );
    if (node.success) return { name: nodeName, uid: node.output.metadata.uid };
    throw new KubernetesApiError('ERR_KUBERNETES_API', `node ${nodeName}: expected its uid`);
  }
}

function extraOf({ extra }: ReviewedUser, name: string): string | undefined {
  return extra[`${EXTRA}/${name}`]?.[0];
}
