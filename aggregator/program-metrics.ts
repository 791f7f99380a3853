import { VERSION } from '../shared/version.ts';
import type { Metrics } from './metrics.ts';
import type { ServerCertificate } from './server-certificate.ts';
import type { Sessions } from './sessions.ts';
import type { Store } from './store/store.ts';

export interface Program {
  readonly sessions: Sessions;
  readonly store: Store;
  readonly certificate: ServerCertificate | undefined;
  /** Mean delay of the event loop. */
  loopDelayMs(): number;
}

/** What the program itself is and holds. */
export function observeProgram(
  metrics: Metrics,
  { sessions, store, certificate, loopDelayMs }: Program,
): void {
  metrics.gauge('build_info', 'Version of the aggregator', ['version'], () => [
    [{ version: VERSION }, 1],
  ]);
  metrics.gauge('sessions', 'Connected agents', [], () => [[{}, sessions.count]]);
  metrics.gauge('ws_buffered_bytes', 'Bytes that agents have not read yet', [], () => [
    [{}, sessions.bufferedBytes],
  ]);
  // A gauge that is there is never without a number, and 0 would be of 1970.
  if (certificate !== undefined) {
    metrics.gauge(
      'server_certificate_expiry_timestamp_seconds',
      'When the certificate that the server shows ends',
      [],
      () => [[{}, certificate.expiresAtMs / 1000]],
    );
  }
  metrics.gauge('db_size_bytes', 'Size of the database', [], async () => [
    [{}, await store.sizeBytes()],
  ]);
  metrics.gauge('store_backlog_records', 'Records that wait for a commit', [], () => [
    [{}, store.backlog],
  ]);
  metrics.gauge('eventloop_lag_seconds', 'Mean delay of the event loop', [], () => [
    [{}, loopDelayMs() / 1000],
  ]);
  metrics.gauge('process_resident_memory_bytes', 'Resident memory', [], () => [
    [{}, process.memoryUsage.rss()],
  ]);
  metrics.gauge('process_start_time_seconds', 'When the process started', [], () => [
    [{}, Math.round(performance.timeOrigin) / 1000],
  ]);
  metrics.sum('process_cpu_seconds_total', 'Time on a processor, user and system', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
}
