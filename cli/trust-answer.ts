import type { API_VERSION, Coverage } from '../shared/api.ts';
import type { ImageVerdict } from '../shared/images.ts';
import type { ReportedPolicy, ReportedTrust } from '../shared/reported-trust.ts';
import type { PolicyRequirement } from '../shared/trust/policy-types.ts';
import {
  parseReference,
  type Reference,
  referenceText,
  withDefaultTag,
} from '../shared/trust/reference.ts';
import { resolveRegistry } from '../shared/trust/registries-conf.ts';
import { lookupRegistriesD, repositoryUrl } from '../shared/trust/registries-d.ts';
import { RegistriesDError } from '../shared/trust/registries-d-file.ts';
import { findScope } from '../shared/trust/scope.ts';
import { scopeText } from '../shared/trust-text.ts';
import { keysOf, type RequirementKeys } from './trust-rows.ts';

/** What one policy asks of an image. */
export interface PolicyAnswer {
  readonly role: ReportedPolicy['role'];
  readonly path: string;
  readonly namespace?: string;
  /** `docker "quay.io/x"` or `default`; null for a policy that cannot be used. */
  readonly scope: string | null;
  /** Scopes tried before, in order; nothing of them is merged. */
  readonly passedOver: readonly string[];
  readonly requirements: readonly ({ readonly requirement: PolicyRequirement } & RequirementKeys)[];
  /** Why it cannot be used, so that it refuses every image, or is not known. */
  readonly problem?: string;
}

/** A place that the image would be fetched from, and where its signatures would be looked for then. */
export interface SignaturePlace {
  /** The name by which registries.d is looked up. */
  readonly reference: string;
  readonly isMirror: boolean;
  readonly insecure: boolean;
  /** Folder of the repository; `file` null: built into the library. */
  readonly lookaside: { readonly url: string; readonly file: string | null };
  readonly useSigstoreAttachments: boolean;
}

/** What a node's configuration says of one image. */
export interface TrustAnswer {
  /** The system's policy first. */
  readonly policies: readonly PolicyAnswer[];
  /** Empty when it cannot be fetched. */
  readonly places: readonly SignaturePlace[];
  /** Every place is blocked by registries.conf. */
  readonly isBlocked: boolean;
  /** Why the places cannot be told. */
  readonly placesProblem?: string;
}

/** What some nodes answer about an image, all of them the same. */
export interface ExplanationItem extends TrustAnswer {
  /** Empty for a node that is looked at here, without a server. */
  readonly nodes: readonly string[];
  /** By policy and namespace, without the pods; empty where the image is not held. */
  readonly verdicts: readonly Omit<ImageVerdict, 'pods'>[];
}

export interface TrustExplanation {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: 'TrustExplanation';
  /** Completed: with host, `library/` and `latest`. */
  readonly reference: string;
  /** Refused ones first, then by number of nodes; nodes that do not hold the image last. */
  readonly items: readonly ExplanationItem[];
  readonly coverage?: Coverage;
}

/** Asks the configuration of a node about an image of a registry. Nothing is fetched. */
export async function answerFor(
  trust: ReportedTrust,
  reference: Reference,
  nowMs: number,
): Promise<TrustAnswer> {
  const text = referenceText(withDefaultTag(reference));
  const policies = await Promise.all(
    trust.policies.map(async (policy) => await policyAnswer(policy, trust, text, nowMs)),
  );
  return { policies, ...placesFor(trust, parseReference(text)) };
}

async function policyAnswer(
  { role, path, namespace, policy, problem }: ReportedPolicy,
  trust: ReportedTrust,
  reference: string,
  nowMs: number,
): Promise<PolicyAnswer> {
  const about = { role, path, ...(namespace === undefined ? {} : { namespace }) };
  if (policy === undefined) {
    const why = problem?.message ?? 'it is not known';
    return { ...about, scope: null, passedOver: [], requirements: [], problem: why };
  }
  const found = findScope(policy, 'docker', reference);
  const requirements = await Promise.all(
    found.requirements.map(async (requirement) => ({
      requirement,
      ...(await keysOf(requirement, trust, nowMs)),
    })),
  );
  return { ...about, scope: scopeText(found), passedOver: found.passedOver, requirements };
}

function placesFor(trust: ReportedTrust, reference: Reference): Omit<TrustAnswer, 'policies'> {
  const { registriesD, registriesDProblem, registriesConf, registriesConfProblem } = trust;
  const problem = registriesDProblem ?? registriesConfProblem;
  if (registriesD === undefined || registriesConf === undefined) {
    return { places: [], isBlocked: false, placesProblem: problem?.message ?? 'not known' };
  }
  const { sources, blocked, invalid } = resolveRegistry(registriesConf, reference);
  if (invalid !== undefined) {
    const placesProblem = `registries.conf makes ${invalid} of its name, which is none`;
    return { places: [], isBlocked: false, placesProblem };
  }
  try {
    const places = sources.map((source): SignaturePlace => {
      const { lookaside, useSigstoreAttachments } = lookupRegistriesD(
        registriesD,
        source.reference,
      );
      return {
        reference: referenceText(source.reference),
        isMirror: source.isMirror,
        insecure: source.insecure,
        lookaside: {
          url: repositoryUrl(lookaside.base, source.reference),
          file: lookaside.file ?? null,
        },
        useSigstoreAttachments,
      };
    });
    return { places, isBlocked: blocked };
  } catch (error) {
    if (!(error instanceof RegistriesDError)) throw error;
    return { places: [], isBlocked: false, placesProblem: error.message };
  }
}
