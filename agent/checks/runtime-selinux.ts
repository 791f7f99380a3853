import type { Statement } from '../check.ts';
import type { ObservedContainer } from '../containers.ts';
import { CATEGORY_COUNT, parseLabel, type SelinuxLabel } from '../selinux-label.ts';
import type { Judge, Question } from './runtime-approval.ts';

/** Of container-selinux and the base policy; `container_runtime_t` is that of the engine, which is not confined. */
const NOT_CONFINED: ReadonlySet<string> = new Set([
  'spc_t',
  'unconfined_t',
  'unconfined_service_t',
  'kernel_t',
  'init_t',
  'initrc_t',
  'container_runtime_t',
]);

/** `container_t` and its family, and `<name>.process`, as udica and the Security Profiles Operator make them. */
function isConfined(type: string): boolean {
  return (
    !NOT_CONFINED.has(type) &&
    (/^container_\w+_t$|^container_t$/.test(type) || /\.process$/.test(type))
  );
}

/** What the rule `runtime.selinux-domain` asks. */
export const containerDomain: Question = {
  otherwise: ['runs in a domain of containers', 'run in a domain of containers'],
  judge: withLabels((labels, container) => {
    const odd = labels.find(({ type }) => !isConfined(type));
    if (odd === undefined) return undefined;
    const cause = causeOf(container);
    return {
      result: 'fail',
      reason: NOT_CONFINED.has(odd.type) ? 'not-confined' : 'other-domain',
      message: `the container ${container.subject} runs as ${odd.type} (${cause})`,
      observed: { type: odd.type, cause },
    };
  }),
};

/** CRI-O leaves the label of such containers to the policy, whatever the pod asks for. */
function causeOf({ isPrivileged, shares, spec }: ObservedContainer): string {
  if (isPrivileged) return 'privileged';
  const [shared] = shares === undefined || 'message' in shares ? [] : shares;
  const asked = spec?.selinuxLabel === undefined ? undefined : parseLabel(spec.selinuxLabel);
  if (asked !== undefined) return 'explicit type';
  return shared ?? (spec === undefined ? 'its config.json is not there' : 'no label was asked for');
}

/** What the rule `runtime.mcs-unique` asks of these containers. */
export function uniqueCategories(containers: readonly ObservedContainer[]): Question {
  const owners = ownersOf(containers);
  return {
    otherwise: [
      'has categories of its namespace alone',
      'have categories of their namespace alone',
    ],
    judge: withLabels((labels, container) => {
      for (const label of labels) {
        const found = categoryFault(label, container, owners);
        if (found !== undefined) return found;
      }
      return undefined;
    }),
  };
}

type Owners = ReadonlyMap<string, ReadonlySet<string>>;

function categoryFault(
  label: SelinuxLabel,
  container: ObservedContainer,
  owners: Owners,
): Omit<Statement, 'subject'> | undefined {
  const { categories, level, type } = label;
  if (NOT_CONFINED.has(type) || categories === undefined) return undefined;
  const { subject, isPrivileged } = container;
  const observed = { level };
  if (categories.length === 0) {
    const message = `the container ${subject} runs at ${level}, without categories`;
    return { result: 'fail', reason: 'no-categories', message, observed };
  }
  if (categories.length >= CATEGORY_COUNT) {
    if (isPrivileged) return undefined;
    const message = `the container ${subject} runs at ${level}, with all categories`;
    return { result: 'fail', reason: 'all-categories', message, observed };
  }
  const own = ownerOf(container);
  const others = [...(owners.get(keyOf(categories)) ?? [])].filter((owner) => owner !== own).sort();
  if (own === undefined || others.length === 0) return undefined;
  const message = `the container ${subject} has the categories of ${others.join(', ')} (${level})`;
  return { result: 'fail', reason: 'shared', message, observed: { level, with: others.join(' ') } };
}

/** Who uses which categories; labels that confine nothing take part in nothing. */
function ownersOf(containers: readonly ObservedContainer[]): Owners {
  const owners = new Map<string, Set<string>>();
  for (const container of containers) {
    const owner = ownerOf(container);
    if (owner === undefined) continue;
    for (const { type, categories = [] } of parsedLabels(container)) {
      if (NOT_CONFINED.has(type) || categories.length === 0) continue;
      const key = keyOf(categories);
      owners.set(key, (owners.get(key) ?? new Set()).add(owner));
    }
  }
  return owners;
}

/** A namespace shares its categories on purpose, as a pod of podman does; of an unknown container nobody knows. */
function ownerOf({ identity, subject }: ObservedContainer): string | undefined {
  return identity && (identity.namespace ?? identity.pod ?? subject);
}

function keyOf(categories: readonly number[]): string {
  return categories.join(',');
}

function parsedLabels({ labels }: ObservedContainer): readonly SelinuxLabel[] {
  return 'message' in labels ? [] : labels.flatMap((label) => parseLabel(label) ?? []);
}

function withLabels(
  judge: (labels: readonly SelinuxLabel[], container: ObservedContainer) => ReturnType<Judge>,
): Judge {
  return (container) => {
    const { labels } = container;
    if (!('message' in labels)) return judge(parsedLabels(container), container);
    const message = `${labels.message}: to read labels of containers takes a domain such as spc_t`;
    return { result: 'error', reason: labels.reason, message, observed: { path: labels.path } };
  };
}
