import { verifyImages } from '../../agent/images/verify.ts';
import { readNodeTrust } from '../../agent/trust.ts';
import { API_VERSION } from '../../shared/api.ts';
import { counted } from '../../shared/counted.ts';
import { type ImageVerdict, VERDICTS } from '../../shared/images.ts';
import { safeText } from '../../shared/safe-text.ts';
import type { Command } from '../command.ts';
import { usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit.ts';
import { refuseFleetFlags } from '../fleet-flags.ts';
import { openHostRoot } from '../host-root.ts';
import { IMAGE_LIBRARY_OPTION, readImageLibrary } from '../image-library.ts';
import { clockOf } from '../node-state.ts';
import {
  ALL_NODES_OPTION,
  LOCAL_ROOT_OPTION,
  NO_HEADERS_OPTION,
  NODE_OPTION,
  outputOption,
  REQUIRE_COVERAGE_OPTION,
  SERVER_OPTIONS,
} from '../options.ts';
import { styleOf } from '../output/colour.ts';
import type { Presentation } from '../output/column.ts';
import { isFormat } from '../output/format.ts';
import { explainImage, IMAGE_COLUMNS } from '../output/image.ts';
import { listText } from '../output/list.ts';
import { startProgress } from '../progress.ts';
import { RELEASE_OPTIONS, readReleaseOptions } from '../release-options.ts';
import { readSources, SOURCES_OPTION } from '../signature-sources.ts';

const PRESENTATION: Presentation<ImageVerdict> = {
  resource: 'image',
  columns: IMAGE_COLUMNS,
  nameOf: ({ reference, imageId }) => (reference === '<none>' ? imageId : reference),
};

export const verify: Command = {
  description: `Judges the images in this node's store by the policies in force on it: every image, or those named. Images that pods
of a namespace with a policy of its own use are judged by that too. Nothing is changed, and no server is asked unless
--sources says so.

accepted: signed as the policy asks. unenforced: the policy asked for no signature. rejected: the policy refuses it.
unknown: could not be decided, with the reason.
Images that a signed OpenShift release names are told with it; the verdict stays that of the policy. The release image is
found in the store, and signed as the policy asks or by the keys of --release-key.
With --node or --all-nodes: the verdicts that nodes of the fleet reported last on the images that are named.

Exit code 1: an image is rejected. 6: none is, but one is unknown. 5: an image that was named is not in the store.
Of the fleet 6 also when a node does not report; 3, before all others, with --require-coverage.`,
  arguments: [
    {
      name: 'IMAGE',
      description: 'names, digests, or ids (12 digits or more)',
      repeatable: true,
    },
  ],
  options: [
    LOCAL_ROOT_OPTION,
    { flags: '--all', description: 'every image of the store (also when no IMAGE is named)' },
    SOURCES_OPTION,
    IMAGE_LIBRARY_OPTION,
    ...RELEASE_OPTIONS,
    { flags: '--explain', description: 'how each verdict came about' },
    NODE_OPTION,
    ALL_NODES_OPTION,
    REQUIRE_COVERAGE_OPTION,
    outputOption(),
    NO_HEADERS_OPTION,
    ...SERVER_OPTIONS,
  ],
  examples: [
    { line: 'sudo nodeseal verify', meaning: 'every image on this node' },
    {
      line: 'sudo nodeseal verify --explain quay.io/team/app:v1',
      meaning: 'policy, scope, requirements and signatures behind one verdict',
    },
    {
      line: 'sudo nodeseal verify --release-key /etc/pki/rpm-gpg/RPM-GPG-KEY-redhat-release --release-signatures ./release',
      meaning: 'which images belong to a release that Red Hat signed',
    },
    {
      line: 'nodeseal verify quay.io/team/app:v1 --all-nodes',
      meaning: 'what every node of the fleet says of one image',
    },
    {
      line: 'nodeseal verify --host-root /host -o json | jq \'.items[] | select(.verdict=="rejected")\'',
      meaning: 'what the policy refuses, from a debug pod on the node',
    },
  ],
  async run(invocation, io) {
    const references = invocation.positional.map((word) => word.replace(/^image\//, ''));
    if (invocation.value('node') !== undefined || invocation.flag('all-nodes')) {
      const { verifyFleet } = await import('./verify-fleet.ts');
      return await verifyFleet(references, invocation, io);
    }
    refuseFleetFlags(invocation, 'for the fleet: --node NAME or --all-nodes');
    if (references.length > 0 && invocation.flag('all')) {
      throw usageError('--all and the name of an image exclude each other');
    }
    const named = invocation.value('sources');
    const release = await readReleaseOptions(invocation);
    const host = await openHostRoot(invocation.value('host-root') ?? '/');
    using progress = startProgress(io);
    const found = await verifyImages(host, await readNodeTrust(host), {
      references,
      ...(named === undefined ? {} : { sources: readSources(named) }),
      ...readImageLibrary(invocation.value('image-library')),
      ...(release === undefined ? {} : { release }),
      clock: clockOf(io),
      signal: io.signal,
      onProgress: (done, all) => progress.say(() => `${done} of ${counted(all, 'image')} judged`),
    });
    progress.clear();
    const { verdicts, faults, layerFaults, releaseNotes, notFound } = found;
    const style = styleOf(io, invocation.value('color'));
    const output = invocation.value('output') ?? 'table';
    if (invocation.flag('explain') && output === 'table') {
      const blocks = verdicts.map((verdict) => explainImage(verdict, style).join('\n'));
      io.stdout.write(blocks.map((block) => `${block}\n`).join(''));
    } else if (isFormat(output)) {
      const list = { apiVersion: API_VERSION, kind: 'ImageVerdictList', items: verdicts };
      const headers = !invocation.flag('no-headers');
      io.stdout.write(listText(list, PRESENTATION, output, style, headers));
    }
    const counts = VERDICTS.map((verdict) => {
      return `${verdicts.filter((one) => one.verdict === verdict).length} ${verdict}`;
    });
    if (output === 'table') {
      const isEmpty = references.length + verdicts.length + faults.length === 0;
      const remark = isEmpty ? ' (no image is on this node)' : '';
      io.stderr.write(`${counts.join(', ')} of ${verdicts.length}${remark}\n`);
    }
    for (const { path, message } of faults) {
      io.stderr.write(`note: ${safeText(path)}: ${safeText(message)}\n`);
    }
    for (const { reference, imageId, message } of layerFaults) {
      const subject = reference === '<none>' ? imageId : reference;
      io.stderr.write(`note: ${safeText(subject)}: ${safeText(message)}\n`);
    }
    for (const { subject, message } of releaseNotes) {
      io.stderr.write(`note: release ${safeText(subject)}: not verified: ${safeText(message)}\n`);
    }
    for (const reference of notFound) {
      io.stderr.write(`error: no image ${safeText(reference)} in the store of this node\n`);
    }
    // Where nobody asked for releases, one that nobody vouches for leaves nothing open.
    const open = release === undefined ? [] : releaseNotes;
    const gaps = faults.length + layerFaults.length + open.length;
    return exitFor(verdicts, gaps, notFound.length);
  },
};

/** An image that is not there leaves part of the question open; a refusal is told before what is undecided. */
function exitFor(verdicts: readonly ImageVerdict[], gaps: number, notFound: number): ExitCode {
  if (notFound > 0) return EXIT.notFound;
  if (verdicts.some(({ verdict }) => verdict === 'rejected')) return EXIT.findings;
  const isPartial = gaps > 0 || verdicts.some(({ verdict }) => verdict === 'unknown');
  return isPartial ? EXIT.partial : EXIT.clean;
}
