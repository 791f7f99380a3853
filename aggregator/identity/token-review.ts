import * as v from 'valibot';
import { type KubernetesApi, KubernetesApiError } from './kubernetes-api.ts';

/** Who a token is of, as the API server says. */
export interface ReviewedUser {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

const texts = v.array(v.string());
const schema = v.object({
  status: v.object({
    authenticated: v.optional(v.boolean(), false),
    audiences: v.optional(texts, []),
    user: v.optional(
      v.object({
        username: v.optional(v.string(), ''),
        uid: v.optional(v.string(), ''),
        groups: v.optional(texts, []),
        extra: v.optional(v.record(v.string(), texts), {}),
      }),
      {},
    ),
  }),
});

/**
 * TokenReview of authentication.k8s.io/v1: undefined when the API server does not know the token, or not for this
 * audience. Without an audience that of the API server itself is meant. Throws `KubernetesApiError`.
 */
export async function reviewToken(
  api: KubernetesApi,
  token: string,
  audience?: string,
): Promise<ReviewedUser | undefined> {
  const review = await api.create('/apis/authentication.k8s.io/v1/tokenreviews', {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenReview',
    spec: { token, ...(audience === undefined ? {} : { audiences: [audience] }) },
  });
  const parsed = v.safeParse(schema, review);
  if (!parsed.success) {
    throw new KubernetesApiError('ERR_KUBERNETES_API', 'expected a TokenReview with its status');
  }
  const { authenticated, audiences, user } = parsed.output.status;
  // A server that knows no audiences says so by leaving them out: then the token is for anybody.
  const isForUs = audience === undefined || audiences.includes(audience);
  return authenticated && isForUs && user.username !== '' ? user : undefined;
}
