import { counted } from '../../shared/counted.ts';
import { safeText } from '../../shared/safe-text.ts';
import { requirementText, signatureText } from '../../shared/trust-text.ts';
import type {
  ExplanationItem,
  PolicyAnswer,
  SignaturePlace,
  TrustExplanation,
} from '../trust-answer.ts';
import type { Style } from './colour.ts';
import { verdictLabel } from './image.ts';
import { namesText } from './names.ts';

type Line = readonly [name: string, text: string];

/** An image with what each group of nodes answers, step by step. */
export function explanationText(
  { reference, items, coverage }: TrustExplanation,
  style: Style,
): string {
  const missing = new Set(coverage?.missing.map(({ node }) => node));
  const blocks = items.map((item) => itemText(item, missing, style));
  return [`docker ${safeText(reference)}\n`, ...blocks].join('\n');
}

function itemText(item: ExplanationItem, missing: ReadonlySet<string>, style: Style): string {
  // What a node that does not report says is what it said last.
  const names = item.nodes.map((node) => (missing.has(node) ? `${node}, which is silent` : node));
  const { nodes, verdicts, policies, places, isBlocked, placesProblem } = item;
  const where =
    nodes.length === 0
      ? 'this node'
      : `${counted(nodes.length, 'node')} (${safeText(namesText(names))})`;
  const heads = verdicts.map((verdict) => {
    const policy = policies.length > 1 ? ` by ${verdict.policy}` : '';
    const message = verdict.message ?? verdict.reason;
    const why = verdict.verdict === 'accepted' || message === undefined ? '' : `: ${message}`;
    return `${verdictLabel(verdict.verdict, style)}  on ${where}${safeText(policy + why)}`;
  });
  if (heads.length === 0) heads.push(`${style.symbols.none} NOT HELD  by ${where}`);
  const lines: Line[] = [
    ...verdicts.flatMap((verdict): readonly Line[] => [
      ['image', `${verdict.digest} (id ${verdict.imageId.slice(0, 12)})`],
      ...verdict.signatures.map((one): Line => ['', signatureText(one)]),
      ...(verdict.signedBy.length === 0
        ? []
        : [['signed by', verdict.signedBy.join(', ')] as const]),
    ]),
    ...policies.flatMap(policyLines),
    ...places.flatMap(placeLines),
  ];
  if (isBlocked) lines.push(['fetched', 'not at all: registries.conf blocks every place of it']);
  if (placesProblem !== undefined) lines.push(['looked for', `not known: ${placesProblem}`]);
  const body = lines.map(([name, text]) => `  ${name.padEnd(10)} ${safeText(text)}\n`);
  return [...heads.map((head) => `${head}\n`), ...body].join('');
}

function policyLines(policy: PolicyAnswer): readonly Line[] {
  const { path, namespace, role, scope, passedOver, requirements, problem } = policy;
  const whose = role === 'crio' ? ', of CRI-O' : namespace && `, of the namespace ${namespace}`;
  const head: Line = ['policy', `${path}${whose || ''}`];
  if (scope === null) return [head, ['', `cannot be used: ${problem ?? ''}`]];
  const tried = passedOver.filter(Boolean).map((name) => JSON.stringify(name));
  return [
    head,
    ['scope', tried.length === 0 ? scope : `${scope}, for there is no ${tried.join(', ')}`],
    ...requirements.flatMap(({ requirement, keys, unreadable }): readonly Line[] => [
      ['asks for', requirementText(requirement)],
      ...keys.map((key): Line => ['by key', key]),
      ...unreadable.map((file): Line => ['by key', `none: ${file} cannot be read`]),
    ]),
  ];
}

function placeLines(place: SignaturePlace): readonly Line[] {
  const { reference, isMirror, insecure, lookaside, useSigstoreAttachments } = place;
  const marks = [...(isMirror ? ['mirror'] : []), ...(insecure ? ['insecure'] : [])];
  const of = marks.length === 0 ? '' : ` for ${reference} (${marks.join(', ')})`;
  const attached = useSigstoreAttachments ? 'and' : 'not';
  return [
    ['looked for', `${lookaside.url} (${lookaside.file ?? 'built in'})${of}`],
    ['', `${attached} in sigstore attachments of ${reference}`],
  ];
}
