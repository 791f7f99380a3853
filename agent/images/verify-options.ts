import type { Clock } from '../../shared/clock.ts';
import type { HttpReader } from '../signatures/http.ts';
import type { SourceId } from '../signatures/source.ts';
import type { Evaluator } from './evaluator.ts';
import type { PassMemory } from './pass-memory.ts';
import type { ReleaseSettings } from './release-signature.ts';
import type { VerdictCache } from './verdict-cache.ts';

export const DEFAULT_SOURCES: readonly SourceId[] = ['store', 'lookaside'];

/** What is verified, how and with what. */
export interface VerifyOptions {
  /**
   * Where signatures are taken from, asked in this order; default `store`, then `lookaside` as far as it is files of
   * the node. Servers are asked only when they are named here (`--sources`, `sources` of agent.yaml): `lookaside`
   * switches on lookasides over http(s), `registry` the registry, with the node's certificates and pull secret.
   *
   * The first source that satisfies the policy decides. Where none does, the image is refused for the reason of the
   * first source that had signatures at all, unless a later source could not be asked: then the answer is `unknown`
   * when the store has none. A server that does not answer is never a reason to refuse; content that the node's own
   * tools would not take is. `store` alone says what skopeo, podman and CRI-O say of the stored image; `lookaside`
   * alone what a pull of the same manifest would be told now, which an unreadable signature stops under any policy;
   * `registry` the same of the registry, and beside it `lookaside` is read as a part of that pull. For a namespace with a
   * policy of its own the store alone is asked when it is among them, as CRI-O does when it makes a container.
   */
  readonly sources?: readonly SourceId[];
  /** Names, image ids (12 digits of hex or more) or digests; absent or empty: every image of the store. */
  readonly references?: readonly string[];
  /** Asks servers; default: one that knows of no earlier failures. */
  readonly http?: HttpReader;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  /** Told now and then how many of the images that have to be judged are. */
  readonly onProgress?: (done: number, all: number) => void;
  /** What judges signatures; default: this thread. */
  readonly evaluator?: Evaluator;
  /** Verdicts of earlier passes; default: none are known. */
  readonly cache?: VerdictCache;
  /** Files read in earlier passes; default: none are known. */
  readonly memory?: PassMemory;
  /** Also hold manifests and configurations against their digests; default: false. */
  readonly contents?: boolean;
  /** How releases of OpenShift are verified beside the policy; `false`: images are not held against releases at all. */
  readonly release?: ReleaseSettings | false;
  /** Signing subkeys count, as since containers/image 5.37.0; default true. */
  readonly signingSubkeys?: boolean;
}
