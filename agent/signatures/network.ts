import type { Host } from '../host.ts';
import { Certificates } from './certificates.ts';
import { HttpReader } from './http.ts';
import type { SourceId } from './source.ts';

/** What it takes to ask servers on behalf of a node. */
export interface Network {
  readonly http: HttpReader;
  readonly certificates: Certificates;
}

/** The network when sources were named, which is what allows servers to be asked; nothing for the default sources. */
export function networkFor(
  host: Host,
  { sources, http }: { readonly sources?: readonly SourceId[]; readonly http?: HttpReader },
): { readonly network?: Network } {
  if (sources === undefined) return {};
  return { network: { http: http ?? new HttpReader(), certificates: new Certificates(host) } };
}
