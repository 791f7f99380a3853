import { execFileSync } from 'node:child_process';

function ip(...words: readonly string[]): void {
  execFileSync('ip', words, { stdio: 'pipe' });
}

/** A network namespace joined to this one by a cable that can be cut without a word to either end. */
export class FarNetwork implements Disposable {
  readonly name: string;
  /** Of the near end of the cable; RFC 2544 keeps 198.18.0.0/15 for tests. */
  readonly here: string;
  readonly #link: string;

  private constructor(number: number) {
    this.name = `nodeseal-${process.pid}-${number}`;
    const net = (process.pid * 4 + number * 4) % 65_536;
    const address = (host: number): string => `198.18.${net >> 8}.${(net & 255) + host}`;
    this.here = address(1);
    this.#link = `ns${process.pid}v${number}`;
    ip('netns', 'add', this.name);
    try {
      ip('link', 'add', this.#link, 'type', 'veth', 'peer', 'name', 'far', 'netns', this.name);
      ip('addr', 'add', `${this.here}/30`, 'dev', this.#link);
      ip('link', 'set', this.#link, 'up');
      ip('-n', this.name, 'addr', 'add', `${address(2)}/30`, 'dev', 'far');
      ip('-n', this.name, 'link', 'set', 'far', 'up');
      // That they may be dropped is seen now, not in the middle.
      this.cut();
      this.heal();
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  /** Why there can be none here, or a new one. */
  static make(number: number): FarNetwork | string {
    try {
      return new FarNetwork(number);
    } catch (error) {
      const [line] = String(error).split('\n');
      return `needs ip netns and iptables: ${line}`;
    }
  }

  /** Words to run a program there with. */
  get inside(): readonly string[] {
    return ['ip', 'netns', 'exec', this.name];
  }

  /** Every packet from there is dropped: no end, no reset. */
  cut(): void {
    this.#inside('iptables', '-A', 'OUTPUT', '-o', 'far', '-j', 'DROP');
    this.#inside('iptables', '-A', 'INPUT', '-i', 'far', '-j', 'DROP');
  }

  heal(): void {
    this.#inside('iptables', '-F');
  }

  [Symbol.dispose](): void {
    ip('netns', 'del', this.name);
  }

  #inside(...words: readonly string[]): void {
    const [program = '', ...rest] = [...this.inside, ...words];
    execFileSync(program, rest, { stdio: 'pipe' });
  }
}
