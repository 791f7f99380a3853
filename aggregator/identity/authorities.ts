import { X509Certificate } from 'node:crypto';
import { CodedError, messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import type { Records } from '../store/records.ts';
import { type NodeCa, uidIn } from './node-ca.ts';
import { Register } from './register.ts';

export class AuthorityError extends CodedError<'ERR_AUTHORITY'> {}

/**
 * Whose certificates of nodes are good here: this aggregator's own, and on a shared database every other's. Only their
 * certificates are there; no key leaves the machine it was made on.
 */
export class Authorities {
  readonly #own: NodeCa;
  readonly #others: Register<string> | undefined;
  /** By name: authorities have different ones. */
  #known = new Map<string, X509Certificate>();

  private constructor(own: NodeCa, others: Register<string> | undefined) {
    this.#own = own;
    this.#others = others;
    this.#use();
  }

  /** Makes the own one known to the others. */
  static async open(own: NodeCa, records: Records | undefined, log: Logger): Promise<Authorities> {
    if (records === undefined) return new Authorities(own, undefined);
    const others = new Register(records, readAuthority, (path, error) =>
      log.error({ path, reason: messageOf(error) }, 'authority of nodes cannot be read: refused'),
    );
    await others.change(async ({ keep }) => {
      if (others.get(own.name) !== own.certificate) await keep(own.name, own.certificate);
    });
    return new Authorities(own, others);
  }

  /** The uid in a certificate that one of them issued; undefined for any other. Time is not looked at. */
  async uidOf(presented: X509Certificate): Promise<string | undefined> {
    if (!this.#known.has(presented.issuer)) {
      await this.#others?.refresh();
      this.#use();
    }
    const authority = this.#known.get(presented.issuer);
    return authority && uidIn(presented, authority);
  }

  /** Looks whether others came or are gone. */
  async reload(): Promise<void> {
    await this.#others?.reload();
    this.#use();
  }

  #use(): void {
    const certificates = [this.#own.certificate, ...(this.#others?.values() ?? [])];
    this.#known = new Map(
      certificates.map((pem) => {
        const certificate = new X509Certificate(pem);
        return [certificate.subject, certificate] as const;
      }),
    );
  }
}

function readAuthority(text: string): string {
  const pem: unknown = JSON.parse(text);
  if (typeof pem !== 'string') throw new AuthorityError('ERR_AUTHORITY', 'expected a PEM text');
  const certificate = new X509Certificate(pem);
  if (certificate.ca && certificate.verify(certificate.publicKey)) return pem;
  throw new AuthorityError('ERR_AUTHORITY', 'expected the certificate of an authority');
}
