import type { Host } from '../host.ts';
import { Certificates } from './certificates.ts';
import { HttpReader } from './http.ts';

/** What it takes to ask servers on behalf of a node. */
export interface Network {
  readonly http: HttpReader;
  readonly certificates: Certificates;
}

/** Nothing is asked before a source does. */
export function openNetwork(host: Host, http: HttpReader = new HttpReader()): Network {
  return { http, certificates: new Certificates(host) };
}
