import * as v from 'valibot';
import type { Clock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/log.ts';
import { Refusal } from './credentials.ts';
import { type KubernetesApi, KubernetesApiError } from './kubernetes-api.ts';
import type { Authority, Principal, Role } from './principal.ts';
import { Remembered } from './remembered.ts';
import { type ReviewedUser, reviewToken } from './token-review.ts';

/** What RBAC of the cluster must allow for each role, the greatest first; resources of the group `nodeseal.dev`. */
const GRANTS: readonly { readonly role: Role; readonly verb: string; readonly resource: string }[] =
  [
    { role: 'admin', verb: 'update', resource: 'fleet' },
    { role: 'operator', verb: 'create', resource: 'commands' },
    { role: 'viewer', verb: 'get', resource: 'fleet' },
  ];
const GROUP = 'nodeseal.dev';

/** What was allowed a minute ago still is; what was not is asked again sooner. */
const ALLOWED_MS = 60_000;
const REFUSED_MS = 10_000;
/** Strangers must not make us a load on the API server. */
const MAX_UNDER_WAY = 16;
const BUSY_RETRY_SECONDS = 5;
/** Tokens of our own are never shown to the API server. */
const OWN = /^ns[uaj]_/;

const accessSchema = v.object({ status: v.object({ allowed: v.boolean() }) });

type Found =
  | { readonly kind: 'allowed'; readonly name: string; readonly role: Role }
  | { readonly kind: 'forbidden'; readonly name: string }
  | { readonly kind: 'unknown' };

/** People of a cluster: its API server says who they are (TokenReview) and what they may (SubjectAccessReview). */
export class KubernetesPeople implements Authority {
  readonly #api: KubernetesApi;
  readonly #log: Logger;
  readonly #known: Remembered<Found>;
  #underWay = 0;

  constructor(api: KubernetesApi, clock: Clock, log: Logger) {
    this.#api = api;
    this.#log = log;
    this.#known = new Remembered(clock, ({ kind }) =>
      kind === 'allowed' ? ALLOWED_MS : REFUSED_MS,
    );
  }

  /** Throws `Refusal` 403 for somebody the cluster knows and gives no role, 503 when it cannot be asked. */
  async authenticate(credential: string): Promise<Principal | undefined> {
    if (OWN.test(credential)) return undefined;
    const found = await this.#known.get(credential, () => this.#limited(credential));
    switch (found.kind) {
      case 'allowed':
        return { kind: 'user', name: found.name, role: found.role };
      case 'forbidden':
        throw new Refusal(
          403,
          'forbidden',
          `${found.name.slice(0, 200)}: the cluster grants no role here, at least "get" on fleet.${GROUP}`,
        );
      case 'unknown':
        return undefined;
    }
  }

  /** Asked again every minute. */
  isRevoked(): boolean {
    return false;
  }

  async #limited(token: string): Promise<Found> {
    if (this.#underWay >= MAX_UNDER_WAY) {
      throw new Refusal(503, 'busy', 'too many reviews under way', BUSY_RETRY_SECONDS);
    }
    this.#underWay++;
    try {
      return await this.#ask(token);
    } catch (error) {
      if (!(error instanceof KubernetesApiError)) throw error;
      this.#log.warn({ reason: error.message }, 'the API server cannot say who somebody is');
      const message = 'the API server of the cluster cannot be asked now';
      throw new Refusal(503, 'reviewUnavailable', message, BUSY_RETRY_SECONDS);
    } finally {
      this.#underWay--;
    }
  }

  async #ask(token: string): Promise<Found> {
    const user = await reviewToken(this.#api, token);
    if (user === undefined) return { kind: 'unknown' };
    const name = user.username;
    for (const { role, verb, resource } of GRANTS) {
      if (await this.#isAllowed(user, verb, resource)) return { kind: 'allowed', name, role };
    }
    return { kind: 'forbidden', name };
  }

  async #isAllowed(
    { username, uid, groups, extra }: ReviewedUser,
    verb: string,
    resource: string,
  ): Promise<boolean> {
    const review = await this.#api.create('/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: {
        user: username,
        uid,
        groups,
        extra,
        resourceAttributes: { group: GROUP, resource, verb },
      },
    });
    const parsed = v.safeParse(accessSchema, review);
    if (parsed.success) return parsed.output.status.allowed;
    throw new KubernetesApiError('ERR_KUBERNETES_API', 'expected a SubjectAccessReview');
  }
}
