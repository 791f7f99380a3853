import { ForwardingHost } from '../../agent/forwarding-host.ts';
import { type Host, type IdentifiedContent, openHost } from '../../agent/host.ts';

/** A node that says which file is about to be read as bytes, before it is. */
export function heardHost(root: string, onRead: (path: string) => void): Host {
  return new HeardHost(openHost(root), onRead);
}

class HeardHost extends ForwardingHost {
  readonly #onRead: (path: string) => void;

  constructor(host: Host, onRead: (path: string) => void) {
    super(host);
    this.#onRead = onRead;
  }

  override async readBytes(path: string, limitBytes?: number): Promise<Buffer | undefined> {
    this.#onRead(path);
    return await super.readBytes(path, limitBytes);
  }
  override async readIdentified(
    path: string,
    limitBytes?: number,
  ): Promise<IdentifiedContent | undefined> {
    this.#onRead(path);
    return await super.readIdentified(path, limitBytes);
  }
}
