import type { Certificates } from './certificates.ts';
import type { HttpReader } from './http.ts';

/** What it takes to ask servers on behalf of a node. */
export interface Network {
  readonly http: HttpReader;
  readonly certificates: Certificates;
}
