import { access, rename, rm } from 'node:fs/promises';
import type { SecureContextOptions } from 'node:tls';
import type { Clock } from '../../shared/clock.ts';
import { CodedError, messageOf } from '../../shared/errors.ts';
import type { Logger } from '../../shared/log.ts';
import { CLOSE } from '../../shared/protocol.ts';
import type { AggregatorLink } from '../config.ts';
import { enrol, enrolIfNew, renew, trustOf } from '../enrol.ts';
import { makeKey } from './certificate-request.ts';
import {
  fingerprintOf,
  type HeldKey,
  heldKey,
  readHeldKey,
  readText,
  writeHeldKey,
  writePrivate,
} from './credential-file.ts';

/** The node has to wait; how long is the aggregator's to say. */
export class WaitError extends CodedError<'ERR_WAIT_APPROVAL'> {
  readonly seconds: number;
  constructor(message: string, seconds: number) {
    super('ERR_WAIT_APPROVAL', message);
    this.seconds = seconds;
  }
}

/** What a connection is made with. */
export interface Shown {
  readonly tls: SecureContextOptions;
  /** A bearer token; undefined when a certificate is shown. */
  readonly token?: string;
  /** A new certificate that has not been used yet: the one before is still there. */
  readonly isTrial: boolean;
}

export interface NodeCredentialOptions {
  readonly link: AggregatorLink;
  readonly name: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
}

/** Close codes after which a new certificate is of no use. Not 4003: a revocation can be taken back. */
const USELESS: ReadonlySet<number> = new Set([CLOSE.credentialExpired, CLOSE.unknownNode]);
const LONGEST_RETRY_MS = 3_600_000;

/**
 * The node's own credential: a key that never leaves the node with the aggregator's certificate for it, or a bearer token.
 * Whatever the aggregator says of it, the key is kept. New key material is written beside (`.new`), tried, and only then
 * takes the place of the old. Enrolling again is permitted by close code 4005 alone, or by a certificate that ran out.
 */
export class NodeCredential {
  readonly #options: NodeCredentialOptions;
  /** Where in a certificate's life it is renewed: two thirds ± 10 %, so that many do not come at once. */
  readonly #renewAt: number;
  #retryAtMs = Number.NEGATIVE_INFINITY;
  #mayEnrolAgain = false;
  #heldIsNext = false;

  constructor(options: NodeCredentialOptions) {
    this.#options = options;
    this.#renewAt = (2 / 3) * (0.9 + 0.2 * options.random());
  }

  /** What to connect with now; enrols a new node, and renews when that is due. Throws when there is nothing to show. */
  async prepare(signal: AbortSignal): Promise<Shown> {
    const { link, name } = this.#options;
    const trust = await trustOf(link);
    const held = await this.#held();
    if (held?.certificate === undefined) {
      if (await this.#getsCertificate(held, signal)) return await this.prepare(signal);
      await enrolIfNew(link, name, signal);
      return { tls: await trustOf(link), token: await readToken(link.tokenFile), isTrial: false };
    }
    await this.renewIfDue(signal);
    const trial = this.#heldIsNext ? undefined : await this.#trial();
    const { key, certificate } = trial ?? held;
    return { tls: { ...trust, ...tlsOf(key, certificate) }, isTrial: trial !== undefined };
  }

  /** The bearer token as its file holds it now; undefined when certificates are used. */
  async token(): Promise<string | undefined> {
    const held = await this.#held();
    return held?.certificate === undefined
      ? await readToken(this.#options.link.tokenFile)
      : undefined;
  }

  /** Gets a new certificate when it is time; true when one waits to be tried. Never throws. */
  async renewIfDue(signal?: AbortSignal): Promise<boolean> {
    const { clock, log } = this.#options;
    try {
      const held = await this.#held();
      if (held?.certificate === undefined || clock.nowMs() < this.#retryAtMs) return false;
      const { validFromMs, validUntilMs } = held;
      const lifeMs = validUntilMs - validFromMs;
      const isDue = clock.nowMs() >= validFromMs + lifeMs * this.#renewAt;
      if (!isDue && !this.#mayEnrolAgain) return false;
      this.#retryAtMs = clock.nowMs() + Math.min(LONGEST_RETRY_MS, lifeMs / 30);
      return await this.#replace(held, signal);
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'certificate not renewed: the present one stays');
      return false;
    }
  }

  /** The aggregator answered `hello`: what was tried takes the place of the old. */
  async accepted({ isTrial, token }: Shown): Promise<void> {
    if (token === undefined) this.#mayEnrolAgain = false;
    this.#heldIsNext = false;
    if (!isTrial) return;
    await rename(this.#trialFile, this.#file);
    this.#retryAtMs = Number.NEGATIVE_INFINITY;
    this.#options.log.info({}, 'new certificate is in use');
  }

  /** The connection ended before `welcome`, or by a close code. What is held is never discarded. */
  async ended({ isTrial, token }: Shown, closeCode: number, wasConnected: boolean): Promise<void> {
    if (closeCode === CLOSE.unknownNode && token === undefined && !isTrial) {
      this.#mayEnrolAgain = true;
      this.#retryAtMs = Number.NEGATIVE_INFINITY;
    }
    if (wasConnected) return;
    // Of the network or of the new certificate? The old one tells.
    this.#heldIsNext = isTrial;
    if (isTrial && USELESS.has(closeCode)) await rm(this.#trialFile, { force: true });
  }

  get #file(): string {
    return this.#options.link.certificateFile ?? '';
  }
  get #trialFile(): string {
    return `${this.#file}.new`;
  }

  async #held(): Promise<HeldKey | undefined> {
    return this.#file === '' ? undefined : await readHeldKey(this.#file);
  }

  async #trial(): Promise<HeldKey | undefined> {
    try {
      const trial = await readHeldKey(this.#trialFile);
      return trial?.certificate === undefined ? undefined : trial;
    } catch (error) {
      this.#options.log.warn({ reason: messageOf(error) }, 'new certificate is not usable');
      await rm(this.#trialFile, { force: true });
      return undefined;
    }
  }

  /** A first certificate for a node that has none and no token either; false when it is not to be had this way. */
  async #getsCertificate(held: HeldKey | undefined, signal: AbortSignal): Promise<boolean> {
    const { link, name, log } = this.#options;
    const { joinTokenFile, tokenFile, url } = link;
    const isPossible = this.#file !== '' && joinTokenFile !== undefined && !/^(http|ws):/.test(url);
    if (!isPossible || (await exists(tokenFile))) return false;
    const key = held?.key ?? makeKey();
    // Before it is shown: a lost answer or a restart finds the same key again.
    if (held === undefined) await writeHeldKey(this.#file, heldKey(key));
    const given = await enrol(link, name, key, signal);
    switch (given.kind) {
      case 'certificate':
        await writeHeldKey(this.#file, heldKey(key, given.pem));
        log.info({ node: name }, 'enrolled: the node has a certificate');
        return true;
      case 'token':
        // TLS ends before the aggregator: no certificate of ours would get there.
        await writePrivate(tokenFile, `${given.token}\n`);
        return false;
      case 'pending': {
        const message = `waits for approval: nodeseal node approve ${name}, key sha256:${fingerprintOf(key)}`;
        throw new WaitError(message, given.pollSeconds);
      }
    }
  }

  /** The key of the node that this one becomes: kept, so that a lost answer or an approval finds the same key again. */
  async #nextKey(): Promise<HeldKey['key']> {
    const waiting = await readHeldKey(this.#trialFile).catch(() => undefined);
    if (waiting !== undefined && waiting.certificate === undefined) return waiting.key;
    const key = makeKey();
    await writeHeldKey(this.#trialFile, heldKey(key));
    return key;
  }

  /** A new key with a certificate of the same node, or by a join token where the present one can do nothing more. */
  async #replace(held: HeldKey, signal: AbortSignal | undefined): Promise<boolean> {
    const { link, name, clock, log } = this.#options;
    const isOver = clock.nowMs() >= held.validUntilMs;
    if (!isOver && !this.#mayEnrolAgain) {
      const key = makeKey();
      const pem = await renew(link, key, tlsOf(held.key, held.certificate), signal);
      await writeHeldKey(this.#trialFile, heldKey(key, pem));
      log.info({}, 'certificate renewed: to be tried at once');
      return true;
    }
    if (link.joinTokenFile === undefined) {
      throw new Error(
        'the certificate ran out or is of no known node, and no joinTokenFile is configured',
      );
    }
    // The same node proves itself by the key it had; a node that is not known any more becomes a new one.
    const key = this.#mayEnrolAgain ? await this.#nextKey() : held.key;
    const given = await enrol(link, name, key, signal);
    if (given.kind !== 'certificate') throw new Error('enrolling again gave no certificate yet');
    await writeHeldKey(this.#trialFile, heldKey(key, given.pem));
    log.info({ node: name }, 'enrolled again: to be tried at once');
    return true;
  }
}

function tlsOf(key: HeldKey['key'], certificate: string | undefined): SecureContextOptions {
  const pem = key.export({ format: 'pem', type: 'pkcs8' }).toString();
  return certificate === undefined ? {} : { key: pem, cert: certificate };
}

/** The token as its file holds it, without the end of the line. */
async function readToken(file: string): Promise<string> {
  const token = (await readText(file)).trim();
  // What cannot stand in a header would be told in the error that setting it throws.
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new Error(`${file}: expected one token of printable ASCII`);
  return token;
}

async function exists(file: string): Promise<boolean> {
  return await access(file).then(
    () => true,
    () => false,
  );
}
