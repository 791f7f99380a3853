import type { ImageItem } from '../api.ts';
import { counted } from '../counted.ts';
import { VERDICTS, type Verdict } from '../images.ts';
import { reportingText } from '../reporting-text.ts';
import { safeText } from '../safe-text.ts';
import { compactJson, ListText } from './json-text.ts';
import type { ExportFormat, ExportSource } from './source.ts';

/** OpenShift, "Integrating external scanning": `quality.images.openshift.io/<qualityType>.<providerId>`. */
const KEY = 'quality.images.openshift.io/policy.nodeseal';
/** Names of one image that are listed. */
const MAX_REFERENCES = 20;

/** What the summary of an annotation says of each verdict; `severityIndex` is 0 (low) to 3. */
const SUMMARY: readonly { readonly verdict: Verdict; readonly severityIndex: number }[] = [
  { verdict: 'rejected', severityIndex: 3 },
  { verdict: 'unknown', severityIndex: 2 },
  { verdict: 'unenforced', severityIndex: 1 },
  { verdict: 'accepted', severityIndex: 0 },
];

/** One image of the fleet: on which nodes which verdict was reached. */
interface ImageSum {
  readonly digest: string;
  readonly references: Set<string>;
  readonly nodes: Record<Verdict, number>;
}

/**
 * Annotations of image quality for OpenShift's Image objects, with the command and the PATCH that would set them.
 * Nothing is applied.
 */
export const annotations: ExportFormat = {
  id: 'annotations',
  title: 'quality.images.openshift.io annotations, with the commands to set them',
  mediaType: 'application/json',
  extension: 'json',
  about: 'images',
  async *write(source) {
    const images = await sumImages(source);
    const { generatedAt, asOf, coverage } = source;
    yield `{"apiVersion":"nodeseal.dev/v1","kind":"ImageAnnotationList","generatedAt":${compactJson(generatedAt)}`;
    yield asOf === undefined ? '' : `,"asOf":${compactJson(asOf)}`;
    yield `,"coverage":${compactJson(coverage)},"items":[\n`;
    const list = new ListText();
    for (const image of images) yield list.add([annotate(image, source)]);
    yield ']}\n';
  },
};

/** By digest: several names of one image are one Image object. A node counts once, by its worst verdict. */
async function sumImages(source: ExportSource): Promise<readonly ImageSum[]> {
  const sums = new Map<string, ImageSum>();
  for await (const { items, state } of source.images()) {
    for (const [digest, ofNode] of Map.groupBy(items, (image) => image.digest)) {
      const sum = sums.get(digest) ?? {
        digest,
        references: new Set<string>(),
        nodes: { accepted: 0, unenforced: 0, rejected: 0, unknown: 0 },
      };
      sums.set(digest, sum);
      for (const { reference } of ofNode) sum.references.add(safeText(reference));
      sum.nodes[worstOf(ofNode, state === 'stale')]++;
    }
  }
  return [...sums.values()].sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

/** A stale node's `accepted` is no longer known to hold. */
function worstOf(images: readonly ImageItem[], isStale: boolean): Verdict {
  const verdicts = new Set(images.map(({ verdict }) => verdict));
  const worst = SUMMARY.find(({ verdict }) => verdicts.has(verdict))?.verdict ?? 'unknown';
  return isStale && worst === 'accepted' ? 'unknown' : worst;
}

function annotate(image: ImageSum, source: ExportSource): object {
  const { digest, references, nodes } = image;
  const known = [...references].sort();
  const named = {
    image: safeText(digest),
    references: known.slice(0, MAX_REFERENCES),
    ...(known.length > MAX_REFERENCES ? { moreReferences: known.length - MAX_REFERENCES } : {}),
    nodes: Object.fromEntries(VERDICTS.map((verdict) => [verdict, nodes[verdict]])),
  };
  // Image objects are named by their digest; what has none cannot be annotated, and is listed all the same.
  if (!/^sha256:[0-9a-f]{64}$/.test(digest)) return { ...named, reason: 'no-digest' };
  const value = qualityOf(nodes, known[0] ?? digest, source);
  const text = JSON.stringify(value);
  const patch = {
    path: `/apis/image.openshift.io/v1/images/${digest}`,
    contentType: 'application/merge-patch+json',
    body: { metadata: { annotations: { [KEY]: text } } },
  };
  const command = `oc annotate --overwrite image ${digest} ${shellWord(`${KEY}=${text}`)}`;
  return { ...named, annotation: { key: KEY, value }, command, patch };
}

function qualityOf(nodes: ImageSum['nodes'], reference: string, source: ExportSource): object {
  const { generatedAt, asOf, version, link, coverage } = source;
  const on = VERDICTS.reduce((total, verdict) => total + nodes[verdict], 0);
  return {
    name: 'nodeseal',
    description: `Signatures by the policies of ${counted(on, 'node that holds it', 'nodes that hold it')}; ${reportingText(coverage)}`,
    timestamp: asOf ?? generatedAt,
    reference: `${link}/v1/images?${new URLSearchParams({ reference })}`,
    scannerVersion: version,
    compliant: isCompliant(nodes),
    summary: SUMMARY.map(({ verdict, severityIndex }) => ({
      label: verdict,
      data: String(nodes[verdict]),
      severityIndex,
      reference: null,
    })),
  };
}

/** True only when every node that holds the image verified a signature; null when that is not known or was not asked. */
function isCompliant(nodes: ImageSum['nodes']): boolean | null {
  if (nodes.rejected > 0) return false;
  return nodes.unknown === 0 && nodes.unenforced === 0 && nodes.accepted > 0 ? true : null;
}

/** One word for a POSIX shell, whatever it holds. */
function shellWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
