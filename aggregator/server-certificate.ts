import { rfc3339 } from '../shared/clock.ts';
import { messageOf } from '../shared/errors.ts';
import type { Logger } from '../shared/log.ts';
import { type Certificate, expiryOf, readCertificate } from './certificate.ts';
import type { AggregatorConfig } from './config.ts';

/** The server's certificate as it is in its files, followed while the server runs. */
export class ServerCertificate {
  readonly #config: Pick<AggregatorConfig, 'tls'>;
  readonly #log: Logger;
  #current: Certificate;
  #refused: string | undefined;

  private constructor(config: Pick<AggregatorConfig, 'tls'>, current: Certificate, log: Logger) {
    this.#config = config;
    this.#current = current;
    this.#log = log;
  }

  /** Undefined when none is configured. Throws `ConfigError`. */
  static async open(
    config: Pick<AggregatorConfig, 'tls'>,
    log: Logger,
  ): Promise<ServerCertificate | undefined> {
    const current = await readCertificate(config);
    return current && new ServerCertificate(config, current, log);
  }

  /** What the server shows. */
  get current(): Certificate {
    return this.#current;
  }

  get expiresAtMs(): number {
    return expiryOf(this.#current);
  }

  /** Why the server shows something other than what is in the files; undefined when it does not. */
  get refused(): string | undefined {
    return this.#refused;
  }

  /** The certificate when it is another now. Files that cannot be used together are said once, and the old one stays. */
  async reload(): Promise<Certificate | undefined> {
    let read: Certificate | undefined;
    try {
      read = await readCertificate(this.#config);
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== this.#refused) {
        this.#log.error({ reason }, 'new server certificate cannot be used: the old one stays');
      }
      this.#refused = reason;
      return undefined;
    }
    this.#refused = undefined;
    const { cert, key } = this.#current;
    if (read === undefined || (read.cert.equals(cert) && read.key.equals(key))) return undefined;
    this.#current = read;
    const until = rfc3339(this.expiresAtMs);
    this.#log.info({ until }, 'the server shows a new certificate');
    return read;
  }
}
